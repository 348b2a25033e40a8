import type { Score } from '../ensembles/score.ts';
import { type PredictionSet, readImageIds, readPredictions } from '../store/prediction.ts';
import { findTruth } from '../store/predictionTruth.ts';
import type { CommandContext } from './context.ts';

export type { Score };

/** The score with everything in it, computed in a thread; null where the set has none. */
export async function scorePredictions(
  { db: { prisma: db }, threads }: Pick<CommandContext, 'db' | 'threads'>,
  { id, runId, split, vocab, errorRate }: PredictionSet,
): Promise<Score | null> {
  if (errorRate === null) return null;
  const imageIds = await readImageIds(db, id);
  const truth = await findTruth(db, { runId, split, imageIds, vocab });
  return truth && threads.run('score', { imageIds, vocab, probabilities: await readPredictions(db, id) }, truth);
}
