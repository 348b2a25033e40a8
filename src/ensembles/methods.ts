/** How member probabilities become one table. Every method works row by row, so a slice of rows gives that slice of the result. */

import { checkMembers, type Member, type ProbabilityTable, weightedMean } from './combine.ts';
import { argmaxRow } from './labels.ts';

export const ensembleMethods = ['MEAN', 'GEOMETRIC_MEAN', 'RANK_MEAN', 'MAJORITY_VOTE'] as const;
export type EnsembleMethod = (typeof ensembleMethods)[number];

/** A zero of one member would veto a label in a geometric mean; it counts as this instead (float32's smallest normal number). */
const smallestProbability = 2 ** -126;

/**
 * Combines members; rows of the result sum to 1.
 * - MEAN: weighted mean of the probabilities.
 * - GEOMETRIC_MEAN: exp of the weighted mean of their natural logarithms, normalised per row.
 * - RANK_MEAN: weighted mean of each label's rank among its row's labels (1: least probable; equal ones share their mean
 *   rank), normalised per row. Only the order within a member's row counts (a Borda count).
 * - MAJORITY_VOTE: each member gives its weight to its most probable label, the first of equal ones.
 * @throws UserInputError as `checkMembers` does
 */
export function combineMembers(method: EnsembleMethod, members: readonly Member[]): ProbabilityTable {
  if (method === 'MEAN') return weightedMean(members);
  const { imageIds, vocab } = checkMembers(members);
  const columns = vocab.length;
  const totals = new Float64Array(imageIds.length * columns);
  for (const { weight, probabilities } of members) {
    for (let row = 0; row < imageIds.length; row++) {
      const values = probabilities.subarray(row * columns, (row + 1) * columns);
      addRow[method](values, weight, totals.subarray(row * columns, (row + 1) * columns));
    }
  }
  const weights = members.reduce((sum, { weight }) => sum + weight, 0);
  if (method === 'GEOMETRIC_MEAN')
    totals.forEach((total, i) => {
      totals[i] = Math.exp(total / weights);
    });
  return { imageIds, vocab, probabilities: normaliseRows(totals, columns) };
}

type AddRow = (values: Float32Array, weight: number, totals: Float64Array) => void;

const addRow: Readonly<Record<Exclude<EnsembleMethod, 'MEAN'>, AddRow>> = {
  GEOMETRIC_MEAN(values, weight, totals) {
    for (const [i, value] of values.entries()) totals[i]! += weight * Math.log(Math.max(value, smallestProbability));
  },
  RANK_MEAN(values, weight, totals) {
    for (const [i, value] of values.entries()) {
      const below = values.filter((other) => other < value).length;
      const equal = values.filter((other) => other === value).length;
      totals[i]! += weight * (below + (equal + 1) / 2);
    }
  },
  MAJORITY_VOTE(values, weight, totals) {
    totals[argmaxRow(values, 0, values.length)]! += weight;
  },
};

function normaliseRows(totals: Float64Array, columns: number): Float32Array {
  const normalised = new Float32Array(totals.length);
  for (let start = 0; start < totals.length; start += columns) {
    const sum = totals.subarray(start, start + columns).reduce((a, b) => a + b, 0);
    for (let i = start; i < start + columns; i++) normalised[i] = totals[i]! / sum;
  }
  return normalised;
}
