-- CreateEnum
CREATE TYPE "dataset_status" AS ENUM ('IMPORTING', 'READY', 'FAILED');

-- CreateEnum
CREATE TYPE "split" AS ENUM ('TRAIN', 'VALID', 'TEST', 'HOLDOUT');

-- CreateEnum
CREATE TYPE "import_severity" AS ENUM ('REJECTED', 'SKIPPED', 'WARNING');

-- CreateEnum
CREATE TYPE "run_status" AS ENUM ('QUEUED', 'RUNNING', 'CANCELING', 'SUCCEEDED', 'FAILED', 'CANCELED');

-- CreateEnum
CREATE TYPE "run_kind" AS ENUM ('TRAINED', 'EXTERNAL', 'MEMORY_PROBE');

-- CreateEnum
CREATE TYPE "run_failure_code" AS ENUM ('INVALID_INPUT', 'OUT_OF_MEMORY', 'DIVERGED', 'TRAINER_CRASHED', 'LEASE_LOST', 'DATA_UNREADABLE', 'WEIGHTS_UNAVAILABLE', 'TIMEOUT', 'INTERNAL');

-- CreateEnum
CREATE TYPE "run_phase" AS ENUM ('PREPARING', 'FROZEN', 'UNFROZEN', 'VALIDATING', 'PREDICTING');

-- CreateEnum
CREATE TYPE "run_event_kind" AS ENUM ('STATUS', 'PROGRESS', 'EPOCH', 'METRICS', 'MEMORY', 'LOG', 'PREDICTIONS');

-- CreateEnum
CREATE TYPE "order_direction" AS ENUM ('ASC', 'DESC');

-- CreateEnum
CREATE TYPE "probe_outcome" AS ENUM ('FITS', 'OVER_BUDGET', 'OUT_OF_MEMORY', 'FAILED');

-- CreateEnum
CREATE TYPE "prediction_kind" AS ENUM ('PLAIN', 'TTA', 'UPLOADED');

-- CreateEnum
CREATE TYPE "ensemble_method" AS ENUM ('MEAN', 'GEOMETRIC_MEAN', 'RANK_MEAN', 'MAJORITY_VOTE');

-- CreateEnum
CREATE TYPE "artifact_kind" AS ENUM ('CHECKPOINT', 'WEIGHTS', 'ONNX', 'PREDICTIONS', 'FILE');

-- CreateEnum
CREATE TYPE "device_kind" AS ENUM ('CUDA', 'WEBGPU', 'CPU');

-- CreateEnum
CREATE TYPE "scope" AS ENUM ('READ', 'WRITE', 'ADMIN');

-- CreateTable
CREATE TABLE "dataset" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "status" "dataset_status" NOT NULL,
    "root" TEXT NOT NULL,
    "vocab" TEXT[],
    "content_hash" TEXT NOT NULL DEFAULT '',
    "failure" TEXT,

    CONSTRAINT "dataset_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "dataset_image" (
    "dataset_id" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "split" "split" NOT NULL,
    "image_id" TEXT NOT NULL,
    "path" TEXT NOT NULL,
    "label" TEXT,
    "width" INTEGER NOT NULL,
    "height" INTEGER NOT NULL,
    "bytes" INTEGER NOT NULL,
    "content_hash" TEXT NOT NULL,

    CONSTRAINT "dataset_image_pkey" PRIMARY KEY ("dataset_id","position")
);

-- CreateTable
CREATE TABLE "import_problem" (
    "dataset_id" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "path" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "severity" "import_severity" NOT NULL,

    CONSTRAINT "import_problem_pkey" PRIMARY KEY ("dataset_id","position")
);

-- CreateTable
CREATE TABLE "experiment" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "dataset_id" TEXT,
    "metric" TEXT NOT NULL,
    "direction" "order_direction" NOT NULL,

    CONSTRAINT "experiment_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sweep" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "experiment_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sweep_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "run" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "kind" "run_kind" NOT NULL,
    "status" "run_status" NOT NULL,
    "experiment_id" TEXT NOT NULL,
    "sweep_id" TEXT,
    "config" JSONB NOT NULL,
    "architecture" TEXT NOT NULL,
    "tags" TEXT[],
    "notes" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "current_attempt" INTEGER NOT NULL DEFAULT 0,
    "event_seq" BIGINT NOT NULL DEFAULT 0,
    "log_seq" BIGINT NOT NULL DEFAULT 0,
    "failure_code" "run_failure_code",
    "failure_message" TEXT,
    "failure_retryable" BOOLEAN,
    "progress" JSONB,
    "objective_value" DOUBLE PRECISION,
    "objective_step" BIGINT,
    "peak_memory" BIGINT,
    "images_per_second" DOUBLE PRECISION,
    "train_seconds" DOUBLE PRECISION,

    CONSTRAINT "run_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "attempt" (
    "run_id" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "worker_id" TEXT,
    "status" "run_status" NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),
    "engine" TEXT,
    "device" TEXT,
    "precision" TEXT,
    "versions" JSONB,
    "pid" INTEGER,
    "failure_code" "run_failure_code",
    "failure_message" TEXT,
    "failure_retryable" BOOLEAN,
    "resumed_from_epoch" INTEGER,

    CONSTRAINT "attempt_pkey" PRIMARY KEY ("run_id","number")
);

-- CreateTable
CREATE TABLE "epoch_metric" (
    "run_id" TEXT NOT NULL,
    "index" INTEGER NOT NULL,
    "phase" "run_phase" NOT NULL,
    "train_loss" DOUBLE PRECISION NOT NULL,
    "valid_loss" DOUBLE PRECISION NOT NULL,
    "error_rate" DOUBLE PRECISION NOT NULL,
    "accuracy" DOUBLE PRECISION NOT NULL,
    "seconds" DOUBLE PRECISION NOT NULL,
    "learning_rates" DOUBLE PRECISION[],
    "momentum" DOUBLE PRECISION NOT NULL,
    "images_per_second" DOUBLE PRECISION NOT NULL,
    "peak_memory" BIGINT NOT NULL,
    "completed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "epoch_metric_pkey" PRIMARY KEY ("run_id","index")
);

-- CreateTable
CREATE TABLE "metric_name" (
    "id" SERIAL NOT NULL,
    "name" TEXT NOT NULL,

    CONSTRAINT "metric_name_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "metric_point" (
    "run_id" TEXT NOT NULL,
    "name_id" INTEGER NOT NULL,
    "step" BIGINT NOT NULL,
    "value" DOUBLE PRECISION NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "metric_point_pkey" PRIMARY KEY ("run_id","name_id","step")
);

-- CreateTable
CREATE TABLE "metric_summary" (
    "run_id" TEXT NOT NULL,
    "name_id" INTEGER NOT NULL,
    "count" BIGINT NOT NULL,
    "first_step" BIGINT NOT NULL,
    "first" DOUBLE PRECISION NOT NULL,
    "last_step" BIGINT NOT NULL,
    "last" DOUBLE PRECISION NOT NULL,
    "min" DOUBLE PRECISION,
    "min_step" BIGINT,
    "max" DOUBLE PRECISION,
    "max_step" BIGINT,

    CONSTRAINT "metric_summary_pkey" PRIMARY KEY ("run_id","name_id")
);

-- CreateTable
CREATE TABLE "memory_sample" (
    "run_id" TEXT NOT NULL,
    "seq" BIGINT NOT NULL,
    "step" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "used" BIGINT NOT NULL,
    "peak" BIGINT NOT NULL,
    "device_used" BIGINT,
    "device_total" BIGINT,

    CONSTRAINT "memory_sample_pkey" PRIMARY KEY ("run_id","seq")
);

-- CreateTable
CREATE TABLE "run_event" (
    "run_id" TEXT NOT NULL,
    "seq" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "kind" "run_event_kind" NOT NULL,
    "payload" JSONB NOT NULL,

    CONSTRAINT "run_event_pkey" PRIMARY KEY ("run_id","seq")
);

-- CreateTable
CREATE TABLE "run_log" (
    "run_id" TEXT NOT NULL,
    "seq" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "stream" TEXT NOT NULL,
    "line" TEXT NOT NULL,

    CONSTRAINT "run_log_pkey" PRIMARY KEY ("run_id","seq")
);

-- CreateTable
CREATE TABLE "memory_probe" (
    "id" TEXT NOT NULL,
    "run_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "architecture" TEXT NOT NULL,
    "height" INTEGER NOT NULL,
    "width" INTEGER NOT NULL,
    "precision" TEXT NOT NULL,
    "effective_batch_size" INTEGER NOT NULL,
    "budget" BIGINT NOT NULL,
    "recommendation" INTEGER,

    CONSTRAINT "memory_probe_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "probe_trial" (
    "probe_id" TEXT NOT NULL,
    "accumulation" INTEGER NOT NULL,
    "micro_batch_size" INTEGER NOT NULL,
    "peak_memory" BIGINT,
    "outcome" "probe_outcome" NOT NULL,
    "images_per_second" DOUBLE PRECISION,
    "message" TEXT,

    CONSTRAINT "probe_trial_pkey" PRIMARY KEY ("probe_id","accumulation")
);

-- CreateTable
CREATE TABLE "prediction_set" (
    "id" TEXT NOT NULL,
    "run_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "split" "split" NOT NULL,
    "kind" "prediction_kind" NOT NULL,
    "row_count" INTEGER NOT NULL,
    "vocab" TEXT[],
    "image_ids" TEXT[],
    "content_hash" TEXT NOT NULL,
    "rows_hash" TEXT NOT NULL,
    "passes" INTEGER NOT NULL,
    "beta" DOUBLE PRECISION,
    "error_rate" DOUBLE PRECISION,
    "accuracy" DOUBLE PRECISION,
    "log_loss" DOUBLE PRECISION,

    CONSTRAINT "prediction_set_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "prediction_chunk" (
    "set_id" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "data" BYTEA NOT NULL,

    CONSTRAINT "prediction_chunk_pkey" PRIMARY KEY ("set_id","position")
);

-- CreateTable
CREATE TABLE "ensemble" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "experiment_id" TEXT NOT NULL,
    "method" "ensemble_method" NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "input" JSONB NOT NULL,

    CONSTRAINT "ensemble_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ensemble_score" (
    "ensemble_id" TEXT NOT NULL,
    "split" "split" NOT NULL,
    "rows_hash" TEXT NOT NULL,
    "error_rate" DOUBLE PRECISION NOT NULL,
    "accuracy" DOUBLE PRECISION NOT NULL,
    "log_loss" DOUBLE PRECISION NOT NULL,

    CONSTRAINT "ensemble_score_pkey" PRIMARY KEY ("ensemble_id","split")
);

-- CreateTable
CREATE TABLE "ensemble_member" (
    "ensemble_id" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "run_id" TEXT NOT NULL,
    "weight" DOUBLE PRECISION NOT NULL,

    CONSTRAINT "ensemble_member_pkey" PRIMARY KEY ("ensemble_id","position")
);

-- CreateTable
CREATE TABLE "submission" (
    "id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "ensemble_id" TEXT,
    "run_id" TEXT,
    "content_hash" TEXT NOT NULL,
    "bytes" INTEGER NOT NULL,
    "row_count" INTEGER NOT NULL,
    "message" TEXT,

    CONSTRAINT "submission_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "artifact" (
    "id" TEXT NOT NULL,
    "run_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "kind" "artifact_kind" NOT NULL,
    "size" BIGINT NOT NULL,
    "content_hash" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "artifact_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "worker" (
    "id" TEXT NOT NULL,
    "host" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "version" TEXT NOT NULL,
    "engine" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "stopped_at" TIMESTAMPTZ(3),

    CONSTRAINT "worker_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "device" (
    "worker_id" TEXT NOT NULL,
    "index" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "kind" "device_kind" NOT NULL,
    "memory_total" BIGINT,
    "memory_used" BIGINT,
    "utilization" DOUBLE PRECISION,
    "temperature" DOUBLE PRECISION,
    "processes" JSONB NOT NULL,

    CONSTRAINT "device_pkey" PRIMARY KEY ("worker_id","index")
);

-- CreateTable
CREATE TABLE "api_key" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "scopes" "scope"[],
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "api_key_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "idempotency_key" (
    "key" TEXT NOT NULL,
    "operation" TEXT NOT NULL,
    "input_hash" TEXT NOT NULL,
    "result_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "idempotency_key_pkey" PRIMARY KEY ("key")
);

-- CreateIndex
CREATE UNIQUE INDEX "dataset_name_key" ON "dataset"("name");

-- CreateIndex
CREATE INDEX "dataset_image_dataset_id_split_label_position_idx" ON "dataset_image"("dataset_id", "split", "label", "position");

-- CreateIndex
CREATE UNIQUE INDEX "dataset_image_dataset_id_split_path_key" ON "dataset_image"("dataset_id", "split", "path");

-- CreateIndex
CREATE UNIQUE INDEX "dataset_image_dataset_id_split_image_id_key" ON "dataset_image"("dataset_id", "split", "image_id");

-- CreateIndex
CREATE UNIQUE INDEX "experiment_name_key" ON "experiment"("name");

-- CreateIndex
CREATE INDEX "run_experiment_id_created_at_id_idx" ON "run"("experiment_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "run_experiment_id_objective_value_id_idx" ON "run"("experiment_id", "objective_value", "id");

-- CreateIndex
CREATE INDEX "run_created_at_id_idx" ON "run"("created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "run_sweep_id_idx" ON "run"("sweep_id");

-- CreateIndex
CREATE INDEX "run_status_idx" ON "run"("status");

-- CreateIndex
CREATE INDEX "attempt_worker_id_idx" ON "attempt"("worker_id");

-- CreateIndex
CREATE UNIQUE INDEX "metric_name_name_key" ON "metric_name"("name");

-- CreateIndex
CREATE UNIQUE INDEX "memory_probe_run_id_key" ON "memory_probe"("run_id");

-- CreateIndex
CREATE INDEX "memory_probe_architecture_created_at_idx" ON "memory_probe"("architecture", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "prediction_set_run_id_split_kind_key" ON "prediction_set"("run_id", "split", "kind");

-- CreateIndex
CREATE INDEX "ensemble_experiment_id_created_at_idx" ON "ensemble"("experiment_id", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "ensemble_member_ensemble_id_run_id_key" ON "ensemble_member"("ensemble_id", "run_id");

-- CreateIndex
CREATE UNIQUE INDEX "artifact_run_id_name_key" ON "artifact"("run_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "api_key_hash_key" ON "api_key"("hash");

-- AddForeignKey
ALTER TABLE "dataset_image" ADD CONSTRAINT "dataset_image_dataset_id_fkey" FOREIGN KEY ("dataset_id") REFERENCES "dataset"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "import_problem" ADD CONSTRAINT "import_problem_dataset_id_fkey" FOREIGN KEY ("dataset_id") REFERENCES "dataset"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "experiment" ADD CONSTRAINT "experiment_dataset_id_fkey" FOREIGN KEY ("dataset_id") REFERENCES "dataset"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sweep" ADD CONSTRAINT "sweep_experiment_id_fkey" FOREIGN KEY ("experiment_id") REFERENCES "experiment"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "run" ADD CONSTRAINT "run_experiment_id_fkey" FOREIGN KEY ("experiment_id") REFERENCES "experiment"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "run" ADD CONSTRAINT "run_sweep_id_fkey" FOREIGN KEY ("sweep_id") REFERENCES "sweep"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "attempt" ADD CONSTRAINT "attempt_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "attempt" ADD CONSTRAINT "attempt_worker_id_fkey" FOREIGN KEY ("worker_id") REFERENCES "worker"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "epoch_metric" ADD CONSTRAINT "epoch_metric_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "metric_point" ADD CONSTRAINT "metric_point_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "metric_point" ADD CONSTRAINT "metric_point_name_id_fkey" FOREIGN KEY ("name_id") REFERENCES "metric_name"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "metric_summary" ADD CONSTRAINT "metric_summary_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "metric_summary" ADD CONSTRAINT "metric_summary_name_id_fkey" FOREIGN KEY ("name_id") REFERENCES "metric_name"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "memory_sample" ADD CONSTRAINT "memory_sample_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "run_event" ADD CONSTRAINT "run_event_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "run_log" ADD CONSTRAINT "run_log_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "memory_probe" ADD CONSTRAINT "memory_probe_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "probe_trial" ADD CONSTRAINT "probe_trial_probe_id_fkey" FOREIGN KEY ("probe_id") REFERENCES "memory_probe"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "prediction_set" ADD CONSTRAINT "prediction_set_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "prediction_chunk" ADD CONSTRAINT "prediction_chunk_set_id_fkey" FOREIGN KEY ("set_id") REFERENCES "prediction_set"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ensemble" ADD CONSTRAINT "ensemble_experiment_id_fkey" FOREIGN KEY ("experiment_id") REFERENCES "experiment"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ensemble_score" ADD CONSTRAINT "ensemble_score_ensemble_id_fkey" FOREIGN KEY ("ensemble_id") REFERENCES "ensemble"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ensemble_member" ADD CONSTRAINT "ensemble_member_ensemble_id_fkey" FOREIGN KEY ("ensemble_id") REFERENCES "ensemble"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ensemble_member" ADD CONSTRAINT "ensemble_member_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "submission" ADD CONSTRAINT "submission_ensemble_id_fkey" FOREIGN KEY ("ensemble_id") REFERENCES "ensemble"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "submission" ADD CONSTRAINT "submission_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "artifact" ADD CONSTRAINT "artifact_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "device" ADD CONSTRAINT "device_worker_id_fkey" FOREIGN KEY ("worker_id") REFERENCES "worker"("id") ON DELETE CASCADE ON UPDATE CASCADE;


