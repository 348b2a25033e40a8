/** Which rows of a table to show, in which order. */

import { compareCodePoints } from '../domain/dataset.ts';
import type { ProbabilityTable } from './combine.ts';
import { argmaxRow } from './labels.ts';

/**
 * IMAGE_ID in code point order; CONFIDENCE by the largest probability; LOSS_DESC by the probability of the true label, smallest first, 0 where it
 * is none of the vocabulary, and rows without a true label last. Equal rows keep the order they are stored in.
 */
export type PredictionOrder = 'IMAGE_ID' | 'CONFIDENCE_ASC' | 'CONFIDENCE_DESC' | 'LOSS_DESC';

export interface RowChoice {
  readonly orderBy: PredictionOrder;
  /** Only rows with this true label. */
  readonly label?: string | null | undefined;
  /** Only rows with this predicted label. */
  readonly predicted?: string | null | undefined;
  /** Only rows predicted wrong, or right with false; rows without a true label are neither. */
  readonly wrong?: boolean | null | undefined;
}

/** Whether the choice depends on true labels. */
export function needsLabels({ orderBy, label, wrong }: RowChoice): boolean {
  return orderBy === 'LOSS_DESC' || label != null || wrong != null;
}

/** Whether it depends on probabilities. */
export function needsProbabilities({ orderBy, predicted, wrong }: RowChoice): boolean {
  return orderBy !== 'IMAGE_ID' || predicted != null || wrong != null;
}

/** Numbers of the chosen rows. `labels`: the true ones by row, null where unknown; empty where the choice needs none, and so with the probabilities. */
export function chooseRows(
  { imageIds, vocab, probabilities }: ProbabilityTable,
  labels: readonly (string | null)[],
  choice: RowChoice,
): number[] {
  const columns = vocab.length;
  const best = (row: number) => argmaxRow(probabilities, row, columns);
  const { label, predicted, wrong } = choice;
  const wanted = (row: number) =>
    (label == null || labels[row] === label) &&
    (predicted == null || vocab[best(row)] === predicted) &&
    (wrong == null || (labels[row] !== null && (vocab[best(row)] !== labels[row]) === wrong));
  const rows = imageIds.map((_, row) => row).filter(wanted);
  const confidence = (row: number) => probabilities[row * columns + best(row)]!;
  switch (choice.orderBy) {
    case 'IMAGE_ID':
      return sortedBy(rows, (row) => imageIds[row]!, compareCodePoints);
    case 'CONFIDENCE_ASC':
      return sortedBy(rows, confidence, (a, b) => a - b);
    case 'CONFIDENCE_DESC':
      return sortedBy(rows, confidence, (a, b) => b - a);
    case 'LOSS_DESC': {
      const column = new Map(vocab.map((name, i) => [name, i]));
      const ofTruth = (row: number) => {
        const truth = labels[row];
        if (truth == null) return 2;
        const at = column.get(truth);
        return at === undefined ? 0 : probabilities[row * columns + at]!;
      };
      return sortedBy(rows, ofTruth, (a, b) => a - b);
    }
  }
}

/** Rows with equal keys keep their order. */
function sortedBy<T>(rows: readonly number[], keyOf: (row: number) => T, compare: (a: T, b: T) => number): number[] {
  const keyed = rows.map((row) => ({ row, key: keyOf(row) }));
  return keyed.sort((a, b) => compare(a.key, b.key)).map(({ row }) => row);
}
