/** Data sets and their manifests. */

import { decodeCursor, encodeCursor } from '../domain/cursor.ts';
import type { DatasetStatus, ImportProblem, ImportProgress, ManifestImage, Split } from '../domain/dataset.ts';
import { type Page, type PageRequest, pageOf, pageSize } from '../domain/page.ts';
import type { DatasetModel } from '../generated/prisma/models.ts';
import type { Queryable } from './queryable.ts';

export interface Dataset {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Date;
  readonly status: DatasetStatus;
  /** Folder of the images: absolute, or of an archive relative to the home of the machine that reads. */
  readonly root: string;
  /** Archive file of the importing machine that is unpacked; null when it was uploaded, and for folders. */
  readonly archivePath: string | null;
  /** What its sender, or its machine, calls the archive; null for folders, and where nobody knows. */
  readonly archiveName: string | null;
  /** SHA-256 of the archive, its key among the blobs; null for folders. */
  readonly archiveHash: string | null;
  readonly vocab: readonly string[];
  /** '' until READY. */
  readonly contentHash: string;
  /** Why the import FAILED. */
  readonly failure: string | null;
  /** Number of the attempt that may write; 0 before the first. */
  readonly importAttempt: number;
  /** Null while no attempt is at it. */
  readonly importProgress: ImportProgress | null;
  /** Share of every label's training images that was asked to become HOLDOUT; null when none was. */
  readonly holdoutFraction: number | null;
  readonly holdoutSeed: number | null;
}

/** One image as `samples` lists it. */
export interface Sample extends ManifestImage {
  readonly datasetId: string;
  /** In the manifest; with datasetId it names the image. */
  readonly position: number;
}

/** Of ten thousand labels the counts are long, and every thumbnail looks for its data set. */
const uncounted = { omit: { imageCounts: true } } as const;

/** By id; ids that do not exist are missing from the map. */
export async function getDatasets(db: Queryable, ids: readonly string[]): Promise<Map<string, Dataset>> {
  const rows = await db.dataset.findMany({ where: { id: { in: [...ids] } }, ...uncounted });
  return new Map(rows.map((row) => [row.id, datasetOfRow(row)]));
}

export async function findDataset(db: Queryable, by: { id: string } | { name: string }): Promise<Dataset | null> {
  const row = await db.dataset.findUnique({ where: by, ...uncounted });
  return row && datasetOfRow(row);
}

/** Which of these data sets need the folder that their archive is unpacked into. */
export async function findUnpackedDatasets(db: Queryable, ids: readonly string[]): Promise<Set<string>> {
  const rows = await db.dataset.findMany({
    where: { id: { in: [...ids] }, status: { in: ['IMPORTING', 'READY'] } },
    select: { id: true },
  });
  return new Set(rows.map(({ id }) => id));
}

/** Newest first; `search` is a part of the name, in any case. */
export async function listDatasets(
  db: Queryable,
  { search }: { readonly search?: string | null },
  page: PageRequest,
): Promise<Page<Dataset>> {
  const rows = await db.dataset.findMany({
    where: {
      ...(search && { name: { contains: search.replaceAll(/[\\%_]/g, '\\$&'), mode: 'insensitive' } }),
      ...(page.after !== undefined && { id: { lt: decodeCursor(page.after, 'string')[0] } }),
    },
    orderBy: { id: 'desc' },
    take: pageSize(page) + 1,
    ...uncounted,
  });
  return pageOf(rows.map(datasetOfRow), page);
}

export function datasetCursor(dataset: Dataset): string {
  return encodeCursor([dataset.id]);
}

/** Of one page: they are short, and whoever looks through them wants all. */
const mostProblems = 1000;

/** What the importer did not take or remarked on, in the order it met them. */
export async function listProblems(
  db: Queryable,
  datasetId: string,
  page: PageRequest,
): Promise<Page<ImportProblem & { readonly position: number }>> {
  const rows = await db.importProblem.findMany({
    where: { datasetId, ...after(page) },
    orderBy: { position: 'asc' },
    take: pageSize(page, mostProblems) + 1,
  });
  return pageOf(rows, page);
}

export function problemCursor(problem: { readonly position: number }): string {
  return encodeCursor([problem.position]);
}

/** In manifest order. VALID has none: each run draws its own out of TRAIN. */
export async function listSamples(
  db: Queryable,
  datasetId: string,
  { split, label }: { readonly split: Split; readonly label?: string | null },
  page: PageRequest,
): Promise<Page<Sample>> {
  const rows = await db.datasetImage.findMany({
    where: { datasetId, split, ...(typeof label === 'string' && { label }), ...after(page) },
    orderBy: { position: 'asc' },
    take: pageSize(page) + 1,
  });
  return pageOf(rows, page);
}

export function sampleCursor(sample: Sample): string {
  return encodeCursor([sample.position]);
}

export function findSample(db: Queryable, datasetId: string, position: number): Promise<Sample | null> {
  return db.datasetImage.findUnique({ where: { datasetId_position: { datasetId, position } } });
}

/** The whole manifest in order: what a trainer is given. */
export function readManifest(db: Queryable, datasetId: string): Promise<ManifestImage[]> {
  return db.datasetImage.findMany({
    where: { datasetId },
    orderBy: { position: 'asc' },
    omit: { datasetId: true, position: true },
  });
}

export interface ImageFacts {
  readonly position: number;
  readonly label: string | null;
}

/** Position and label by image id, for those of `imageIds` that the split has. VALID is looked up in TRAIN, where runs draw it from. */
export async function findImages(
  db: Queryable,
  datasetId: string,
  split: Split,
  imageIds: readonly string[],
): Promise<Map<string, ImageFacts>> {
  const rows = await db.$queryRaw<(ImageFacts & { imageId: string })[]>`
    select image_id as "imageId", position, label from dataset_image
    where dataset_id = ${datasetId} and split = ${split === 'VALID' ? 'TRAIN' : split}::split
      and image_id = any(${[...imageIds]}::text[])`;
  return new Map(rows.map(({ imageId, position, label }) => [imageId, { position, label }]));
}

/** Adds a data set IMPORTING; false when the name is taken. */
export async function insertDataset(
  db: Queryable,
  dataset: Pick<Dataset, 'id' | 'name' | 'createdAt' | 'root'> &
    Partial<Pick<Dataset, 'archivePath' | 'archiveName' | 'archiveHash' | 'holdoutFraction' | 'holdoutSeed'>>,
): Promise<boolean> {
  const { count } = await db.dataset.createMany({
    data: { ...dataset, status: 'IMPORTING', vocab: [] },
    skipDuplicates: true,
  });
  return count === 1;
}

/** For the store: a row as it is read. */
export function datasetOfRow(found: Omit<DatasetModel, 'imageCounts'> & Partial<DatasetModel>): Dataset {
  const { imageCounts: _, ...row } = found;
  return { ...row, importProgress: row.importProgress as ImportProgress | null };
}

export type Removal = { readonly kind: 'removed'; readonly dataset: Dataset } | { readonly kind: 'missing' | 'used' };

/** Removes a data set with its manifest unless an experiment uses it. Call in a transaction. */
export async function removeDataset(tx: Queryable, id: string): Promise<Removal> {
  // The lock keeps a new experiment's foreign key check waiting until this transaction has ended.
  const locked = await tx.$queryRaw<unknown[]>`select id from dataset where id = ${id} for update`;
  if (!locked.length) return { kind: 'missing' };
  if (await tx.experiment.findFirst({ where: { datasetId: id }, select: { id: true } })) return { kind: 'used' };
  return { kind: 'removed', dataset: datasetOfRow(await tx.dataset.delete({ where: { id } })) };
}

function after(page: PageRequest): { position?: { gt: number } } {
  return page.after === undefined ? {} : { position: { gt: decodeCursor(page.after, 'index')[0] } };
}
