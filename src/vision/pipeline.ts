/**
 * Images to batches, ahead of the trainer: loader threads decode (or read the cache), apply the item transform, augment
 * and normalise, and hand batches over in the order asked for.
 */

import { Worker } from 'node:worker_threads';
import type { BatchMode } from './batchPlan.ts';
import { createCacheCounters } from './diskCache.ts';
import { cacheKey, type LoaderBatch, type LoaderReport, type LoaderSetup } from './loaderProtocol.ts';
import { createMemoryCache } from './memoryCache.ts';
import type { ImageRef, PipelineSpec } from './pipelineSpec.ts';
import { ImageUnreadableError } from './rgbImage.ts';

export type { ImageRef, PipelineSpec };

export interface BatchRequest {
  /** Into `images`. */
  readonly indices: readonly number[];
  readonly mode: BatchMode;
  /** Keys all random draws of this batch. */
  readonly seed: number;
}

export interface ImageBatch {
  readonly indices: readonly number[];
  /** [n, height, width, 3] normalised float32. */
  readonly images: Float32Array;
}

export interface ImagePipeline {
  /**
   * The batches in order; a few are made ahead. Throws ImageUnreadableError for an image that cannot be decoded and the
   * signal's reason when it aborts. Several iterations may run at once; ending one early cancels what it had asked for.
   */
  batches(requests: Iterable<BatchRequest>, signal?: AbortSignal): AsyncIterable<ImageBatch>;
  /** Ends the threads; waiting iterations fail. */
  close(): Promise<void>;
}

export interface ImagePipelineOptions {
  readonly images: readonly ImageRef[];
  readonly spec: PipelineSpec;
  readonly threads: number;
  readonly cacheDirectory: string;
  /** Of the disk cache; 0 turns it off. */
  readonly cacheLimitBytes: number;
  /** Prepared images kept in memory, filled in the order of first use. */
  readonly memoryLimitBytes?: number;
  /** Told once when the cache stops taking images. */
  readonly onWarning?: (message: string) => void;
}

/** Batches made ahead of the one being waited for. */
const prefetch = 2;
const defaultMemoryLimit = 256 * 2 ** 20;

interface PendingBatch {
  readonly batch: LoaderBatch;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  readonly finished: Promise<void>;
}

export async function openImagePipeline(options: ImagePipelineOptions): Promise<ImagePipeline> {
  const { images, spec, threads, onWarning = (message) => process.emitWarning(message) } = options;
  const itemValues = spec.size.height * spec.size.width * 3;
  const memory = createMemoryCache(options.memoryLimitBytes ?? defaultMemoryLimit);
  const pending = new Map<number, PendingBatch>();
  /** Outputs of finished batches, by length in values: fresh shared memory costs page faults. */
  const spare = new Map<number, Float32Array[]>();
  let nextId = 0;
  let failure: Error | undefined;

  const setup: LoaderSetup = {
    images,
    spec,
    cacheDirectory: options.cacheDirectory,
    cacheLimitBytes: options.cacheLimitBytes,
    cacheCounters: createCacheCounters(),
  };
  const workers = Array.from(
    { length: Math.max(1, threads) },
    // Without the parent's flags and loaders: the entry brings its own.
    () => new Worker(new URL('./loaderThread.mjs', import.meta.url), { workerData: setup, execArgv: [] }),
  );

  const settle = (id: number): PendingBatch | undefined => {
    const found = pending.get(id);
    // Threads that are being ended are not to be let go of again by what they still report.
    if (!pending.delete(id)) return undefined;
    if (pending.size === 0) for (const worker of workers) worker.unref();
    return found;
  };

  const failAll = (error: Error) => {
    failure ??= error;
    for (const id of [...pending.keys()]) settle(id)?.reject(failure);
  };

  const receive = (message: LoaderReport) => {
    switch (message.kind) {
      case 'done':
        settle(message.id)?.resolve();
        break;
      case 'failed':
        settle(message.id)?.reject(
          message.path === undefined
            ? new Error(message.reason)
            : new ImageUnreadableError(message.path, message.reason),
        );
        break;
      case 'prepared':
        memory.add(message.key, message.image);
        break;
      case 'warning':
        onWarning(message.message);
        break;
    }
  };

  for (const worker of workers) {
    worker.on('message', receive);
    worker.on('error', failAll);
    worker.on('exit', (code) => failAll(new Error(`an image loader thread ended with code ${code}`)));
    worker.unref();
  }

  const send = ({ indices, mode, seed }: BatchRequest): PendingBatch => {
    if (failure) throw failure;
    for (const index of indices) {
      if (!images[index]) throw new RangeError(`batch asks for image ${index} of ${images.length}`);
    }
    const values = indices.length * itemValues;
    const batch: LoaderBatch = {
      id: nextId++,
      indices,
      mode,
      seed,
      held: indices.map((index) => memory.get(cacheKey(images[index]!.contentHash, spec, mode))),
      progress: new Int32Array(new SharedArrayBuffer(8)),
      output: spare.get(values)?.pop() ?? new Float32Array(new SharedArrayBuffer(values * 4)),
      collect: memory.open,
    };
    const { promise, resolve, reject } = withResolvers();
    // A batch that fails while nobody waits for it yet is reported when its turn comes.
    promise.catch(() => {});
    const entry: PendingBatch = { batch, resolve, reject, finished: promise };
    pending.set(batch.id, entry);
    if (indices.length === 0) settle(batch.id)?.resolve();
    for (const worker of workers) {
      worker.ref();
      worker.postMessage(batch);
    }
    return entry;
  };

  /** Copies a finished batch out of shared memory: inference runtimes refuse it, and the next batch writes there. */
  const take = ({ indices, output }: LoaderBatch): ImageBatch => {
    const batch = { indices, images: new Float32Array(output) };
    spare.set(output.length, [...(spare.get(output.length) ?? []), output]);
    return batch;
  };

  async function* iterate(
    requests: Iterable<BatchRequest>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ImageBatch> {
    const source = requests[Symbol.iterator]();
    const ahead: PendingBatch[] = [];
    const aborted = withResolvers();
    aborted.promise.catch(() => {});
    const abort = () => aborted.reject(signal!.reason);
    signal?.addEventListener('abort', abort);
    try {
      signal?.throwIfAborted();
      for (;;) {
        while (ahead.length <= prefetch) {
          const next = source.next();
          if (next.done) break;
          ahead.push(send(next.value));
        }
        const first = ahead[0];
        if (!first) return;
        await Promise.race([first.finished, aborted.promise]);
        ahead.shift();
        yield take(first.batch);
        signal?.throwIfAborted();
      }
    } finally {
      signal?.removeEventListener('abort', abort);
      for (const { batch } of ahead) {
        Atomics.store(batch.progress, 0, batch.indices.length);
        settle(batch.id);
      }
      source.return?.();
    }
  }

  return {
    batches: (requests, signal) => iterate(requests, signal),
    async close() {
      failAll(new Error('the image pipeline is closed'));
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

function withResolvers(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve!: () => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
