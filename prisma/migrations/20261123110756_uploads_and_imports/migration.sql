-- AlterEnum
ALTER TYPE "dataset_status" ADD VALUE 'CANCELED';

-- AlterTable
ALTER TABLE "dataset" ADD COLUMN     "archive_hash" TEXT,
ADD COLUMN     "archive_path" TEXT,
ADD COLUMN     "import_attempt" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "import_progress" JSONB;

-- CreateTable
CREATE TABLE "upload" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "content_hash" TEXT NOT NULL,
    "size" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "upload_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "upload_expires_at_idx" ON "upload"("expires_at");

-- CreateIndex
CREATE INDEX "upload_content_hash_idx" ON "upload"("content_hash");


