/** Prediction sets: float32 probability matrices in chunks, with what makes them comparable. */

import type { Split } from '../domain/dataset.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import type { PredictionKind, Predictions } from '../domain/predictions.ts';
import type { Score } from '../ensembles/score.ts';
import type { Queryable } from './queryable.ts';

/** A stored set without its matrix and image ids. */
export interface PredictionSet {
  readonly id: string;
  readonly runId: string;
  readonly createdAt: Date;
  readonly split: Split;
  readonly kind: PredictionKind;
  readonly rowCount: number;
  readonly vocab: readonly string[];
  /** SHA-256 over vocabulary, image ids and matrix. */
  readonly contentHash: string;
  /** SHA-256 over the sorted image ids. */
  readonly rowsHash: string;
  readonly passes: number;
  readonly beta: number | null;
}

export interface PredictionRow {
  readonly cursor: string;
  readonly imageId: string;
  /** The truth, where the split has labels. */
  readonly label: string | null;
  readonly predicted: string;
  /** Probability of `predicted`. */
  readonly confidence: number;
  /** In the order of the vocabulary. */
  readonly probabilities: readonly number[];
  /** The image in its data set's manifest, for the thumbnail; null when the run has no data set. */
  readonly sample: { readonly datasetId: string; readonly position: number } | null;
}

/** Stores a set and its score; an earlier one of the same run, split and kind is replaced (a repeated attempt). Returns its id. */
export declare function putPredictions(db: Queryable, runId: string, predictions: Predictions): Promise<string>;
export declare function getPredictionSets(db: Queryable, ids: readonly string[]): Promise<Map<string, PredictionSet>>;
/** Every run asked for is in the map; sets by split, TTA before PLAIN. */
export declare function predictionSetsOfRuns(
  db: Queryable,
  runIds: readonly string[],
): Promise<Map<string, PredictionSet[]>>;
/** Row-major [rowCount, vocab.length]. */
export declare function readPredictions(db: Queryable, setId: string): Promise<Float32Array>;
export declare function readImageIds(db: Queryable, setId: string): Promise<string[]>;
/** Rows in stored order; reads only the chunks of the page. */
export declare function listPredictionRows(
  db: Queryable,
  setId: string,
  page: PageRequest,
): Promise<Page<PredictionRow>>;
/** null when the split has no labels. */
export declare function scorePredictions(db: Queryable, setId: string): Promise<Score | null>;
