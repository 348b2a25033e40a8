/** Data sets and their manifests. */

import type { DatasetStatus, ImportProblem, LabelCount, ManifestImage, Split } from '../domain/dataset.ts';
import type { Page, PageRequest } from '../domain/page.ts';
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
}

/** One image as `samples` lists it. */
export interface Sample extends ManifestImage {
  readonly datasetId: string;
  /** In the manifest; with datasetId it names the image. */
  readonly position: number;
}

export interface ImageSizeCount {
  readonly width: number;
  readonly height: number;
  readonly count: number;
}

/** Images per split of the manifest, and TRAIN's labels. */
export interface DatasetCounts {
  readonly trainCount: number;
  readonly testCount: number;
  readonly holdoutCount: number;
  /** TRAIN's, largest first. */
  readonly labelCounts: readonly LabelCount[];
}

/** By id; ids that do not exist are missing from the map. */
export declare function getDatasets(db: Queryable, ids: readonly string[]): Promise<Map<string, Dataset>>;
export declare function findDataset(db: Queryable, by: { id: string } | { name: string }): Promise<Dataset | null>;
/** Newest first. */
export declare function listDatasets(db: Queryable, page: PageRequest): Promise<Page<Dataset>>;
export declare function datasetCursor(dataset: Dataset): string;
export declare function countImages(db: Queryable, datasetIds: readonly string[]): Promise<Map<string, DatasetCounts>>;
/** Most frequent first, over every split. */
export declare function countImageSizes(db: Queryable, datasetId: string): Promise<ImageSizeCount[]>;
export declare function listProblems(
  db: Queryable,
  datasetId: string,
  page: PageRequest,
): Promise<Page<ImportProblem & { position: number }>>;
export declare function problemCursor(problem: { position: number }): string;
/** In manifest order. VALID has none: each run draws its own out of TRAIN. */
export declare function listSamples(
  db: Queryable,
  datasetId: string,
  of: { split: Split; label?: string | null },
  page: PageRequest,
): Promise<Page<Sample>>;
export declare function sampleCursor(sample: Sample): string;
export declare function findSample(db: Queryable, datasetId: string, position: number): Promise<Sample | null>;
/** The whole manifest in order: what a trainer is given. */
export declare function readManifest(db: Queryable, datasetId: string): Promise<ManifestImage[]>;
