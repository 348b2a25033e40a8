-- CreateTable
CREATE TABLE "device_sample" (
    "worker_id" TEXT NOT NULL,
    "index" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "memory_used" BIGINT,
    "run_memory" BIGINT NOT NULL,
    "utilization" DOUBLE PRECISION,

    CONSTRAINT "device_sample_pkey" PRIMARY KEY ("worker_id","index","at")
);

-- AddForeignKey
ALTER TABLE "device_sample" ADD CONSTRAINT "device_sample_worker_id_index_fkey" FOREIGN KEY ("worker_id", "index") REFERENCES "device"("worker_id", "index") ON DELETE CASCADE ON UPDATE CASCADE;


