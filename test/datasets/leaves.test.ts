import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DrawnLeaf, type DrawnLeafDataset, drawLeafDataset } from '../../src/datasets/leaves.ts';
import { countLabels } from '../../src/domain/dataset.ts';
import { UserInputError } from '../../src/errors.ts';

const few = { seed: 5, classes: { healthy: 3, tungro: 2 }, testImages: 4 };

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'leaves-'));
});
afterAll(() => rm(scratch, { recursive: true }));

describe('the default data set', () => {
  let leaves: DrawnLeafDataset;
  beforeAll(async () => {
    leaves = await drawLeafDataset(join(scratch, 'default'), { seed: 1 });
  });

  it('has the shape of the competition: folders of jpg by class, train.csv, an unlabelled submission', async () => {
    expect((await readdir(leaves.directory)).sort()).toEqual([
      'sample_submission.csv',
      'test_images',
      'train.csv',
      'train_images',
    ]);
    const folders = await readdir(join(leaves.directory, 'train_images'));
    const found = await Promise.all(
      folders.map(async (label) =>
        (await readdir(join(leaves.directory, 'train_images', label))).map((imageId) => `${imageId},${label}`),
      ),
    );
    const [header, ...rows] = await csvLines('train.csv');
    expect(header).toBe('image_id,label');
    expect(rows.sort()).toEqual(found.flat().sort());

    const tests = (await readdir(join(leaves.directory, 'test_images'))).sort();
    expect(tests).toHaveLength(60);
    expect(await csvLines('sample_submission.csv')).toEqual(['image_id,label', ...tests.map((id) => `${id},`)]);
  });

  it('is imbalanced over five classes, and the test images share the proportions', () => {
    const labels = leaves.train.map((leaf) => leaf.label);
    expect(countLabels(labels)).toEqual([
      { label: 'healthy', count: 110 },
      { label: 'brown_spot', count: 95 },
      { label: 'leaf_blast', count: 80 },
      { label: 'bacterial_streak', count: 65 },
      { label: 'tungro', count: 50 },
    ]);
    for (const { label, count } of countLabels(leaves.test.map((leaf) => leaf.label))) {
      const expected = (labels.filter((other) => other === label).length / labels.length) * 60;
      expect(Math.abs(count - expected)).toBeLessThanOrEqual(1);
    }
  });

  it('holds portrait and landscape pictures of every class', async () => {
    const seen = new Set<string>();
    for (const leaf of leaves.train) {
      const { width, height, format } = await sharp(join(leaves.directory, leaf.path)).metadata();
      expect(format).toBe('jpeg');
      seen.add(`${leaf.label} ${width}x${height}`);
    }
    const labels = ['bacterial_streak', 'brown_spot', 'healthy', 'leaf_blast', 'tungro'];
    expect([...seen].sort()).toEqual(labels.flatMap((label) => [`${label} 180x240`, `${label} 240x180`]));
  });

  it('is not solved by a constant guess or by mean colour', async () => {
    const majority = Math.max(...countLabels(leaves.test.map((leaf) => leaf.label)).map(({ count }) => count));
    expect(1 - majority / leaves.test.length).toBeGreaterThan(0.6);

    const train = await meanColours(leaves.train);
    const test = await meanColours(leaves.test);
    expect(centroidError(train, test, [1, 1, 1])).toBeGreaterThan(0.4);
    expect(centroidError(train, test, deviations(train))).toBeGreaterThan(0.4);
    expect(nearestNeighbourError(train, test)).toBeGreaterThan(0.4);
  });

  async function csvLines(name: string): Promise<string[]> {
    const text = await readFile(join(leaves.directory, name), 'utf8');
    expect(text.endsWith('\n')).toBe(true);
    return text.trimEnd().split('\n');
  }

  async function meanColours(drawn: readonly DrawnLeaf[]): Promise<Coloured[]> {
    return Promise.all(
      drawn.map(async ({ label, path }) => {
        const pixels = await sharp(join(leaves.directory, path)).raw().toBuffer();
        const colour = [0, 0, 0];
        for (let i = 0; i < pixels.length; i++) colour[i % 3]! += pixels[i]! / (pixels.length / 3);
        return { label, colour };
      }),
    );
  }
});

it('draws the same bytes from the same seed and other pictures from another', async () => {
  const bytes = async (name: string, seed: number) => {
    const { directory, train, test } = await drawLeafDataset(join(scratch, name), { ...few, seed });
    return Promise.all([...train, ...test].map(({ path }) => readFile(join(directory, path), 'base64')));
  };
  const first = await bytes('first', 5);
  expect(await bytes('again', 5)).toEqual(first);
  expect(new Set([...first, ...(await bytes('other', 6))]).size).toBe(2 * first.length);
});

it('draws only the classes asked for', async () => {
  const { train, test } = await drawLeafDataset(join(scratch, 'few'), few);
  expect(countLabels(train.map((leaf) => leaf.label))).toEqual([
    { label: 'healthy', count: 3 },
    { label: 'tungro', count: 2 },
  ]);
  expect(test).toHaveLength(4);
});

it('refuses a folder that holds files and leaves them alone', async () => {
  const directory = await mkdtemp(join(scratch, 'taken-'));
  await writeFile(join(directory, 'mine.txt'), 'mine');
  const refusal: unknown = await drawLeafDataset(directory, few).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(UserInputError);
  expect((refusal as UserInputError).problems[0]).toMatchObject({
    code: 'ALREADY_EXISTS',
    message: expect.stringContaining(directory),
  });
  expect(await readdir(directory)).toEqual(['mine.txt']);
});

it('leaves nothing half-drawn when the folder cannot be put in place', async () => {
  const parent = await mkdtemp(join(scratch, 'parent-'));
  await symlink(join(parent, 'nowhere'), join(parent, 'leaves'));
  await expect(drawLeafDataset(join(parent, 'leaves'), few)).rejects.toThrow('ENOTDIR');
  expect(await readdir(parent)).toEqual(['leaves']);
});

interface Coloured {
  readonly label: string;
  /** Means of red, green and blue, 0 to 255. */
  readonly colour: readonly number[];
}

/** Share of `test` for which the nearest class mean, each channel divided by its `scale`, is another class's. */
function centroidError(train: readonly Coloured[], test: readonly Coloured[], scale: readonly number[]): number {
  const centroids = countLabels(train.map(({ label }) => label)).map(({ label }) => {
    const members = train.filter((image) => image.label === label);
    const colour = scale.map((_, c) => members.reduce((sum, image) => sum + image.colour[c]!, 0) / members.length);
    return { label, colour };
  });
  return nearestNeighbourError(centroids, test, scale);
}

function nearestNeighbourError(
  train: readonly Coloured[],
  test: readonly Coloured[],
  scale: readonly number[] = [1, 1, 1],
): number {
  const wrong = test.filter(({ label, colour }) => {
    const distance = (other: Coloured) =>
      scale.reduce((sum, s, c) => sum + ((colour[c]! - other.colour[c]!) / s) ** 2, 0);
    const nearest = train.reduce((best, image) => (distance(image) < distance(best) ? image : best));
    return nearest.label !== label;
  });
  return wrong.length / test.length;
}

/** Standard deviation of each channel. */
function deviations(images: readonly Coloured[]): number[] {
  return [0, 1, 2].map((c) => {
    const mean = images.reduce((sum, image) => sum + image.colour[c]!, 0) / images.length;
    return Math.sqrt(images.reduce((sum, image) => sum + (image.colour[c]! - mean) ** 2, 0) / images.length);
  });
}
