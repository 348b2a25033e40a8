import { vocabularyOf } from '../domain/dataset.ts';
import type { TrainerJob } from '../domain/trainer.ts';
import { refuse } from '../errors.ts';
import type { Sample } from './data.ts';
import { type LabelledImage, trainingImages } from './split.ts';

/** A softmax over one class has no gradient, so a single label gets a second output. */
const fewestClasses = 2;

/** What memory probes and comparisons compute on. */
export interface ProbeData {
  readonly images: readonly LabelledImage[];
  readonly classes: number;
  /** The first `count` images with their classes, repeated where there are fewer. */
  samples(count: number): Sample[];
}

/** The training images of `config.labels`, of which a single one is enough. */
export function probeData({ images: all, config }: TrainerJob): ProbeData {
  const images = trainingImages(all, config.labels);
  if (!images.length) throw refuse('INVALID', 'there is no training image to probe with', ['config', 'labels']);
  const vocab = vocabularyOf(images.map((image) => image.label));
  return {
    images,
    classes: Math.max(vocab.length, fewestClasses),
    samples: (count) =>
      Array.from({ length: count }, (_, i) => {
        const index = i % images.length;
        return { index, label: vocab.indexOf(images[index]!.label) };
      }),
  };
}
