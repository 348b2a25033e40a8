import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { drawHoldout } from '../../src/datasets/holdout.ts';
import { importFolder } from '../../src/datasets/importFolder.ts';
import type { ImportResult, ManifestImage } from '../../src/domain/dataset.ts';
import { image } from '../support/catalogue.ts';
import { writeFolder } from '../support/imageFiles.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdout-'));
});
afterEach(() => rm(root, { recursive: true }));

const sound = {
  'train_images/rust/1.jpg': 1,
  'train_images/rust/2.jpg': 2,
  'train_images/blight/3.jpg': 3,
  'train_images/blight/4.jpg': 4,
  'test_images/8.jpg': 8,
  'train.csv': 'image_id,label\n1.jpg,rust\n2.jpg,rust\n3.jpg,blight\n4.jpg,blight\n',
};

const listed = ({ images }: ImportResult) => images.map(({ split, label, imageId }) => [split, label, imageId]);
const problemsBy = ({ problems }: ImportResult) =>
  Object.fromEntries(problems.map(({ path, severity, reason }) => [path, `${severity}: ${reason}`]));

describe('holdout_images/', () => {
  it('is labelled by its folders, comes last in the manifest, and is no training image', async () => {
    const files = { ...sound, 'holdout_images/rust/1.jpg': 21, 'holdout_images/blight/22.jpg': 22 };
    await writeFolder(root, files);
    const result = await importFolder(root);
    expect(result.problems).toEqual([]);
    expect(listed(result).slice(4)).toEqual([
      ['TEST', null, '8.jpg'],
      ['HOLDOUT', 'blight', '22.jpg'],
      ['HOLDOUT', 'rust', '1.jpg'], // the name of a training image: unique within its split
    ]);
    expect(result.vocab).toEqual(['blight', 'rust']);
  });

  it('stands beside plain class folders too, and is no class', async () => {
    await writeFolder(root, { 'rust/1.jpg': 1, 'rust/2.jpg': 2, 'blight/3.jpg': 3, 'blight/4.jpg': 4 });
    const without = await importFolder(root);
    await writeFolder(root, { 'holdout_images/rust/1.jpg': 5 });
    const result = await importFolder(root);
    expect(listed(result).at(-1)).toEqual(['HOLDOUT', 'rust', 'rust/1.jpg']);
    expect(result.vocab).toEqual(['blight', 'rust']);
    expect(result.contentHash).not.toBe(without.contentHash);
  });

  it('refuses a class that is not trained and bytes that are, keeping the rest', async () => {
    await writeFolder(root, {
      ...sound,
      'holdout_images/rust/21.jpg': 21,
      'holdout_images/rust/copy.jpg': 1,
      'holdout_images/rust/contradiction.jpg': 3,
      'holdout_images/smut/23.jpg': 23,
      'holdout_images/rust/known.jpg': 8,
      'holdout_images/rust/twice.jpg': 21,
      'holdout_images/rust/bad.jpg': 'no image',
      'holdout_images/stray.jpg': 24,
      'holdout_images/rust/deeper/25.jpg': 25,
    });
    const result = await importFolder(root);
    expect(listed(result).filter(([split]) => split === 'HOLDOUT')).toEqual([
      ['HOLDOUT', 'rust', '21.jpg'],
      ['HOLDOUT', 'rust', 'known.jpg'],
      ['HOLDOUT', 'rust', 'twice.jpg'],
    ]);
    expect(result.vocab).toEqual(['blight', 'rust']);
    expect(problemsBy(result)).toEqual({
      'holdout_images/rust/copy.jpg': expect.stringMatching(/^REJECTED: has the same bytes as train_images\/rust\/1/),
      'holdout_images/rust/contradiction.jpg': expect.stringMatching(/^REJECTED: has the same bytes as .*blight\/3/),
      'holdout_images/smut/23.jpg': expect.stringMatching(/^REJECTED: there is no training image of "smut"/),
      'holdout_images/rust/known.jpg': expect.stringMatching(/^WARNING: .*test_images\/8.jpg: the label of that test/),
      'holdout_images/rust/twice.jpg': expect.stringMatching(/^WARNING: .*21.jpg: it counts twice in every score/),
      'holdout_images/rust/bad.jpg': expect.stringMatching(/^REJECTED: not an image/),
      'holdout_images/stray.jpg': expect.stringMatching(/^SKIPPED: lies beside the class folders/),
      'holdout_images/rust/deeper/': expect.stringMatching(/^SKIPPED: is a folder below/),
    });
  });

  it('without a usable image is remarked on', async () => {
    await writeFolder(root, { ...sound, 'holdout_images/rust/copy.jpg': 1 });
    expect(problemsBy(await importFolder(root))['holdout_images/']).toBe(
      'WARNING: has no usable image: nothing is held out',
    );
  });

  it('cannot be combined with a share of the training images', async () => {
    await writeFolder(root, { ...sound, 'holdout_images/rust/21.jpg': 21 });
    await expect(importFolder(root, { holdout: { fraction: 0.5, seed: 0 } })).rejects.toMatchObject({
      problems: [{ path: ['holdoutFraction'], message: expect.stringContaining('holdout_images/; leave holdoutFr') }],
    });
  });
});

describe('a share of the training images', () => {
  const many = (label: string, count: number): ManifestImage[] =>
    Array.from({ length: count }, (_, i) =>
      image('TRAIN', `${label}${i}.jpg`, label, { contentHash: `bytes of ${label} ${i}` }),
    );
  const hashes = (images: readonly ManifestImage[]) => images.map(({ contentHash }) => contentHash).sort();

  it('is held out by label, whole, and nothing is lost', () => {
    const images = [...many('blight', 20), ...many('rust', 11)];
    const { train, holdout, problems } = drawHoldout(images, { fraction: 0.25, seed: 3 });
    expect(holdout.filter(({ label }) => label === 'blight')).toHaveLength(5);
    expect(holdout.filter(({ label }) => label === 'rust')).toHaveLength(3);
    expect(holdout.every(({ split }) => split === 'HOLDOUT')).toBe(true);
    expect(train.every(({ split }) => split === 'TRAIN')).toBe(true);
    expect(hashes([...train, ...holdout])).toEqual(hashes(images));
    expect(problems).toEqual([]);
  });

  it('depends on seed and bytes alone', () => {
    const images = [...many('blight', 20), ...many('rust', 20)];
    const drawn = (of: readonly ManifestImage[], seed: number) =>
      hashes(drawHoldout(of, { fraction: 0.3, seed }).holdout);
    const renamed = images.map((one, i) => ({ ...one, imageId: `${i}`, path: `other/${i}` }));
    expect(drawn(images.toReversed(), 3)).toEqual(drawn(images, 3));
    expect(drawn(renamed, 3)).toEqual(drawn(images, 3));
    expect(drawn(images, 4)).not.toEqual(drawn(images, 3));
  });

  it('leaves two images of a label in training, and every image whose bytes occur twice', () => {
    const copies = many('rust', 6).map((one, i) => ({ ...one, contentHash: `same ${i >> 1}` }));
    const images = [...many('blight', 10), ...many('few', 3), ...many('two', 2), ...copies];
    const { train, holdout, problems } = drawHoldout(images, { fraction: 0.9, seed: 0 });
    const left = (label: string) => train.filter((one) => one.label === label).length;
    expect([left('blight'), left('few'), left('two'), left('rust')]).toEqual([2, 2, 2, 6]);
    expect(holdout).toHaveLength(9);
    expect(problems.map(({ path, severity }) => [path, severity]).sort()).toEqual([
      ['train_images/rust/', 'WARNING'],
      ['train_images/two/', 'WARNING'],
    ]);
  });

  it('that comes to no image is refused', () => {
    expect(() => drawHoldout(many('rust', 20), { fraction: 0.01, seed: 0 })).toThrow(
      'holdoutFraction: holdoutFraction 0.01 holds out none of 20 training images; raise it or add images',
    );
  });

  it('is taken from a folder, whose train.csv still counts all of them', async () => {
    const rust = Object.fromEntries([31, 32, 33, 34].map((seed) => [`train_images/rust/${seed}.jpg`, seed]));
    await writeFolder(root, {
      ...sound,
      ...rust,
      'train.csv': `${sound['train.csv']}31.jpg,rust\n32.jpg,rust\n33.jpg,rust\n34.jpg,rust\n`,
    });
    const result = await importFolder(root, { holdout: { fraction: 0.34, seed: 1 } });
    const splits = listed(result).map(([split, label]) => `${split} ${label}`);
    expect(splits).toEqual([
      ...['TRAIN blight', 'TRAIN blight', 'TRAIN rust', 'TRAIN rust', 'TRAIN rust', 'TRAIN rust'],
      ...['TEST null', 'HOLDOUT rust', 'HOLDOUT rust'],
    ]);
    expect(Object.keys(problemsBy(result))).toEqual(['train_images/blight/']);
    expect(result.contentHash).not.toBe((await importFolder(root)).contentHash);
    expect(await importFolder(root, { holdout: { fraction: 0.34, seed: 1 } })).toEqual(result);
  });
});
