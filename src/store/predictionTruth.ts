/** What the data set's manifest knows about predicted images. */

import type { Split } from '../domain/dataset.ts';
import { findImages } from './dataset.ts';
import type { Queryable } from './queryable.ts';

interface PredictedImages {
  readonly runId: string;
  readonly split: Split;
  readonly imageIds: readonly string[];
}

/** Finds an image of the manifest by its id; null when there is none. */
export type ImageLocator = (
  imageId: string,
) => { readonly datasetId: string; readonly position: number; readonly label: string | null } | null;

export async function locateImages(db: Queryable, { runId, split, imageIds }: PredictedImages): Promise<ImageLocator> {
  const run = await db.run.findUniqueOrThrow({
    where: { id: runId },
    select: { experiment: { select: { datasetId: true } } },
  });
  const { datasetId } = run.experiment;
  if (datasetId === null) return () => null;
  const images = await findImages(db, datasetId, split, imageIds);
  return (imageId) => {
    const image = images.get(imageId);
    return image ? { datasetId, ...image } : null;
  };
}

/** The label of each image, null where there is none. */
export async function findLabels(db: Queryable, images: PredictedImages): Promise<(string | null)[]> {
  const locate = await locateImages(db, images);
  return images.imageIds.map((imageId) => locate(imageId)?.label ?? null);
}

/** Labels by image id; null when an image has none or one that `vocab` lacks: such rows cannot be scored. */
export async function findTruth(
  db: Queryable,
  { vocab, ...images }: PredictedImages & { readonly vocab: readonly string[] },
): Promise<Map<string, string> | null> {
  if (images.split === 'TEST') return null;
  const locate = await locateImages(db, images);
  const truth = new Map<string, string>();
  const known = new Set(vocab);
  for (const imageId of images.imageIds) {
    const label = locate(imageId)?.label;
    if (label === undefined || label === null || !known.has(label)) return null;
    truth.set(imageId, label);
  }
  return truth;
}
