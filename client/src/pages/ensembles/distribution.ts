/** How often labels are predicted, beside how often they occur in training. */

export interface LabelCount {
  readonly label: string;
  readonly count: number;
}

export interface LabelShare {
  readonly label: string;
  readonly count: number;
  /** Of all predictions, 0 to 1. */
  readonly share: number;
  /** Of the training images, 0 to 1; null when nothing is known of them. */
  readonly expected: number | null;
}

/** Every label that is predicted or known, largest share first; those never predicted by how often they occur. */
export function labelShares(counts: readonly LabelCount[], training: readonly LabelCount[]): readonly LabelShare[] {
  const total = sum(counts);
  const known = sum(training);
  const expected = new Map(training.map(({ label, count }) => [label, count / Math.max(known, 1)]));
  const predicted = new Map(counts.map(({ label, count }) => [label, count]));
  for (const { label } of training) if (!predicted.has(label)) predicted.set(label, 0);
  return [...predicted]
    .map(([label, count]) => ({
      label,
      count,
      share: total ? count / total : 0,
      expected: known ? (expected.get(label) ?? 0) : null,
    }))
    .sort((a, b) => b.count - a.count || (b.expected ?? 0) - (a.expected ?? 0));
}

/**
 * Total variation distance of what is predicted from the training images: the share of predictions that would have to change for the two to
 * be alike, 0 to 1. Null without predictions or training images.
 */
export function distance(shares: readonly LabelShare[]): number | null {
  if (!shares.some(({ count }) => count > 0) || shares.some(({ expected }) => expected === null)) return null;
  return shares.reduce((total, { share, expected }) => total + Math.abs(share - expected!), 0) / 2;
}

function sum(counts: readonly LabelCount[]): number {
  return counts.reduce((total, { count }) => total + count, 0);
}
