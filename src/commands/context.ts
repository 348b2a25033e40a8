import type { BlobStore } from '../blobs/blobStore.ts';
import type { Database } from '../db/database.ts';
import { type IdKind, newId } from '../domain/ids.ts';
import { type RetryPolicy, retryPolicy } from '../domain/retry.ts';
import { createEnsembleThreads, type EnsembleThreads } from '../ensembles/threads.ts';
import type { RunWaker } from '../events/waker.ts';
import type { FilePolicy } from '../files/roots.ts';
import type { Queue } from '../queue/queue.ts';

/** What commands need of the world. One per process. */
export interface CommandContext {
  readonly db: Database;
  readonly queue: Queue;
  readonly blobs: BlobStore;
  /** What may be read of this machine. */
  readonly files: FilePolicy;
  /** Tells subscribers of every process that a run has new events. */
  readonly waker: RunWaker;
  /** Where ensembles are computed. */
  readonly threads: EnsembleThreads;
  /** Which failed attempts are followed by another one. */
  readonly retries: RetryPolicy;
  readonly now: () => Date;
  /** A fresh id of that kind. */
  readonly newId: (kind: IdKind) => string;
}

/** The context of a running process: real time, random ids. */
export function createCommandContext(
  parts: Pick<CommandContext, 'db' | 'queue' | 'blobs' | 'files' | 'waker'>,
): CommandContext {
  return { ...parts, threads: createEnsembleThreads(), retries: retryPolicy, now: () => new Date(), newId };
}
