import type { Split } from './dataset.ts';

export type PredictionKind = 'PLAIN' | 'TTA' | 'UPLOADED';

/** Class probabilities of one run over one split, as the trainer hands them over. */
export interface Predictions {
  readonly split: Split;
  readonly kind: PredictionKind;
  /** One per row, in the order of the matrix. */
  readonly imageIds: readonly string[];
  /** One per column, in code point order. */
  readonly vocab: readonly string[];
  /** Row-major [imageIds.length, vocab.length], float32, rows sum to 1. */
  readonly probabilities: Float32Array;
  /** Augmented passes of test-time augmentation, 0 for PLAIN. */
  readonly passes: number;
  /** Weight of the plain pass in TTA, null for PLAIN. */
  readonly beta: number | null;
}
