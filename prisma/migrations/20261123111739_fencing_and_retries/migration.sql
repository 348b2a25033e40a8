-- AlterTable
ALTER TABLE "attempt" ADD COLUMN     "confirmed_at" TIMESTAMPTZ(3),
ADD COLUMN     "pid_start" TEXT;

-- AlterTable
ALTER TABLE "run" ADD COLUMN     "next_attempt_at" TIMESTAMPTZ(3),
ADD COLUMN     "skipped_images" JSONB;

-- AlterTable
ALTER TABLE "worker" ADD COLUMN     "machine" TEXT,
ADD COLUMN     "pid_start" TEXT;
