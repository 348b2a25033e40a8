import { describe, expect, it } from 'vitest';
import { vocabularyOf } from '../../src/domain/dataset.ts';
import type { TrainerImage } from '../../src/domain/trainer.ts';
import { parseTrainingConfig, type TrainingConfig, validCount } from '../../src/domain/trainingConfig.ts';
import { splitImages, trainingImages } from '../../src/learner/split.ts';
import { goldenJson } from '../models/goldenFiles.ts';

function config(changes: Record<string, unknown> = {}): TrainingConfig {
  const { config, problems } = parseTrainingConfig({
    architecture: 'convnext_atto',
    itemTransform: { size: { height: 64, width: 64 } },
    size: { height: 32, width: 32 },
    effectiveBatchSize: 4,
    ...changes,
  });
  if (!config) throw new Error(JSON.stringify(problems));
  return config;
}

function images(counts: Record<string, number>): TrainerImage[] {
  return Object.entries(counts).flatMap(([label, count]) =>
    Array.from({ length: count }, (_, i) => ({
      imageId: `${label}${i}.jpg`,
      path: `/data/${label}/${i}.jpg`,
      contentHash: `${label}${i}`,
      label,
      split: 'TRAIN' as const,
    })),
  );
}

describe('the split', () => {
  const golden = goldenJson('fastai/misc');

  it('cuts as fastai does', () => {
    for (const { n, valid_pct, n_valid } of golden.split) expect(validCount(n, valid_pct), n).toBe(n_valid);
  });

  it('orders the vocabulary as fastai does', () => {
    expect(vocabularyOf(golden.labels)).toEqual(golden.vocab);
  });

  it('is disjoint, complete, seeded, and independent of the order of the images', () => {
    const all = images({ a: 30, b: 20 });
    const { train, valid, vocab } = splitImages(all, config(), 5);
    expect(valid).toHaveLength(10);
    expect(new Set([...train, ...valid].map((i) => i.imageId)).size).toBe(50);
    expect(vocab).toEqual(['a', 'b']);
    expect(splitImages(all.toReversed(), config(), 5)).toEqual({ train, valid, vocab });
    expect(splitImages(all, config(), 6).valid).not.toEqual(valid);
  });

  it('is decided by splitSeed alone where there is one', () => {
    const all = images({ a: 30, b: 20 });
    const drawn = (seed: number, splitSeed?: number) => splitImages(all, config({ splitSeed }), seed);
    expect(drawn(1, 9)).toEqual(drawn(2, 9));
    expect(drawn(1, 9)).toEqual(drawn(9));
    expect(drawn(1, 9).valid).not.toEqual(drawn(1, 8).valid);
    expect(drawn(1, 0).valid).not.toEqual(drawn(1).valid);
  });

  it.each([-1, 2 ** 31, 1.5, 'x'])('refuses the splitSeed %j by name', (splitSeed) => {
    const size = { height: 64, width: 64 };
    const { problems } = parseTrainingConfig(
      { architecture: 'convnext_atto', itemTransform: { size }, size, splitSeed },
      ['config'],
    );
    expect(problems).toMatchObject([{ code: 'INVALID', path: ['config', 'splitSeed'] }]);
  });

  it('takes only labelled training images of the wanted labels', () => {
    const all = images({ a: 10, b: 10, c: 10 });
    const test: TrainerImage = { ...all[0]!, imageId: 't.jpg', label: null, split: 'TEST' };
    const holdout: TrainerImage = { ...all[0]!, imageId: 'h.jpg', split: 'HOLDOUT' };
    const chosen = trainingImages([...all, test, holdout], ['a', 'c']);
    expect(chosen).toHaveLength(20);
    expect(new Set(chosen.map((i) => i.label))).toEqual(new Set(['a', 'c']));
  });

  it.each([
    ['a label with one image', { a: 20, rare: 1 }, {}, /label "rare" has a single image/],
    ['a label that only validates', { a: 2, b: 60 }, { validFraction: 0.9 }, /all images of label "a" were drawn/],
    ['an unknown label', { a: 20 }, { labels: ['nope'] }, /no training image labelled "nope"/],
    ['nothing to validate on', { a: 2, b: 2 }, {}, /0.2 of 4 images leaves none to validate/],
    ['a single label', { a: 20 }, {}, /images of 1 label/],
    [
      'fewer images than a micro-batch',
      { a: 10, b: 10 },
      { effectiveBatchSize: 64 },
      /a micro-batch is 64 images .* but only 16 are left/,
    ],
    [
      'fewer images than a step over all epochs',
      { a: 10, b: 10 },
      { effectiveBatchSize: 64, accumulation: 8, epochs: 3 },
      /3 epochs of 16 images never add up to one optimiser step of 64/,
    ],
  ])('refuses %s', (_, counts, changes, message) => {
    expect(() => splitImages(images(counts as never), config(changes), 1)).toThrow(message);
  });
});
