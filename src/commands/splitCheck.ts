/** Whether the draw of the validation images leaves every label some to train on: known before a run is queued. */

import { setImmediate } from 'node:timers/promises';
import { drawSplit, unseenLabelMessage } from '../domain/split.ts';
import { type TrainingConfig, validCount } from '../domain/trainingConfig.ts';
import type { Queryable } from '../store/queryable.ts';
import { findPlaces } from '../store/trainingImages.ts';
import type { TrainingData } from './trainingPlan.ts';

/** Why no run can train with a config and a seed, which counts where it has none; null when one can. */
export type SplitCheck = (config: TrainingConfig, seed: number) => Promise<string | null>;

/** Labels of which a draw takes all images less often are not looked at: their runs would be refused by the trainer. */
const negligible = 1e-9;

/**
 * For configs that `dataProblems` has nothing against. Images are read for labels that are rare enough to go missing, once, and nothing is drawn
 * twice: the configs of a sweep mostly share their split.
 */
export function createSplitCheck(db: Queryable, { datasetId, labelCounts }: TrainingData): SplitCheck {
  const drawsOf = remembered((labelsJson: string) => {
    const labels: readonly string[] | null = JSON.parse(labelsJson);
    const wanted = labels && new Set(labels);
    const counts = wanted ? labelCounts.filter(({ label }) => wanted.has(label)) : labelCounts;
    const images = counts.reduce((sum, { count }) => sum + count, 0);
    const placesOf = remembered((names: string) =>
      findPlaces(db, datasetId, { among: labels, labels: JSON.parse(names) }),
    );
    return remembered(async (draw: string): Promise<string | null> => {
      const [validFraction, seed]: [number, number] = JSON.parse(draw);
      const most = validCount(images, validFraction);
      const rare = counts.filter(({ count }) => count <= most && validFraction ** count > negligible);
      if (!rare.length) return null;
      const names = rare.map(({ label }) => label);
      const places = await placesOf(JSON.stringify(names));
      // A million images take a while: others have their turn between two draws.
      await setImmediate();
      const train = new Uint8Array(images);
      for (const place of drawSplit(images, validFraction, seed).train) train[place] = 1;
      const unseen = names.find((label) => !places.get(label)?.some((place) => train[place]));
      return unseen === undefined ? null : unseenLabelMessage(unseen, seed);
    });
  });
  return async ({ labels, validFraction, ...config }, runSeed) =>
    drawsOf(JSON.stringify(labels))(JSON.stringify([validFraction, config.splitSeed ?? config.seed ?? runSeed]));
}

/** Calls `work` once for each key. */
function remembered<T>(work: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    const value = known.has(key) ? known.get(key)! : work(key);
    known.set(key, value);
    return value;
  };
}
