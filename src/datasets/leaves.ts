/** The demo's own data set: drawn leaves of five classes, in the shape of the Kaggle competition. */

import { randomUUID } from 'node:crypto';
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import sharp from 'sharp';
import { createRandom, permutation, type Random } from '../domain/random.ts';
import { refuse } from '../errors.ts';
import { makeFolder } from '../makeFolder.ts';
import { type LeafClass, leafClasses } from './leafLesions.ts';
import { leafSvg } from './leafPicture.ts';

export interface LeafDatasetOptions {
  /** The same seed draws the same bytes on the same machine. */
  readonly seed: number;
  /** Training images per class; a class left out is not drawn. */
  readonly classes?: Readonly<Partial<Record<LeafClass, number>>>;
  /** Number of test images; their classes follow the shares of the training images. */
  readonly testImages?: number;
}

export interface DrawnLeaf {
  /** File name, unique in the whole data set: `100001.jpg`. */
  readonly imageId: string;
  readonly label: LeafClass;
  /** Relative to the data set's folder. */
  readonly path: string;
}

/** What was drawn, with the truth about the test images, which the folder itself does not tell. */
export interface DrawnLeafDataset {
  readonly directory: string;
  readonly train: readonly DrawnLeaf[];
  readonly test: readonly DrawnLeaf[];
}

const imbalanced = { healthy: 110, brown_spot: 95, leaf_blast: 80, bacterial_streak: 65, tungro: 50 };

/** Pixels of a portrait picture; a third of the pictures lie on their side. */
const portrait = { width: 180, height: 240 };
const landscapeShare = 1 / 3;

/**
 * Draws `train_images/<class>/*.jpg`, `test_images/*.jpg`, `train.csv` and `sample_submission.csv` (labels empty) into
 * `directory`, which appears whole or not at all.
 *
 * @throws UserInputError (ALREADY_EXISTS) when `directory` already holds files.
 */
export async function drawLeafDataset(
  directory: string,
  { seed, classes = imbalanced, testImages = 60 }: LeafDatasetOptions,
): Promise<DrawnLeafDataset> {
  if ((await listing(directory)).length) {
    throw refuse('ALREADY_EXISTS', `${directory} already holds files; draw the leaf images into a new folder`);
  }
  const labels = leafClasses.filter((label) => classes[label]);
  const perClass = labels.flatMap((label) => Array.from({ length: classes[label]! }, () => label));
  const random = createRandom(seed, 'leaves');
  const train = permutation(perClass.length, random).map((from, i): DrawnLeaf => {
    const imageId = `${100001 + i}.jpg`;
    const label = perClass[from]!;
    return { imageId, label, path: `train_images/${label}/${imageId}` };
  });
  const test = permutation(testImages, random).map((from, i): DrawnLeaf => {
    const imageId = `${200001 + i}.jpg`;
    const label = perClass[Math.floor(((from + 0.5) / testImages) * perClass.length)]!;
    return { imageId, label, path: `test_images/${imageId}` };
  });

  const target = resolve(directory);
  const unfinished = `${target}.drawing-${randomUUID()}`;
  try {
    for (const label of labels) await makeFolder(join(unfinished, 'train_images', label));
    await makeFolder(join(unfinished, 'test_images'));
    await inParallel([...train, ...test], async ({ imageId, label, path }) =>
      writeFile(join(unfinished, path), await drawLeaf(label, createRandom(seed, 'leaf', imageId))),
    );
    await writeFile(
      join(unfinished, 'train.csv'),
      csv(
        ['image_id', 'label'],
        train.map((leaf) => [leaf.imageId, leaf.label]),
      ),
    );
    await writeFile(
      join(unfinished, 'sample_submission.csv'),
      csv(
        ['image_id', 'label'],
        test.map((leaf) => [leaf.imageId, '']),
      ),
    );
    await makeFolder(dirname(target));
    await rename(unfinished, target);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
  return { directory: target, train, test };
}

/** One picture as JPEG: drawn sharp, put slightly out of focus, then given a sensor's grain. */
async function drawLeaf(label: LeafClass, random: Random): Promise<Buffer> {
  const lies = random.next() < landscapeShare;
  const width = lies ? portrait.height : portrait.width;
  const height = lies ? portrait.width : portrait.height;
  const { data, info } = await sharp(Buffer.from(leafSvg(label, width, height, random)))
    .removeAlpha()
    .blur(0.5 + random.next() * 0.7)
    .raw()
    .toBuffer({ resolveWithObject: true });
  const grain = 6 + random.next() * 22;
  for (let i = 0; i < data.length; i += 3) {
    const noise = (random.next() + random.next() - 1) * grain;
    for (let c = i; c < i + 3; c++) data[c] = Math.min(255, Math.max(0, data[c]! + noise));
  }
  return sharp(data, { raw: { width: info.width, height: info.height, channels: 3 } })
    .jpeg({ quality: 88 })
    .toBuffer();
}

/** Runs `work` on every item, as many at a time as there are processors. */
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}

/** Rows of plain words as CSV with LF line ends. */
function csv(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return `${[header, ...rows].map((row) => row.join(',')).join('\n')}\n`;
}

/** Names in a folder; none when it does not exist. */
async function listing(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
