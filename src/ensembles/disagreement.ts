/** Where members of an ensemble contradict each other. */

import { countLabels, type LabelCount } from '../domain/dataset.ts';
import type { ProbabilityTable } from './combine.ts';
import { argmaxRow } from './labels.ts';

export interface Disagreement {
  /** Index of the row. */
  readonly row: number;
  /** Members by their most probable label, most votes first. Weights do not count. */
  readonly votes: readonly LabelCount[];
  /** The largest combined probability. */
  readonly confidence: number;
}

/** Fewest votes for the winner first, then least confident combined prediction, then by row. */
export function byDispute(a: Disagreement, b: Disagreement): number {
  return a.votes[0]!.count - b.votes[0]!.count || a.confidence - b.confidence || a.row - b.row;
}

/** Rows on which not all members predict the same label, most disputed first; at most `limit`. */
export function findDisagreement(
  members: readonly ProbabilityTable[],
  combined: ProbabilityTable,
  limit: number,
): Disagreement[] {
  const { vocab, probabilities, imageIds } = combined;
  const columns = vocab.length;
  return imageIds
    .map((_, row) => ({
      row,
      votes: countLabels(members.map((member) => vocab[argmaxRow(member.probabilities, row, columns)]!)),
      confidence: probabilities[row * columns + argmaxRow(probabilities, row, columns)]!,
    }))
    .filter(({ votes }) => votes.length > 1)
    .sort(byDispute)
    .slice(0, limit);
}
