/**
 * Runs and ensembles ranked by one metric, best first or in another order, in one query over keyset pages.
 *
 * What an entry is ranked by:
 * - The metric's first part names the split (`valid/error_rate`); the argument `split` exchanges it (`holdout/error_rate`).
 * - With neither argument, a data set that keeps a hold-out is ranked on HOLDOUT if predictions are scored by the objective's metric.
 *   What has no score there (a run that is still training) follows after all others, by the objective itself.
 * - A run on TRAIN or VALID has the best finite value of the series over its steps. A NaN never wins.
 * - A run on HOLDOUT has the score of its stored predictions: TTA's, else PLAIN's, else UPLOADED ones.
 * - An ensemble has the score that was stored when it was made: error_rate, accuracy and log_loss (also called loss, as the series of a training is); TRAIN has none.
 * - What has no finite value is left out. A filter keeps the ensembles of which it keeps every member.
 */

import { createHash } from 'node:crypto';
import { decodeCursor, encodeCursor, isMoment, malformedCursor } from '../domain/cursor.ts';
import type { Split } from '../domain/dataset.ts';
import { parseFilter } from '../domain/filter.ts';
import { directionOf, type Objective, type OrderDirection } from '../domain/objective.ts';
import { type Page, type PageRequest, pageOf, pageSize } from '../domain/page.ts';
import type { RunStatus } from '../domain/run.ts';
import { missing, refuse } from '../errors.ts';
import { Prisma } from '../generated/prisma/client.ts';
import { hasImages } from './datasetCounts.ts';
import { findExperiment } from './experiment.ts';
import {
  type Board,
  type BoardOrder,
  type Cursor,
  countSql,
  type KeyCursor,
  orderedSql,
  pointsSql,
  type RankedRow,
  rankingSql,
  type Section,
} from './leaderboardSql.ts';
import type { Queryable } from './queryable.ts';

export interface LeaderboardQuery {
  readonly experimentId: string;
  /** Default: the experiment's objective. */
  readonly metric?: string | null | undefined;
  /** Default: what the metric names, or VALID; without a metric HOLDOUT, where there is one. */
  readonly split?: Split | null | undefined;
  readonly filter?: string | null | undefined;
  /** Default true. */
  readonly includeEnsembles?: boolean | null | undefined;
  /** Default: by rank. */
  readonly orderBy?: LeaderboardOrder | null | undefined;
}

export interface LeaderboardOrder {
  readonly field: 'SCORE' | Exclude<BoardOrder['field'], 'WORST'>;
  /** Default: the best first for SCORE and PREDICTION_VALUE, else DESC. */
  readonly direction?: OrderDirection | null | undefined;
}

/** Largest page. */
const mostEntries = 1000;

export interface LeaderboardPage extends Page<LeaderboardEntry> {
  /** Entries of the whole leaderboard. */
  readonly count: () => Promise<number>;
}

export interface LeaderboardEntry {
  readonly cursor: string;
  /** From 1. */
  readonly rank: number;
  /** Exactly one of runId and ensembleId is given. */
  readonly runId: string | null;
  readonly ensembleId: string | null;
  readonly value: number;
  /** The metric of the stored predictions of the split; null while there are none. Differs from `value` when the best epoch was not the last. */
  readonly predictionValue: number | null;
  /** Of the best value; null for ensembles and stored predictions. */
  readonly step: number | null;
  readonly split: Split;
  /** Equal where images and labels that entries were scored on are; null while no predictions are stored. */
  readonly splitHash: string | null;
  /** false when it was scored on other images than the entry above it. */
  readonly comparable: boolean;
  readonly trainSeconds: number | null;
  readonly imagesPerSecond: number | null;
  /** Bytes. */
  readonly peakMemory: number | null;
}

/** @throws UserInputError NOT_FOUND on `experimentId`, INVALID on `split`, `metric` or `filter`. */
export async function readLeaderboard(
  db: Queryable,
  query: LeaderboardQuery,
  page: PageRequest,
): Promise<LeaderboardPage> {
  const board = await setUp(db, query);
  const { order } = board;
  const cursor = page.after ?? null;
  const ranked = cursor !== null && !order ? rankCursor(board, cursor) : null;
  const keyed = cursor !== null && order ? keyCursor(order, cursor) : null;
  // One row more tells whether there is a next page, one more is the cursor's own: the entry above the page.
  const limit = pageSize(page, mostEntries) + (cursor === null ? 1 : 2);
  const rows = await db.$queryRaw<RankedRow[]>(
    order ? orderedSql(board, order, keyed, limit) : rankingSql(board, ranked, limit),
  );
  const above = rows[0] && rows[0].id === (ranked ?? keyed)?.[2] ? rows.shift()! : null;
  const firstRank = ranked ? ranked[3] + 1 : 1;
  const entries = rows.map((row, i) => {
    const rank = row.rank ?? firstRank + i;
    const place = order ? [orderName(order), row.section, keyOf(row), row.id] : [row.section, row.value, row.id, rank];
    return entryOf(row, { above: i ? rows[i - 1]! : above, rank, cursor: encodeCursor(place) });
  });
  return {
    ...pageOf(entries, page),
    count: async () => (await db.$queryRaw<{ count: number }[]>(countSql(board)))[0]!.count,
  };
}

/** A run in short: enough for a mark on a chart. */
export interface RunPoint {
  readonly runId: string;
  readonly name: string;
  readonly status: RunStatus;
  readonly architecture: string;
  readonly value: number;
  readonly split: Split;
  readonly trainSeconds: number | null;
  readonly imagesPerSecond: number | null;
  /** Bytes. */
  readonly peakMemory: number | null;
  readonly createdAt: Date;
}

/** Runs of a leaderboard at once, at most `mostPoints`. */
const mostPoints = 10_000;

/** The first runs of a leaderboard, ensembles and all else about them left out. Throws as `readLeaderboard` does. */
export async function readPoints(db: Queryable, query: LeaderboardQuery, first: number): Promise<RunPoint[]> {
  const limit = pageSize({ first }, mostPoints);
  return db.$queryRaw<RunPoint[]>(pointsSql(await setUp(db, query), limit));
}

function rankCursor({ sections }: Board, cursor: string): Cursor {
  const place = decodeCursor(cursor, 'index', 'number', 'string', 'index');
  if (place[0] >= sections.length) throw malformedCursor(cursor);
  return place;
}

function keyCursor(order: BoardOrder, cursor: string): KeyCursor {
  const isText = order.field === 'NAME' || order.field === 'CREATED_AT';
  const [name, ...place] = decodeCursor(cursor, 'string', 'index', isText ? 'string?' : 'number?', 'string');
  const fits = order.field !== 'CREATED_AT' || (typeof place[1] === 'string' && isMoment(place[1]));
  if (name !== orderName(order) || !fits) throw malformedCursor(cursor);
  return place;
}

function orderName({ field, direction }: BoardOrder): string {
  return `${field} ${direction}`;
}

function keyOf({ key }: RankedRow): string | number | null {
  return key instanceof Date ? key.toISOString() : key;
}

async function setUp(db: Queryable, query: LeaderboardQuery): Promise<Board> {
  const experiment = await findExperiment(db, { id: query.experimentId });
  if (!experiment) throw refuse('NOT_FOUND', missing('experiment', query.experimentId), ['experimentId']);
  const { objective, datasetId } = experiment;
  const holdout = query.metric || query.split ? null : await holdoutSection(db, objective, datasetId);
  const given = logged(query.metric ?? objective.metric);
  const metric = query.split ? onSplit(given, query.split) : given;
  const split = query.split ?? (splitPrefix.exec(metric)?.[1]?.toUpperCase() as Split | undefined) ?? 'VALID';
  if (split === 'TEST') throw refuse('INVALID', 'TEST has no labels to rank by; use VALID or HOLDOUT', ['split']);
  const score = scoreOf(metric);
  if (split === 'HOLDOUT' && !score) {
    const known = Object.keys(scoreColumns).join(', ');
    throw refuse('INVALID', `HOLDOUT is scored from stored predictions, which have ${known}; got ${metric}`, [
      'metric',
    ]);
  }
  const isObjective = metric === objective.metric && split !== 'HOLDOUT';
  const likeObjective = logged(objective.metric).replace(splitPrefix, '') === metric.replace(splitPrefix, '');
  const direction = likeObjective ? objective.direction : directionOf(metric);
  return {
    experimentId: experiment.id,
    direction,
    order: query.orderBy ? boardOrder(query.orderBy, direction) : null,
    filter: query.filter ? parseFilter(query.filter) : null,
    score,
    ensembles: (query.includeEnsembles ?? true) && score !== null && split !== 'TRAIN',
    sections: [...(holdout ? [holdout] : []), { split, metric, isObjective }],
  };
}

/** Null for the order of ranks. */
function boardOrder({ field, direction }: LeaderboardOrder, best: OrderDirection): BoardOrder | null {
  if (field === 'PREDICTION_VALUE') return { field, direction: direction ?? best };
  if (field !== 'SCORE') return { field, direction: direction ?? 'DESC' };
  return direction && direction !== best ? { field: 'WORST', direction } : null;
}

/** The section that goes first when nobody asked for a split: null without a hold-out, or when the objective cannot be scored on it. */
async function holdoutSection(db: Queryable, { metric }: Objective, datasetId: string | null): Promise<Section | null> {
  if (!/^valid\//.test(metric) || !scoreOf(metric) || datasetId === null) return null;
  if (!(await hasImages(db, datasetId, 'HOLDOUT'))) return null;
  return { split: 'HOLDOUT', metric: onSplit(metric, 'HOLDOUT'), isObjective: false };
}

/** Trainings log as loss what scores call log_loss. */
function logged(metric: string): string {
  return metric.replace(/^(train|valid)\/log_loss$/, '$1/loss');
}

function onSplit(metric: string, split: Split): string {
  return metric.replace(splitPrefix, `${split.toLowerCase()}/`);
}

function scoreOf(metric: string): Prisma.Sql | null {
  return scoreColumns.get(metric.replace(splitPrefix, '')) ?? null;
}

const splitPrefix = /^(train|valid|test|holdout)\//;

/** A map, for an object has a `constructor` that nobody put there. */
const scoreColumns: ReadonlyMap<string, Prisma.Sql> = new Map([
  ['error_rate', Prisma.sql`error_rate`],
  ['accuracy', Prisma.sql`accuracy`],
  ['log_loss', Prisma.sql`log_loss`],
  ['loss', Prisma.sql`log_loss`],
]);

function entryOf(
  row: RankedRow,
  { above, rank, cursor }: { above: RankedRow | null; rank: number; cursor: string },
): LeaderboardEntry {
  const { id, isRun, value, split, step, predictionValue, trainSeconds, imagesPerSecond, peakMemory } = row;
  return {
    ...{ value, split, step, predictionValue, trainSeconds, imagesPerSecond, peakMemory, rank, cursor },
    runId: isRun ? id : null,
    ensembleId: isRun ? null : id,
    splitHash: splitHash(row),
    comparable: above === null || onSameImages(above, row),
  };
}

/** By the images and labels of stored predictions; where one has none (it is still training), by what the split is drawn by. */
function onSameImages(a: RankedRow, b: RankedRow): boolean {
  if (a.split !== b.split) return false;
  const [x, y] = [splitHash(a), splitHash(b)];
  if (x !== null && y !== null) return x === y;
  const recipe = splitRecipe(a);
  return recipe !== null && recipe === splitRecipe(b);
}

function splitHash({ split, rowsHash, vocab }: RankedRow): string | null {
  if (rowsHash === null) return null;
  return createHash('sha256')
    .update(JSON.stringify([split, rowsHash, vocab]))
    .digest('hex');
}

/** On HOLDOUT there are predictions. Labels are a set: their order draws nothing. */
function splitRecipe({ splitSeed, validFraction, labels }: RankedRow): string | null {
  return splitSeed === null ? null : JSON.stringify([splitSeed, validFraction, labels && [...labels].sort()]);
}
