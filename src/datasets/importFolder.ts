/** Import of a folder: finds, decodes and hashes every image, checks the lists beside them, and hands over a manifest. */

import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import {
  compareCodePoints,
  countLabels,
  type ImportProblem,
  type ImportResult,
  type ManifestImage,
  vocabularyOf,
} from '../domain/dataset.ts';
import { refuse } from '../errors.ts';
import { defaultMaxPixels } from '../vision/decode.ts';
import { repeatedContent, similarNames } from './contentCheck.ts';
import { type FoundFolder, findFiles } from './folder.ts';
import { checkHoldout, drawHoldout, type HoldoutDraw } from './holdout.ts';
import { type ImageLimits, inspectImage } from './inspectImage.ts';
import { checkLabels } from './labelCheck.ts';
import { orderTestImages } from './submissionOrder.ts';

export interface CheckProgress {
  readonly done: number;
  readonly total: number;
  /** Images refused so far. */
  readonly rejected: number;
  /** Of the images taken. */
  readonly bytes: number;
}

export interface ImportedFolder extends ImportResult {
  /** Name of the single folder in the one asked for that all paths are below; '' when they are below that one itself. */
  readonly inside: string;
}

export interface ImportOptions extends Partial<ImageLimits> {
  /** Holds out a share of the training images; left out: HOLDOUT is what `holdout_images/` has. */
  readonly holdout?: HoldoutDraw | undefined;
  /** How messages call the root; left out: by its path. */
  readonly called?: string | undefined;
  /** The root is a real path, and refused when a link has been put into it since. */
  readonly resolved?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CheckProgress) => void;
}

export const defaultLimits: ImageLimits = { minSide: 8, maxPixels: defaultMaxPixels, maxBytes: 128 * 2 ** 20 };

/** Memory is bounded by this many images at once, each at most its file and 3 bytes a pixel. */
const concurrency = Math.min(4, availableParallelism());

/**
 * Imports `root`: the competition's shape (`train_images/<class>/`, `test_images/`, `train.csv`, `sample_submission.csv`)
 * or plain class folders (`<class>/`), either with labelled `holdout_images/<class>/` if there are any. Labels come from the
 * folders. An image that cannot be used is reported and left out.
 *
 * Image ids are file names; where two classes hold the same name, and always in the plain shape, `class/name`.
 *
 * @throws UserInputError when the folder is missing or holds nothing to train on, or `holdout` cannot be drawn; the signal's reason when it aborts.
 */
export async function importFolder(root: string, options: ImportOptions = {}): Promise<ImportedFolder> {
  const { signal, called = root, resolved } = options;
  signal?.throwIfAborted();
  const folder = await findFiles(root, called, resolved);
  const { images, problems } = await inspectAll(folder, options);
  const train = withUniqueIds(
    images.filter(({ split }) => split === 'TRAIN'),
    folder.shape,
  );
  if (!train.images.length) {
    const first = problems.find(({ severity }) => severity === 'REJECTED');
    const detail = first ? `; ${problems.length} files were refused, the first: ${first.path}: ${first.reason}` : '';
    throw refuse('INVALID', `${called} has no usable image in any class folder${detail}`, ['path']);
  }
  const labelProblems = await checkLabels(
    join(folder.root, 'train.csv'),
    train.images.map(({ path, label }) => ({ path, label: label!, name: fileName(path) })),
  );
  const test = await orderTestImages(
    join(folder.root, 'sample_submission.csv'),
    images.filter(({ split }) => split === 'TEST'),
  );
  const split = holdOut({ ...folder, called }, images, train.images, options.holdout);
  signal?.throwIfAborted();
  const manifest = [...split.train, ...test.images, ...split.holdout];
  return {
    inside: folder.inside,
    images: manifest,
    problems: [
      ...[...folder.problems, ...problems, ...train.problems, ...split.problems].sort((a, b) =>
        comparePaths(a.path, b.path),
      ),
      ...labelProblems,
      ...test.problems,
      ...classProblems(folder, split.train),
      ...(test.images.length ? [] : [noTestImages]),
      ...repeatedContent(manifest),
      ...similarNames(manifest),
    ],
    vocab: vocabularyOf(split.train.map(({ label }) => label!)),
    contentHash: hashManifest(manifest),
  };
}

/** The training images without what is held out, and HOLDOUT: a share of them, or the images of `holdout_images/`. */
function holdOut(
  { called, hasHoldout, shape }: FoundFolder & { readonly called: string },
  images: readonly ManifestImage[],
  train: readonly ManifestImage[],
  draw: HoldoutDraw | undefined,
): { train: readonly ManifestImage[]; holdout: readonly ManifestImage[]; problems: readonly ImportProblem[] } {
  if (draw && hasHoldout) {
    const message = `${called} has a hold-out of its own in holdout_images/; leave holdoutFraction out, or move that folder away`;
    throw refuse('INVALID', message, ['holdoutFraction']);
  }
  if (draw) return drawHoldout(train, draw);
  const named = withUniqueIds(
    images.filter(({ split }) => split === 'HOLDOUT'),
    shape,
  );
  const checked = checkHoldout(named.images, train);
  const none: ImportProblem[] =
    hasHoldout && !checked.images.length
      ? [{ path: 'holdout_images/', reason: 'has no usable image: nothing is held out', severity: 'WARNING' }]
      : [];
  return { train, holdout: checked.images, problems: [...named.problems, ...checked.problems, ...none] };
}

/** Order of path objects in Python: by component, by code point. */
export function comparePaths(a: string, b: string): number {
  const x = a.split('/');
  const y = b.split('/');
  for (let i = 0; i < x.length && i < y.length; i++) {
    const order = compareCodePoints(x[i]!, y[i]!);
    if (order) return order;
  }
  return x.length - y.length;
}

async function inspectAll(
  { files }: FoundFolder,
  options: ImportOptions,
): Promise<{ images: ManifestImage[]; problems: ImportProblem[] }> {
  const limits = {
    minSide: options.minSide ?? defaultLimits.minSide,
    maxPixels: options.maxPixels ?? defaultLimits.maxPixels,
    maxBytes: options.maxBytes ?? defaultLimits.maxBytes,
  };
  const images: ManifestImage[] = [];
  const problems: ImportProblem[] = [];
  const queue = files.values();
  let done = 0;
  let rejected = 0;
  let read = 0;
  const work = async () => {
    for (const file of queue) {
      options.signal?.throwIfAborted();
      const { split, label, name, path } = file;
      const inspection = await inspectImage(file, limits);
      if (inspection.kind === 'accepted') {
        const { warning, width, height, bytes, contentHash } = inspection;
        read += bytes;
        images.push({ imageId: name, split, path, label, width, height, bytes, contentHash });
        if (warning) problems.push({ path, reason: warning, severity: 'WARNING' });
      } else {
        if (inspection.severity === 'REJECTED') rejected++;
        problems.push({ path, reason: inspection.reason, severity: inspection.severity });
      }
      options.onProgress?.({ done: ++done, total: files.length, rejected, bytes: read });
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return { images: images.sort((a, b) => comparePaths(a.path, b.path)), problems };
}

/** Ids for the labelled images of one split, in path order; the first image of a name keeps it. */
function withUniqueIds(
  images: readonly ManifestImage[],
  shape: FoundFolder['shape'],
): { images: ManifestImage[]; problems: ImportProblem[] } {
  const problems: ImportProblem[] = [];
  const owners = new Map<string, ManifestImage>();
  const named = images.map((image) => {
    const longId = `${image.label}/${image.imageId}`;
    if (shape === 'classes') return { ...image, imageId: longId };
    const owner = owners.get(image.imageId);
    if (!owner) {
      owners.set(image.imageId, image);
      return image;
    }
    problems.push({
      path: image.path,
      reason: `has the name of ${owner.path}; its id is ${longId}`,
      severity: 'WARNING',
    });
    return { ...image, imageId: longId };
  });
  return { images: named, problems };
}

function classProblems({ classes }: FoundFolder, images: readonly ManifestImage[]): ImportProblem[] {
  const counts = new Map(countLabels(images.map(({ label }) => label!)).map(({ label, count }) => [label, count]));
  return classes.flatMap(({ label, path }): ImportProblem[] => {
    const count = counts.get(label) ?? 0;
    if (count > 1) return [];
    const reason =
      count === 1
        ? 'has a single usable image: it cannot be in both training and validation; add images, or train without this label (TrainingConfigInput.labels)'
        : 'has no usable image; there is no such class in the data set';
    return [{ path: `${path}/`, reason, severity: 'WARNING' }];
  });
}

const noTestImages: ImportProblem = {
  path: 'test_images/',
  reason: 'has no usable image: runs will predict no test images and no submission can be written',
  severity: 'WARNING',
};

function hashManifest(images: readonly ManifestImage[]): string {
  const hash = createHash('sha256');
  for (const { split, label, imageId, contentHash } of images) {
    hash.update(`${JSON.stringify([split, label, imageId, contentHash])}\n`);
  }
  return hash.digest('hex');
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
