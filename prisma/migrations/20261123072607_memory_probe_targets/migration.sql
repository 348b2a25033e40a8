-- AlterEnum
ALTER TYPE "run_phase" ADD VALUE 'PROBING';

-- DropForeignKey
ALTER TABLE "probe_trial" DROP CONSTRAINT "probe_trial_probe_id_fkey";

-- DropIndex
DROP INDEX "memory_probe_architecture_created_at_idx";

-- AlterTable
ALTER TABLE "attempt" ADD COLUMN     "accumulation" INTEGER;

-- Earlier attempts all trained with what their run's config says.
UPDATE "attempt" SET "accumulation" = ("run"."config" ->> 'accumulation')::int
FROM "run" WHERE "run"."id" = "attempt"."run_id" AND "run"."kind" = 'TRAINED';

-- CreateTable
CREATE TABLE "probe_target" (
    "probe_id" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "architecture" TEXT NOT NULL,
    "height" INTEGER NOT NULL,
    "width" INTEGER NOT NULL,
    "item_transform" JSONB NOT NULL,
    "precision" TEXT NOT NULL,
    "recommendation" INTEGER,
    "failure_code" "run_failure_code",
    "failure_message" TEXT,
    "failure_retryable" BOOLEAN,
    "equivalence" JSONB,

    CONSTRAINT "probe_target_pkey" PRIMARY KEY ("probe_id","position")
);

-- Every probe so far measured one network.
INSERT INTO "probe_target" ("probe_id", "position", "architecture", "height", "width", "item_transform", "precision",
                            "recommendation", "failure_code", "failure_message", "failure_retryable")
SELECT p."id", 0, p."architecture", p."height", p."width", r."config" -> 'itemTransform', p."precision",
       p."recommendation", r."failure_code", r."failure_message", r."failure_retryable"
FROM "memory_probe" p JOIN "run" r ON r."id" = p."run_id";

-- AlterTable
ALTER TABLE "memory_probe" DROP COLUMN "architecture",
DROP COLUMN "height",
DROP COLUMN "precision",
DROP COLUMN "recommendation",
DROP COLUMN "width",
ADD COLUMN     "device" TEXT,
ADD COLUMN     "engine" TEXT,
ADD COLUMN     "equivalence" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "refresh" BOOLEAN NOT NULL DEFAULT false;

-- What they were measured on stood on the newest attempt only.
UPDATE "memory_probe" SET "engine" = a."engine", "device" = a."device"
FROM "run" r JOIN "attempt" a ON a."run_id" = r."id" AND a."number" = r."current_attempt"
WHERE r."id" = "memory_probe"."run_id";

-- AlterTable
ALTER TABLE "probe_trial" DROP CONSTRAINT "probe_trial_pkey",
ADD COLUMN     "cached" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "position" INTEGER NOT NULL DEFAULT 0,
ADD CONSTRAINT "probe_trial_pkey" PRIMARY KEY ("probe_id", "position", "accumulation");
ALTER TABLE "probe_trial" ALTER COLUMN "position" DROP DEFAULT;

-- CreateTable
CREATE TABLE "memory_measurement" (
    "architecture" TEXT NOT NULL,
    "height" INTEGER NOT NULL,
    "width" INTEGER NOT NULL,
    "item_transform" TEXT NOT NULL,
    "precision" TEXT NOT NULL,
    "micro_batch_size" INTEGER NOT NULL,
    "engine" TEXT NOT NULL,
    "device" TEXT NOT NULL,
    "compute_threads" INTEGER NOT NULL,
    "loader_threads" INTEGER NOT NULL,
    "versions" TEXT NOT NULL,
    "peak_memory" BIGINT NOT NULL,
    "complete" BOOLEAN NOT NULL,
    "images_per_second" DOUBLE PRECISION,
    "measured_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "memory_measurement_pkey" PRIMARY KEY ("architecture","height","width","item_transform","precision","micro_batch_size","engine","device","compute_threads","loader_threads","versions")
);

-- CreateIndex
CREATE INDEX "probe_target_architecture_idx" ON "probe_target"("architecture");

-- CreateIndex
CREATE INDEX "memory_probe_created_at_id_idx" ON "memory_probe"("created_at" DESC, "id" DESC);

-- AddForeignKey
ALTER TABLE "probe_target" ADD CONSTRAINT "probe_target_probe_id_fkey" FOREIGN KEY ("probe_id") REFERENCES "memory_probe"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "probe_trial" ADD CONSTRAINT "probe_trial_probe_id_position_fkey" FOREIGN KEY ("probe_id", "position") REFERENCES "probe_target"("probe_id", "position") ON DELETE CASCADE ON UPDATE CASCADE;

