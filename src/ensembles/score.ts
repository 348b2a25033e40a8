/** How good stored probabilities are, where the truth is known. */

import { refuse } from '../errors.ts';
import type { ProbabilityTable } from './combine.ts';
import { argmaxRow } from './labels.ts';

export interface LabelScore {
  readonly label: string;
  /** Share of the images predicted as this label that have it; null when none was predicted so. */
  readonly precision: number | null;
  /** Share of the images with this label that were predicted so; null when there is none. */
  readonly recall: number | null;
  /** Images with this label. */
  readonly support: number;
}

export interface Score {
  readonly errorRate: number;
  readonly accuracy: number;
  /** Mean of -ln(probability of the true label), natural logarithm. */
  readonly logLoss: number;
  readonly rowCount: number;
  /** confusion[true label][predicted label], both in the order of the vocabulary. */
  readonly confusion: readonly (readonly number[])[];
  readonly perLabel: readonly LabelScore[];
}

/** A float32 softmax can round a probability to 0; its logarithm is taken of this instead (scikit-learn's float32 epsilon). */
export const smallestProbability = 2 ** -23;

/**
 * Scores every row against `truth` (image id -> label).
 * @throws UserInputError INCOMPATIBLE when an image has no label or one that the vocabulary lacks; INVALID without rows.
 */
export function score(table: ProbabilityTable, truth: ReadonlyMap<string, string>): Score {
  const { imageIds, vocab, probabilities } = table;
  if (!imageIds.length) throw refuse('INVALID', 'there are no predictions to score');
  const columns = vocab.length;
  const columnOf = new Map(vocab.map((label, column) => [label, column]));
  const confusion = vocab.map(() => new Array<number>(columns).fill(0));
  let correct = 0;
  let loss = 0;
  imageIds.forEach((imageId, row) => {
    const label = truth.get(imageId);
    if (label === undefined) throw refuse('INCOMPATIBLE', `image ${imageId} has no label to score against`);
    const column = columnOf.get(label);
    if (column === undefined) {
      throw refuse('INCOMPATIBLE', `image ${imageId} is labelled ${JSON.stringify(label)}, which the predictions lack`);
    }
    const predicted = argmaxRow(probabilities, row, columns);
    confusion[column]![predicted]!++;
    if (predicted === column) correct++;
    loss -= Math.log(Math.max(probabilities[row * columns + column]!, smallestProbability));
  });
  return {
    errorRate: (imageIds.length - correct) / imageIds.length,
    accuracy: correct / imageIds.length,
    logLoss: loss / imageIds.length,
    rowCount: imageIds.length,
    confusion,
    perLabel: vocab.map((label, column) => labelScore(label, column, confusion)),
  };
}

function labelScore(label: string, column: number, confusion: readonly (readonly number[])[]): LabelScore {
  const hits = confusion[column]![column]!;
  const support = confusion[column]!.reduce((sum, count) => sum + count, 0);
  const predicted = confusion.reduce((sum, row) => sum + row[column]!, 0);
  return {
    label,
    precision: predicted ? hits / predicted : null,
    recall: support ? hits / support : null,
    support,
  };
}
