/** The images of a run's data set, on this machine: an archive is unpacked here if that was done elsewhere. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { AttemptOutcome } from '../commands/attempt.ts';
import type { CommandContext } from '../commands/context.ts';
import type { ManifestImage } from '../domain/dataset.ts';
import type { TrainerEvent, TrainerImage } from '../domain/trainer.ts';
import { messageOf, UserInputError } from '../errors.ts';
import { locateRoot, unpackedRoot } from '../files/datasetFolders.ts';
import { resolveRoot } from '../files/datasetImage.ts';
import { OutsideRootsError } from '../files/roots.ts';
import { type Dataset, findDataset, readManifest } from '../store/dataset.ts';
import { findExperiment } from '../store/experiment.ts';
import type { Run } from '../store/run.ts';
import { provideUnpacked } from './unpacked.ts';

export interface ImagesOptions {
  /** Stops unpacking. */
  readonly signal: AbortSignal;
  readonly tell: (event: TrainerEvent) => void;
}

/** The images, or how the attempt ends because they cannot be had. */
export type ImagesOutcome =
  | { readonly images: TrainerImage[]; readonly outcome?: undefined }
  | { readonly outcome: AttemptOutcome };

/** Finds the images that the run's experiment is about. */
export async function provideImages(ctx: CommandContext, run: Run, options: ImagesOptions): Promise<ImagesOutcome> {
  const experiment = await findExperiment(ctx.db.prisma, { id: run.experimentId });
  const datasetId = experiment?.datasetId;
  const dataset = datasetId ? await findDataset(ctx.db.prisma, { id: datasetId }) : null;
  if (!dataset) throw new Error(`experiment ${run.experimentId} has lost its data set`);
  const manifest = await readManifest(ctx.db.prisma, dataset.id);
  try {
    const { archiveHash } = dataset;
    if (archiveHash !== null) await unpackHere(ctx, { ...dataset, archiveHash }, manifest, options);
    // What is not there the trainer tells of, by the image.
    await resolveRoot(ctx.files, dataset.root).catch((error: unknown) => {
      if (error instanceof OutsideRootsError) throw error;
    });
  } catch (error) {
    if (options.signal.aborted) return { outcome: { status: 'CANCELED' } };
    if (!(error instanceof UserInputError) && !(error instanceof OutsideRootsError)) throw error;
    const message = `the images of data set ${JSON.stringify(dataset.name)} cannot be had: ${messageOf(error)}`;
    // A disk that is full, or blobs that are elsewhere: not so the next time, or on the next machine.
    const retryable = error instanceof UserInputError && error.problems.some(({ code }) => code === 'UNAVAILABLE');
    return { outcome: { status: 'FAILED', failure: { code: 'DATA_UNREADABLE', message, retryable } } };
  }
  const root = locateRoot(ctx.files.home, dataset.root);
  const images = manifest.map(({ imageId, path: file, contentHash, label, split }) => {
    return { imageId, path: path.join(root, file), contentHash, label, split };
  });
  return { images };
}

/**
 * Makes sure that the archive is unpacked on this machine: anew when files are missing or have another size, and then every byte
 * is compared with what was imported.
 */
async function unpackHere(
  ctx: CommandContext,
  dataset: Dataset & { readonly archiveHash: string },
  manifest: readonly ManifestImage[],
  { signal, tell }: ImagesOptions,
): Promise<void> {
  // A single folder around everything was looked through.
  const inside = path.posix.relative(unpackedRoot(dataset.id), dataset.root);
  await provideUnpacked(ctx, {
    ...{ datasetId: dataset.id, archiveHash: dataset.archiveHash, signal },
    onBegin: () => {
      const line = `the archive of data set ${JSON.stringify(dataset.name)} is unpacked on this machine`;
      tell({ kind: 'log', stream: 'trainer', line });
    },
    verify: async (root, fresh) => {
      for (const { path: file, bytes, contentHash } of manifest) {
        signal.throwIfAborted();
        const absolute = path.join(root, inside, file);
        const size = (await stat(absolute).catch(() => undefined))?.size;
        if (size === undefined) return `${file} is missing`;
        if (size !== bytes || (fresh && (await hashOf(absolute)) !== contentHash)) return `${file} has other bytes`;
      }
      return undefined;
    },
  });
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
