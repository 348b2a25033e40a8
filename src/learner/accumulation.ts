/**
 * When to step. The gradient of a step is the sum over micro-batches of (size / target) * gradient of the mean loss, so it is
 * the mean over `target` samples when the sizes add up to it.
 */
export interface SampleCounter {
  /** Counts a micro-batch; true when the optimiser steps now, which starts the count again. */
  add(samples: number): boolean;
}

/** fastai's GradientAccumulation: the count starts with a fit and carries over epoch ends; a rest is never applied. */
export function createSampleCounter(target: number): SampleCounter {
  let count = 0;
  return {
    add(samples) {
      count += samples;
      if (count < target) return false;
      count = 0;
      return true;
    },
  };
}
