/** How good runs and ensembles are on one split, in comparison. */

import type { EnsembleRunFragment, Split } from '../../generated/operations.ts';

type PredictionSet = EnsembleRunFragment['predictions'][number];

/** The predictions that a run brings along: with test-time augmentation, else plain, else uploaded ones. */
const preference: readonly PredictionSet['kind'][] = ['TTA', 'PLAIN', 'UPLOADED'];

/** What a run predicted of a split, as ensembles take it; undefined when it did not. */
export function predictionsOn(run: EnsembleRunFragment, split: Split): PredictionSet | undefined {
  const sets = run.predictions.filter((set) => set.split === split);
  return sets.sort((a, b) => preference.indexOf(a.kind) - preference.indexOf(b.kind))[0];
}

export interface BestMember {
  readonly run: EnsembleRunFragment;
  readonly errorRate: number;
  readonly logLoss: number;
}

/** The run with the smallest error rate on a split, the smaller log loss among equals; null where none has a score. */
export function bestMember(runs: readonly EnsembleRunFragment[], split: Split): BestMember | null {
  let best: BestMember | null = null;
  for (const run of runs) {
    const score = predictionsOn(run, split)?.score;
    if (!score) continue;
    const { errorRate, logLoss } = score;
    if (!best || errorRate < best.errorRate || (errorRate === best.errorRate && logLoss < best.logLoss)) {
      best = { run, errorRate, logLoss };
    }
  }
  return best;
}

/** `1.25 points better`, of two shares of images predicted wrong. */
export function comparison(errorRate: number, other: number): string {
  const points = Math.abs(errorRate - other) * 100;
  if (points < 0.005) return 'as good as';
  return `${points.toFixed(2)} points ${errorRate < other ? 'better than' : 'worse than'}`;
}
