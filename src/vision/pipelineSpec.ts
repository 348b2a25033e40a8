import type { ItemTransform, Size } from '../domain/trainingConfig.ts';

export interface ImageRef {
  readonly path: string;
  /** SHA-256 of the file: the cache's key. */
  readonly contentHash: string;
}

export interface PipelineSpec {
  readonly itemTransform: ItemTransform;
  /** What the network sees. */
  readonly size: Size;
  /** Smallest share of the area that random resized crop keeps. */
  readonly minScale: number;
  /** Per channel, on the scale 0..1. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}
