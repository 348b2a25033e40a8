-- AlterTable
ALTER TABLE "run_event" ADD COLUMN     "transaction_id" xid8 NOT NULL DEFAULT pg_current_xact_id();
