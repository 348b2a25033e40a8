/** Whether the draw of the validation images leaves every label some to train on: known before a run is queued. */

import { drawSplit, unseenLabelMessage } from '../domain/split.ts';
import { type TrainingConfig, validCount } from '../domain/trainingConfig.ts';
import type { Queryable } from '../store/queryable.ts';
import { findPlaces } from '../store/trainingImages.ts';
import type { TrainingData } from './trainingPlan.ts';

/** Why no run can train with a config and a seed, which counts where it has none; null when one can. */
export type SplitCheck = (config: TrainingConfig, seed: number) => Promise<string | null>;

/** Labels of which a draw takes all images less often are not looked at: their runs would be refused by the trainer. */
const negligible = 1e-9;

/** For configs that `dataProblems` has nothing against. Images are read for labels that are rare enough to go missing, once. */
export function createSplitCheck(db: Queryable, { datasetId, labelCounts }: TrainingData): SplitCheck {
  const read = new Map<string, ReturnType<typeof findPlaces>>();
  const placesOf = (among: readonly string[] | null, labels: readonly string[]) => {
    const key = JSON.stringify([among, labels]);
    const places = read.get(key) ?? findPlaces(db, datasetId, { among, labels });
    read.set(key, places);
    return places;
  };
  return async ({ labels, validFraction, ...config }, runSeed) => {
    const wanted = new Set(labels ?? labelCounts.map(({ label }) => label));
    const counts = labelCounts.filter(({ label }) => wanted.has(label));
    const images = counts.reduce((sum, { count }) => sum + count, 0);
    const most = validCount(images, validFraction);
    const rare = counts.filter(({ count }) => count <= most && validFraction ** count > negligible);
    if (!rare.length) return null;
    const names = rare.map(({ label }) => label);
    const places = await placesOf(labels, names);
    const seed = config.splitSeed ?? config.seed ?? runSeed;
    const train = new Set(drawSplit(images, validFraction, seed).train);
    const unseen = names.find((label) => !places.get(label)?.some((place) => train.has(place)));
    return unseen === undefined ? null : unseenLabelMessage(unseen, seed);
  };
}
