/** How member probabilities become one table. */

export const ensembleMethods = ['MEAN', 'GEOMETRIC_MEAN', 'RANK_MEAN', 'MAJORITY_VOTE'] as const;
export type EnsembleMethod = (typeof ensembleMethods)[number];
