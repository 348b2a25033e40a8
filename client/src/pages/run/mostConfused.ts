/** One class taken for another, and how often. */
export interface ConfusedPair {
  readonly label: string;
  readonly predicted: string;
  readonly count: number;
  /** Of the images of `label`, 0 to 1. */
  readonly share: number;
}

/** The pairs that are confused most often, at most so many; equal ones in the order of the classes. */
export function mostConfused(
  vocab: readonly string[],
  confusion: readonly (readonly number[])[],
  most: number,
): readonly ConfusedPair[] {
  const pairs = confusion.flatMap((row, truth) => {
    const total = row.reduce((sum, value) => sum + value, 0);
    return row.flatMap((value, guess) =>
      value > 0 && guess !== truth
        ? [{ label: vocab[truth]!, predicted: vocab[guess]!, count: value, share: value / total }]
        : [],
    );
  });
  return pairs.sort((a, b) => b.count - a.count).slice(0, most);
}
