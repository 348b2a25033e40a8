/** What ensemble threads compute. Each task is a pure function of what can be posted to a thread. */

import { compareCodePoints, countLabels, type LabelCount } from '../domain/dataset.ts';
import type { ProbabilityTable } from './combine.ts';
import { findDisagreement } from './disagreement.ts';
import { argmaxRow, predictedLabels } from './labels.ts';
import { combineMembers } from './methods.ts';
import { score } from './score.ts';
import { selectMembers } from './select.ts';
import { submissionCsv } from './submission.ts';

export const tasks = {
  /** The combined table, in shared memory: it goes to further tasks. */
  combine: (...args: Parameters<typeof combineMembers>): ProbabilityTable => {
    const table = combineMembers(...args);
    return { ...table, probabilities: shared(table.probabilities) };
  },
  labelCounts: (table: ProbabilityTable): LabelCount[] => countLabels(predictedLabels(table)),
  /** Numbers of the rows by image id. */
  rowsById: ({ imageIds }: Pick<ProbabilityTable, 'imageIds'>): number[] => sortedRows(imageIds, compareCodePoints),
  /** Numbers of the rows by the largest probability, smallest first. */
  rowsByConfidence: (table: ProbabilityTable): number[] => sortedRows(confidences(table), (a, b) => a - b),
  /** Largest first; equal ones keep their order. */
  rowsByConfidenceDescending: (table: ProbabilityTable): number[] => sortedRows(confidences(table), (a, b) => b - a),
  disagreement: findDisagreement,
  score,
  csv: submissionCsv,
  select: selectMembers,
};

export type EnsembleTasks = typeof tasks;

/** A copy that threads see without copying. */
function shared(values: Float32Array): Float32Array {
  const copy = new Float32Array(new SharedArrayBuffer(values.byteLength));
  copy.set(values);
  return copy;
}

function confidences({ imageIds, vocab, probabilities }: ProbabilityTable): number[] {
  const columns = vocab.length;
  return imageIds.map((_, row) => probabilities[row * columns + argmaxRow(probabilities, row, columns)]!);
}

/** Indexes of `keys` in order; equal keys keep theirs. */
function sortedRows<T>(keys: readonly T[], compare: (a: T, b: T) => number): number[] {
  return keys.map((_, row) => row).sort((a, b) => compare(keys[a]!, keys[b]!));
}
