/** Which splits an ensemble of a data set can be about. */

import type { Split } from '../../generated/operations.ts';

export interface ImageCounts {
  readonly testCount: number;
  readonly holdoutCount: number;
}

/** Those with labels. Every run draws its own VALID. */
export function labelledSplits(dataset: ImageCounts | null): readonly Split[] {
  return dataset?.holdoutCount ? ['HOLDOUT', 'VALID'] : ['VALID'];
}

/** What members must have predictions of: what a submission predicts, else what they can be compared on. */
export function mainSplit(dataset: ImageCounts | null): Split {
  return !dataset || dataset.testCount > 0 ? 'TEST' : labelledSplits(dataset)[0]!;
}

/** All that there can be predictions of, the main one first. */
export function predictedSplits(dataset: ImageCounts | null): readonly Split[] {
  return [...new Set([mainSplit(dataset), ...labelledSplits(dataset)])];
}
