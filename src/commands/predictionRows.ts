/** Pages of predictions: any order, any part of the rows. */

import { decodeCursor, encodeCursor, malformedCursor } from '../domain/cursor.ts';
import { type Page, type PageRequest, pageOf, pageSize } from '../domain/page.ts';
import { needsLabels, needsProbabilities, type PredictionOrder, type RowChoice } from '../ensembles/rows.ts';
import {
  mostRows,
  type PredictionRow,
  type PredictionSet,
  predictionRow,
  readImageIds,
  readPredictions,
} from '../store/prediction.ts';
import { readMatrixRows } from '../store/predictionMatrix.ts';
import { findLabels, locateImages } from '../store/predictionTruth.ts';
import type { CommandContext } from './context.ts';

export interface PredictionRowPage extends Page<PredictionRow> {
  /** How many rows the choice has. */
  readonly totalCount: number;
}

/**
 * A page of a stored set, at most 1000 rows.
 * @throws UserInputError LIMIT_EXCEEDED on `first`, INVALID on `after`; CONFLICT when the set is gone
 */
export async function listPredictionRows(
  { db: { prisma: db }, threads }: Pick<CommandContext, 'db' | 'threads'>,
  { id, runId, split, vocab }: PredictionSet,
  page: PageRequest,
  choice: RowChoice = { orderBy: 'IMAGE_ID' },
): Promise<PredictionRowPage> {
  const imageIds = await readImageIds(db, id);
  const labels = needsLabels(choice) ? await findLabels(db, { runId, split, imageIds }) : [];
  const matrix = needsProbabilities(choice) ? await readPredictions(db, id) : null;
  const table = { imageIds, vocab, probabilities: matrix ?? new Float32Array(0) };
  const chosen = await threads.run('chooseRows', table, labels, choice);
  return pageOfRows(chosen, page, choice, async (rows, cursors) => {
    const { first, probabilities } = matrix ? { first: 0, probabilities: matrix } : await readAround(rows);
    const images = await locateImages(db, { runId, split, imageIds: rows.map((row) => imageIds[row]!) });
    return rows.map((row, i) => {
      return predictionRow({
        ...{ imageId: imageIds[row]!, cursor: cursors[i]!, vocab, probabilities, row: row - first, images },
      });
    });
  });

  /** Only what a page spans leaves the database: mostly the page alone, for rows are mostly stored in the order of their ids. */
  async function readAround(rows: readonly number[]): Promise<{ first: number; probabilities: Float32Array }> {
    const first = rows.reduce((a, b) => Math.min(a, b), rows[0] ?? 0);
    const last = rows.reduce((a, b) => Math.max(a, b), first - 1);
    return { first, probabilities: await readMatrixRows(db, id, vocab.length, first, last + 1) };
  }
}

/**
 * The page of `chosen` row numbers that is asked for. A cursor names its row, so that it only fits the choice it came from.
 * `toRows` makes rows of their numbers and cursors.
 */
export async function pageOfRows(
  chosen: readonly number[],
  page: PageRequest,
  { orderBy }: RowChoice,
  toRows: (rows: readonly number[], cursors: readonly string[]) => Promise<PredictionRow[]>,
): Promise<PredictionRowPage> {
  const first = pageSize(page, mostRows);
  const start = page.after === undefined ? 0 : placeAfter(page.after);
  const rows = chosen.slice(start, start + first + 1);
  const cursors = rows.map((row) => rowCursor(orderBy, row));
  return { ...pageOf(await toRows(rows, cursors), page), totalCount: chosen.length };

  function placeAfter(cursor: string): number {
    const [order, row] = decodeCursor(cursor, 'string', 'index');
    const place = order === orderBy ? chosen.indexOf(row) : -1;
    if (place < 0) throw malformedCursor(cursor);
    return place + 1;
  }
}

export function rowCursor(orderBy: PredictionOrder, row: number): string {
  return encodeCursor([orderBy, row]);
}
