/** From probabilities to labels. */

import type { ProbabilityTable } from './combine.ts';

/** Column of the largest value of one row; the first of equal ones, as argmax does. */
export function argmaxRow(values: ArrayLike<number>, row: number, columns: number): number {
  let best = 0;
  for (let column = 1; column < columns; column++) {
    if (values[row * columns + column]! > values[row * columns + best]!) best = column;
  }
  return best;
}

/** The most probable label of every row. */
export function predictedLabels({ imageIds, vocab, probabilities }: ProbabilityTable): string[] {
  return imageIds.map((_, row) => vocab[argmaxRow(probabilities, row, vocab.length)]!);
}
