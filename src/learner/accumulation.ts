/**
 * When to step. The gradient of a step is the sum over micro-batches of (size / target) * gradient of the mean loss, so it is
 * the mean over `target` samples when the sizes add up to it.
 */
export interface SampleCounter {
  /** Samples counted since the last step. */
  readonly count: number;
  /** Counts a micro-batch; true when the optimiser steps now, which starts the count again. */
  add(samples: number): boolean;
}

/**
 * fastai's GradientAccumulation: the count starts with a fit and carries over epoch ends; a rest is never applied.
 * @param count where to go on from
 */
export function createSampleCounter(target: number, count = 0): SampleCounter {
  return {
    get count() {
      return count;
    },
    add(samples) {
      count += samples;
      if (count < target) return false;
      count = 0;
      return true;
    },
  };
}
