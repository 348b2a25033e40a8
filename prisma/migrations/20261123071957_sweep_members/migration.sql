-- CreateTable
CREATE TABLE "sweep_member" (
    "sweep_id" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "run_id" TEXT NOT NULL,

    CONSTRAINT "sweep_member_pkey" PRIMARY KEY ("sweep_id","position")
);

-- CreateIndex
CREATE INDEX "sweep_member_run_id_idx" ON "sweep_member"("run_id");

-- CreateIndex
CREATE UNIQUE INDEX "sweep_member_sweep_id_run_id_key" ON "sweep_member"("sweep_id", "run_id");

-- AddForeignKey
ALTER TABLE "sweep_member" ADD CONSTRAINT "sweep_member_sweep_id_fkey" FOREIGN KEY ("sweep_id") REFERENCES "sweep"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sweep_member" ADD CONSTRAINT "sweep_member_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE CASCADE ON UPDATE CASCADE;



-- Sweeps that are there already show the runs they queued, in the order these were made.
INSERT INTO "sweep_member" ("sweep_id", "position", "run_id")
SELECT "sweep_id", row_number() OVER (PARTITION BY "sweep_id" ORDER BY "created_at", "id") - 1, "id"
FROM "run" WHERE "sweep_id" IS NOT NULL;
