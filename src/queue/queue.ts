import type { Transaction } from '../db/database.ts';

/** Every kind of job with its payload. */
export interface JobPayloads {
  /** A run to train or a memory probe to make: one attempt of it. */
  run: { readonly runId: string };
  'dataset.import': { readonly datasetId: string };
}
export type JobKind = keyof JobPayloads;

export interface Job<K extends JobKind> {
  readonly payload: JobPayloads[K];
  /** True when another worker had this job and was lost. */
  readonly redelivered: boolean;
}

export interface Consumer {
  /** Takes no more jobs; resolves when the handlers in progress have ended. */
  stop(): Promise<void>;
}

export interface Queue {
  /** Adds a job that exists if and only if `tx` commits. */
  enqueue<K extends JobKind>(tx: Transaction, kind: K, payload: JobPayloads[K]): Promise<void>;
  /**
   * Hands jobs to `handler`, at most `concurrency` at a time. A handler that returns has done its job; when it throws, or when
   * this process dies, the job is delivered again, `redelivered`, to whoever is there.
   */
  work<K extends JobKind>(
    kind: K,
    handler: (job: Job<K>) => Promise<void>,
    options: { readonly concurrency: number },
  ): Promise<Consumer>;
  /** Stops every consumer, then disconnects. */
  close(): Promise<void>;
}
