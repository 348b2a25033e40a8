/** What a worker counts. */

import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Upper bounds in seconds: from a run on toy images to one of several days. */
const jobSeconds = [1, 5, 15, 60, 300, 900, 3_600, 4 * 3_600, 12 * 3_600, 24 * 3_600, 72 * 3_600];

export type WorkerMetrics = ReturnType<typeof createWorkerMetrics>;

export function createWorkerMetrics(registry: Registry) {
  const registers = [registry];
  const device = ['device', 'index'] as const;
  return {
    registry,
    jobs: new Histogram({
      name: 'rungraph_job_duration_seconds',
      help: 'Jobs of this worker by kind and outcome (done, failed: the job is delivered again).',
      ...{ labelNames: ['kind', 'outcome'], buckets: jobSeconds, registers },
    }),
    attempts: new Counter({
      name: 'rungraph_attempts_total',
      help: 'Attempts at runs that have ended, by status (SUCCEEDED, FAILED, CANCELED, QUEUED: given back, LOST) and failure code.',
      ...{ labelNames: ['status', 'code'], registers },
    }),
    imagesPerSecond: new Gauge({
      name: 'rungraph_training_images_per_second',
      help: 'Throughput of each run in hand, as its trainer told it last.',
      ...{ labelNames: ['run'], registers },
    }),
    trainerMemory: new Gauge({
      name: 'rungraph_trainer_resident_memory_bytes',
      help: 'Resident memory of the trainer of each run in hand, at the last heartbeat.',
      ...{ labelNames: ['run'], registers },
    }),
    deviceMemoryUsed: new Gauge({
      name: 'rungraph_device_memory_used_bytes',
      help: 'Memory in use on each device, by whomever; on a CPU that of the machine.',
      ...{ labelNames: device, registers },
    }),
    deviceMemoryTotal: new Gauge({
      ...{ name: 'rungraph_device_memory_total_bytes', help: 'Memory of each device.', labelNames: device, registers },
    }),
    checkpoints: new Counter({ name: 'rungraph_checkpoints_total', help: 'Checkpoints stored.', registers }),
    checkpointBytes: new Counter({
      ...{ name: 'rungraph_checkpoint_bytes_total', help: 'Bytes of the checkpoints stored.', registers },
    }),
  };
}
