-- AlterEnum
ALTER TYPE "run_event_kind" ADD VALUE 'PRUNED';

-- AlterTable
ALTER TABLE "experiment" ADD COLUMN     "quota_bytes" BIGINT;

-- AlterTable
ALTER TABLE "run" ADD COLUMN     "pruned_at" TIMESTAMPTZ(3);

-- CreateIndex
CREATE INDEX "artifact_content_hash_idx" ON "artifact"("content_hash");

-- CreateIndex
CREATE INDEX "submission_content_hash_idx" ON "submission"("content_hash");


