/** How probabilities are combined, in words. */

import type { EnsembleMethod } from '../../generated/operations.ts';

export const methodNames: Readonly<Record<EnsembleMethod, string>> = {
  MEAN: 'Mean',
  GEOMETRIC_MEAN: 'Geometric mean',
  RANK_MEAN: 'Rank mean',
  MAJORITY_VOTE: 'Majority vote',
};

export const methodHints: Readonly<Record<EnsembleMethod, string>> = {
  MEAN: 'The weighted mean of the members’ probabilities.',
  GEOMETRIC_MEAN:
    'The weighted geometric mean of the probabilities, normalised: one member that rules a label out counts much.',
  RANK_MEAN:
    'The weighted mean of each label’s rank over the images, normalised: members that are surer of themselves count no more.',
  MAJORITY_VOTE: 'Each member votes for its most probable label with its weight; how sure it is does not count.',
};
