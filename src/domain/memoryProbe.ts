/** What memory probes find out. */

import type { Precision } from './precision.ts';
import type { ItemTransform, Size, TrainingConfig } from './trainingConfig.ts';

export type ProbeOutcome = 'FITS' | 'OVER_BUDGET' | 'OUT_OF_MEMORY' | 'FAILED';

/** A network as it is trained. */
export interface NetworkSetup {
  /** The catalogue's name. */
  readonly architecture: string;
  readonly size: Size;
  readonly itemTransform: ItemTransform;
  readonly precision: TrainingConfig['precision'];
}

/** What a trial has measured. */
export interface Measurement {
  /** Bytes. */
  readonly peakMemory: number;
  /** False: the trainer was ended at a limit, so that it needs at least `peakMemory`. */
  readonly complete: boolean;
  readonly imagesPerSecond: number | null;
}

/** What a measurement says about `limit` bytes; null when it was ended too early to say. */
export function outcomeWithin(limit: number, { peakMemory, complete }: Measurement): ProbeOutcome | null {
  if (complete) return peakMemory <= limit ? 'FITS' : 'OVER_BUDGET';
  return peakMemory > limit ? 'OUT_OF_MEMORY' : null;
}

/** One optimiser step's loss and gradient, computed in one micro-batch and in several. */
export interface AccumulationEquivalence {
  /** What both were computed in; FP32 where it was not noted. */
  readonly precision?: Precision;
  /** Micro-batches of the second computation. */
  readonly accumulation: number;
  /** Images of the step, the same in both. */
  readonly samples: number;
  /** Mean loss in one micro-batch. */
  readonly loss: number;
  /** |difference| of the mean losses. */
  readonly lossDifference: number;
  /** Largest |element| of the gradient in one micro-batch, over all weights. */
  readonly gradientMax: number;
  /** Largest |difference| of two elements. */
  readonly gradientDifference: number;
  /** Cosine of the angle between the two gradients. */
  readonly gradientCosine: number;
}

/**
 * Differences that rounding may leave, relative to the loss or the largest element: sums of float32 in another order; the gradient of each
 * micro-batch rounded to 11 and to 8 binary digits.
 */
const equivalenceTolerance: Readonly<Record<Precision, number>> = { FP32: 1e-4, FP16: 2e-3, BF16: 2e-2 };

/** Whether the two computations are the same but for rounding. */
export function agrees(e: AccumulationEquivalence): boolean {
  const tolerance = equivalenceTolerance[e.precision ?? 'FP32'];
  return e.lossDifference <= tolerance * Math.abs(e.loss) && e.gradientDifference <= tolerance * e.gradientMax;
}
