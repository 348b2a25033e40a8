/** Which images a run trains on and which it validates on. */

import { compareCodePoints, countLabels, vocabularyOf } from '../domain/dataset.ts';
import { drawSplit, unseenLabelMessage } from '../domain/split.ts';
import type { TrainerImage } from '../domain/trainer.ts';
import { batchProblem, type TrainingConfig, validCount } from '../domain/trainingConfig.ts';
import { refuse } from '../errors.ts';

export type LabelledImage = TrainerImage & { readonly label: string };

export interface TrainingSplit {
  /** In the order drawn. */
  readonly train: readonly LabelledImage[];
  /** By image id. */
  readonly valid: readonly LabelledImage[];
  /** Labels of the training images in code point order: the network's outputs. */
  readonly vocab: readonly string[];
}

/**
 * Draws the validation images at random with the config's splitSeed, else with `seed`, the run's. The draw depends on the set of
 * images, not on their order. Images of other splits than TRAIN are in neither list.
 * @throws UserInputError INVALID when too few images are left to train or validate on, naming the label or field.
 */
export function splitImages(images: readonly TrainerImage[], config: TrainingConfig, seed: number): TrainingSplit {
  const candidates = trainingImages(images, config.labels);
  const counts = countLabels(candidates.map((image) => image.label));
  const lonely = counts.find(({ count }) => count === 1);
  if (lonely) {
    throw refuse(
      'INVALID',
      `label ${JSON.stringify(lonely.label)} has a single image; at least 2 are needed to train and validate: add images or leave the label out with "labels"`,
      ['config', 'labels'],
    );
  }
  if (counts.length < 2) {
    throw refuse(
      'INVALID',
      `there are training images of ${counts.length} label(s); a classifier needs at least 2 (a memory probe takes one)`,
      ['config', 'labels'],
    );
  }
  if (validCount(candidates.length, config.validFraction) < 1) {
    throw refuse(
      'INVALID',
      `${config.validFraction} of ${candidates.length} images leaves none to validate on; raise it or add images`,
      ['config', 'validFraction'],
    );
  }
  const splitSeed = config.splitSeed ?? seed;
  const drawn = drawSplit(candidates.length, config.validFraction, splitSeed);
  const valid = drawn.valid.map((i) => candidates[i]!).sort(byImageId);
  const train = drawn.train.map((i) => candidates[i]!);
  const vocab = vocabularyOf(train.map((image) => image.label));
  const unseen = valid.find((image) => !vocab.includes(image.label));
  if (unseen) throw refuse('INVALID', unseenLabelMessage(unseen.label, splitSeed), ['config', 'validFraction']);
  const problem = batchProblem(train.length, config);
  if (problem) throw refuse('INVALID', problem, ['config', 'effectiveBatchSize']);
  return { train, valid, vocab };
}

/** Images of split TRAIN with the wanted labels, by image id. */
export function trainingImages(images: readonly TrainerImage[], labels: readonly string[] | null): LabelledImage[] {
  const labelled = images.filter((image): image is LabelledImage => image.split === 'TRAIN' && image.label !== null);
  for (const label of labels ?? []) {
    if (!labelled.some((image) => image.label === label)) {
      throw refuse('INVALID', `the data set has no training image labelled ${JSON.stringify(label)}`, [
        'config',
        'labels',
      ]);
    }
  }
  return labelled.filter((image) => !labels || labels.includes(image.label)).sort(byImageId);
}

export function byImageId(a: TrainerImage, b: TrainerImage): number {
  return compareCodePoints(a.imageId, b.imageId);
}
