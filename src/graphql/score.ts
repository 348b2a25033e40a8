/** Scores of stored predictions: figures from their row, what takes the whole matrix only when it is asked for. */

import { scorePredictions } from '../commands/predictionScore.ts';
import type { PredictionSet } from '../store/prediction.ts';
import type { Context } from './context.ts';
import type { ScoreRow } from './rows.ts';

/** null when the set has no score. */
export function storedScore(set: PredictionSet, { commands }: Context): ScoreRow | null {
  const { errorRate, accuracy, logLoss, rowCount } = set;
  if (errorRate === null || accuracy === null || logLoss === null) return null;
  let computed: ReturnType<typeof scorePredictions> | undefined;
  const details = async () => {
    computed ??= scorePredictions(commands, set);
    return (await computed)!;
  };
  return {
    ...{ errorRate, accuracy, logLoss, rowCount },
    confusion: async () => (await details()).confusion,
    perLabel: async () => (await details()).perLabel,
  };
}
