/** What the pipeline and its loader threads say to each other. */

import type { BatchMode } from './batchPlan.ts';
import type { CacheCounters } from './diskCache.ts';
import type { PreparedImage } from './itemTransform.ts';
import type { ImageRef, PipelineSpec } from './pipelineSpec.ts';

export interface LoaderSetup {
  readonly images: readonly ImageRef[];
  readonly spec: PipelineSpec;
  readonly cacheDirectory: string;
  readonly cacheLimitBytes: number;
  readonly cacheCounters: CacheCounters;
}

/** One batch, sent to every thread: each takes the next untaken item until there is none. */
export interface LoaderBatch {
  readonly id: number;
  readonly indices: readonly number[];
  readonly mode: BatchMode;
  readonly seed: number;
  /** Prepared images that memory holds, by position. */
  readonly held: readonly (PreparedImage | undefined)[];
  /** [items taken, items finished], shared. Setting the first to the batch size or more cancels the rest. */
  readonly progress: Int32Array;
  /** [n, height, width, 3], shared: every thread writes its own items. */
  readonly output: Float32Array;
  /** Whether newly prepared images are wanted for memory. */
  readonly collect: boolean;
}

export type LoaderReport =
  /** The last item of a batch is in place. */
  | { readonly kind: 'done'; readonly id: number }
  /** A batch cannot be made. `path` is set when its image is unreadable. */
  | { readonly kind: 'failed'; readonly id: number; readonly path: string | undefined; readonly reason: string }
  | { readonly kind: 'prepared'; readonly key: string; readonly image: PreparedImage }
  | { readonly kind: 'warning'; readonly message: string };

/**
 * Name of what is cached of an image: everything its bytes depend on. The position is drawn in training only, so crop and
 * pad keep different stages for the two modes.
 */
export function cacheKey(
  contentHash: string,
  { itemTransform: { method, size } }: PipelineSpec,
  mode: BatchMode,
): string {
  const name = `${contentHash}-${method.toLowerCase()}-${size.height}x${size.width}`;
  return method === 'SQUISH' ? name : `${name}-${mode}`;
}
