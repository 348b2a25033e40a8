/** What a memory probe has found out, in words. */

import { canBeHalved } from '../../domain/measurements.ts';
import { sizeText } from '../../domain/typed.ts';
import { bytes, significant } from '../../format/numbers.ts';
import type { ProbedTargetFragment } from '../../generated/operations.ts';

type Target = ProbedTargetFragment;
type Trial = Target['trials'][number];

export interface Asked {
  /** Bytes. */
  readonly budget: number;
  /** Images per weight update. */
  readonly effectiveBatchSize: number;
}

/** `convnext_atto at 64 in FP16` */
export function networkText({ architecture, size, precision }: Pick<Target, 'architecture' | 'size' | 'precision'>) {
  return `${architecture} at ${sizeText(size)}${precision === 'AUTO' ? '' : ` in ${precision}`}`;
}

/** What it comes down to. `underWay`: more trials may come. */
export function verdictText(target: Target, { budget, effectiveBatchSize }: Asked, underWay: boolean): string {
  const { recommendation, trials } = target;
  const fitting = trials.find(({ accumulation }) => accumulation === recommendation);
  const last = trials.at(-1);
  if (recommendation === 1) {
    return `Fits without accumulation: all ${effectiveBatchSize} images of a batch at once take ${bytes(fitting?.peakMemory)} of ${bytes(budget)}.`;
  }
  if (recommendation !== null) {
    return `Fits with accumulation ${recommendation}: ${fitting?.microBatchSize ?? ''} images at a time take ${bytes(fitting?.peakMemory)} of ${bytes(budget)}.`;
  }
  if (!last) return underWay ? 'Not measured yet.' : 'Was not measured.';
  if (last.outcome === 'FAILED') return 'Could not be measured.';
  if (canBeHalved(last.microBatchSize) && underWay) return 'Being measured.';
  if (canBeHalved(last.microBatchSize))
    return `Was not measured to the end: ${last.microBatchSize} images at a time do not fit.`;
  return `Nothing fits: even ${last.microBatchSize} images at a time take more than ${bytes(budget)}. Choose a smaller network or size, or a larger budget.`;
}

/** The same in a word: the accumulation, or why there is none (yet). */
export function foundText({ recommendation, trials, failure }: Target, underWay: boolean): string {
  if (recommendation !== null) return String(recommendation);
  if (failure) return 'failed';
  const last = trials.at(-1);
  if (last && !canBeHalved(last.microBatchSize)) return 'nothing fits';
  if (!underWay) return 'not measured';
  return last ? 'measuring' : 'waits';
}

/** What one trial came to, beside its bar. */
export function trialText({ outcome, peakMemory, imagesPerSecond, cached }: Trial): string {
  const speed = imagesPerSecond === null ? '' : `, ${significant(imagesPerSecond)} images/s`;
  const known = cached ? ', known from before' : '';
  switch (outcome) {
    case 'FITS':
      return `${bytes(peakMemory)} fits${speed}${known}`;
    case 'OVER_BUDGET':
      return `${bytes(peakMemory)} is too much${known}`;
    case 'OUT_OF_MEMORY':
      return peakMemory === null ? `ran out of memory${known}` : `ended at ${bytes(peakMemory)}, needs more${known}`;
    case 'FAILED':
      return 'failed';
  }
}

/** Whether accumulating changes what is learned. */
export function equivalenceText(equivalence: NonNullable<Target['equivalence']>): string {
  const { accumulation, samples, agrees } = equivalence;
  const parts = `${accumulation} parts of ${samples / accumulation}`;
  return agrees
    ? `Accumulation is the same training: the gradient of ${samples} images in ${parts} differs from that of all at once by rounding only.`
    : `Accumulation is NOT the same here: the gradient of ${samples} images in ${parts} differs from that of all at once by more than rounding.`;
}

/** `2 of 3 fit` */
export function tallyText(targets: readonly Pick<Target, 'recommendation'>[]): string {
  const fitting = targets.filter(({ recommendation }) => recommendation !== null).length;
  if (targets.length > 1) return `${fitting} of ${targets.length} fit`;
  return fitting ? `accumulation ${targets[0]!.recommendation}` : 'does not fit';
}
