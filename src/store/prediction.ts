/** Prediction sets: probability matrices in chunks, with what makes them comparable. */

import { createHash } from 'node:crypto';
import { compareCodePoints, type Split } from '../domain/dataset.ts';
import { newId } from '../domain/ids.ts';
import type { PredictionKind, Predictions } from '../domain/predictions.ts';
import { argmaxRow } from '../ensembles/labels.ts';
import { score } from '../ensembles/score.ts';
import { refuse } from '../errors.ts';
import { Prisma } from '../generated/prisma/client.ts';
import { readMatrix, writeMatrix } from './predictionMatrix.ts';
import { findTruth, type ImageLocator } from './predictionTruth.ts';
import type { Queryable } from './queryable.ts';

/** Largest page of rows. */
export const mostRows = 1000;

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
  /** Scores from when it was stored; null when it is empty, or its split has no labels or other ones than `vocab`. So are the next two. */
  readonly errorRate: number | null;
  readonly accuracy: number | null;
  readonly logLoss: number | null;
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

/**
 * Stores a set with its score against the data set's labels. An earlier set of the same run, split and kind is replaced:
 * a repeated attempt predicts again. Call in a transaction. Returns the set's id.
 */
export async function putPredictions(tx: Queryable, runId: string, predictions: Predictions): Promise<string> {
  const { split, kind, imageIds, vocab, probabilities, passes, beta } = predictions;
  if (probabilities.length !== imageIds.length * vocab.length) {
    throw new Error(
      `${imageIds.length} images x ${vocab.length} labels need as many probabilities, got ${probabilities.length}`,
    );
  }
  const truth = imageIds.length ? await findTruth(tx, { runId, split, imageIds, vocab }) : null;
  const { errorRate, accuracy, logLoss } = truth
    ? score(predictions, truth)
    : { errorRate: null, accuracy: null, logLoss: null };
  await tx.predictionSet.deleteMany({ where: { runId, split, kind } });
  const id = newId('predictionSet');
  await tx.predictionSet.create({
    data: {
      ...{ id, runId, split, kind, passes, beta, errorRate, accuracy, logLoss },
      rowCount: imageIds.length,
      vocab: [...vocab],
      imageIds: [...imageIds],
      contentHash: contentHashOf(predictions),
      rowsHash: rowsHashOf(imageIds),
    },
  });
  await writeMatrix(tx, id, probabilities, vocab.length);
  return id;
}

export async function hasPredictions(
  db: Queryable,
  runId: string,
  { split, kind }: Pick<Predictions, 'split' | 'kind'>,
): Promise<boolean> {
  return (await db.predictionSet.count({ where: { runId, split, kind } })) > 0;
}

/** SQL order that puts the set to use first where a run has several of a split: TTA, then PLAIN, then UPLOADED. */
export const preferredKind = Prisma.sql`array_position(array['TTA', 'PLAIN', 'UPLOADED'], p.kind::text)`;

/** By id; ids that do not exist are missing from the map. */
export async function getPredictionSets(db: Queryable, ids: readonly string[]): Promise<Map<string, PredictionSet>> {
  const rows = await db.predictionSet.findMany({ where: { id: { in: [...ids] } }, omit: { imageIds: true } });
  return new Map(rows.map((row) => [row.id, row]));
}

/** Every run asked for is in the map; sets by split, then kind. */
export async function predictionSetsOfRuns(
  db: Queryable,
  runIds: readonly string[],
): Promise<Map<string, PredictionSet[]>> {
  const rows = await db.predictionSet.findMany({
    where: { runId: { in: [...runIds] } },
    omit: { imageIds: true },
    orderBy: [{ split: 'asc' }, { kind: 'asc' }],
  });
  return new Map(runIds.map((runId) => [runId, rows.filter((row) => row.runId === runId)]));
}

/**
 * In the order of the matrix.
 * @throws UserInputError CONFLICT when the set is gone: its run was deleted, or predicts again
 */
export async function readImageIds(db: Queryable, setId: string): Promise<string[]> {
  const set = await db.predictionSet.findUnique({ where: { id: setId }, select: { imageIds: true } });
  if (!set) throw refuse('CONFLICT', `the predictions ${setId} were removed in the meantime; try again`);
  return set.imageIds;
}

/** The whole matrix, row-major [rowCount, vocab.length]. */
export function readPredictions(db: Queryable, setId: string): Promise<Float32Array> {
  return readMatrix(db, setId);
}

/** One row of a matrix with its image. */
export function predictionRow(of: {
  readonly imageId: string;
  readonly cursor: string;
  readonly vocab: readonly string[];
  readonly probabilities: Float32Array;
  readonly row: number;
  readonly images: ImageLocator;
}): PredictionRow {
  const columns = of.vocab.length;
  const best = argmaxRow(of.probabilities, of.row, columns);
  const probabilities = Array.from(of.probabilities.subarray(of.row * columns, (of.row + 1) * columns));
  const image = of.images(of.imageId);
  return {
    cursor: of.cursor,
    imageId: of.imageId,
    label: image?.label ?? null,
    predicted: of.vocab[best]!,
    confidence: probabilities[best]!,
    probabilities,
    sample: image && { datasetId: image.datasetId, position: image.position },
  };
}

/** SHA-256 over the sorted image ids, lower-case hexadecimal. */
function rowsHashOf(imageIds: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify([...imageIds].sort(compareCodePoints)))
    .digest('hex');
}

function contentHashOf({ vocab, imageIds, probabilities }: Predictions): string {
  const bytes = new Uint8Array(probabilities.buffer, probabilities.byteOffset, probabilities.byteLength);
  return createHash('sha256')
    .update(JSON.stringify(vocab))
    .update(JSON.stringify(imageIds))
    .update(bytes)
    .digest('hex');
}
