/** Data sets and their manifests. */

import { decodeCursor, encodeCursor } from '../domain/cursor.ts';
import type { DatasetStatus, ImportProblem, ImportResult, ManifestImage, Split } from '../domain/dataset.ts';
import { type Page, type PageRequest, pageOf, pageSize } from '../domain/page.ts';
import type { Queryable } from './queryable.ts';

export interface Dataset {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Date;
  readonly status: DatasetStatus;
  /** Absolute folder of the images. */
  readonly root: string;
  readonly vocab: readonly string[];
  /** '' until READY. */
  readonly contentHash: string;
  /** Why the import FAILED. */
  readonly failure: string | null;
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

/** By id; ids that do not exist are missing from the map. */
export async function getDatasets(db: Queryable, ids: readonly string[]): Promise<Map<string, Dataset>> {
  const rows = await db.dataset.findMany({ where: { id: { in: [...ids] } } });
  return new Map(rows.map((row) => [row.id, row]));
}

export function findDataset(db: Queryable, by: { id: string } | { name: string }): Promise<Dataset | null> {
  return db.dataset.findUnique({ where: by });
}

/** Newest first. */
export async function listDatasets(db: Queryable, page: PageRequest): Promise<Page<Dataset>> {
  const rows = await db.dataset.findMany({
    ...(page.after !== undefined && { where: { id: { lt: decodeCursor(page.after, 'string')[0] } } }),
    orderBy: { id: 'desc' },
    take: pageSize(page) + 1,
  });
  return pageOf(rows, page);
}

export function datasetCursor(dataset: Dataset): string {
  return encodeCursor([dataset.id]);
}

/** What the importer did not take or remarked on, in the order it met them. */
export async function listProblems(
  db: Queryable,
  datasetId: string,
  page: PageRequest,
): Promise<Page<ImportProblem & { readonly position: number }>> {
  const rows = await db.importProblem.findMany({
    where: { datasetId, ...after(page) },
    orderBy: { position: 'asc' },
    take: pageSize(page) + 1,
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
    Partial<Pick<Dataset, 'holdoutFraction' | 'holdoutSeed'>>,
): Promise<boolean> {
  const { count } = await db.dataset.createMany({
    data: { ...dataset, status: 'IMPORTING', vocab: [] },
    skipDuplicates: true,
  });
  return count === 1;
}

/** Rows of one insert: bounds the memory of a statement. */
const insertSize = 10_000;

/** Moves a data set from IMPORTING to READY with its manifest. Call in a transaction. False, and nothing done, when it is not IMPORTING. */
export async function storeManifest(tx: Queryable, datasetId: string, result: ImportResult): Promise<boolean> {
  const { count } = await tx.dataset.updateMany({
    where: { id: datasetId, status: 'IMPORTING' },
    data: { status: 'READY', vocab: [...result.vocab], contentHash: result.contentHash },
  });
  if (!count) return false;
  for (let start = 0; start < result.images.length; start += insertSize) {
    await insertImages(tx, datasetId, start, result.images.slice(start, start + insertSize));
  }
  for (let start = 0; start < result.problems.length; start += insertSize) {
    const problems = result.problems.slice(start, start + insertSize);
    await tx.$executeRaw`
      insert into import_problem (dataset_id, position, path, reason, severity)
      select ${datasetId}, ${start}::int + n - 1, path, reason, severity
      from unnest(${problems.map((p) => p.path)}::text[], ${problems.map((p) => p.reason)}::text[],
        ${problems.map((p) => p.severity)}::import_severity[]) with ordinality as t(path, reason, severity, n)`;
  }
  return true;
}

async function insertImages(tx: Queryable, datasetId: string, start: number, images: ManifestImage[]): Promise<void> {
  await tx.$executeRaw`
    insert into dataset_image (dataset_id, position, split, image_id, path, label, width, height, bytes, content_hash)
    select ${datasetId}, ${start}::int + n - 1, split, image_id, path, label, width, height, bytes, content_hash
    from unnest(${images.map((i) => i.split)}::split[], ${images.map((i) => i.imageId)}::text[],
      ${images.map((i) => i.path)}::text[], ${images.map((i) => i.label)}::text[], ${images.map((i) => i.width)}::int[],
      ${images.map((i) => i.height)}::int[], ${images.map((i) => i.bytes)}::int[],
      ${images.map((i) => i.contentHash)}::text[])
      with ordinality as t(split, image_id, path, label, width, height, bytes, content_hash, n)`;
}

/** Moves a data set from IMPORTING to FAILED. Does nothing when it is not IMPORTING. */
export async function storeImportFailure(db: Queryable, datasetId: string, failure: string): Promise<void> {
  await db.dataset.updateMany({ where: { id: datasetId, status: 'IMPORTING' }, data: { status: 'FAILED', failure } });
}

export type Removal = 'removed' | 'missing' | 'used';

/** Removes a data set with its manifest unless an experiment uses it. Call in a transaction. */
export async function removeDataset(tx: Queryable, id: string): Promise<Removal> {
  // The lock keeps a new experiment's foreign key check waiting until this transaction has ended.
  const locked = await tx.$queryRaw<unknown[]>`select id from dataset where id = ${id} for update`;
  if (!locked.length) return 'missing';
  if (await tx.experiment.findFirst({ where: { datasetId: id }, select: { id: true } })) return 'used';
  await tx.dataset.delete({ where: { id } });
  return 'removed';
}

function after(page: PageRequest): { position?: { gt: number } } {
  return page.after === undefined ? {} : { position: { gt: decodeCursor(page.after, 'index')[0] } };
}
