/**
 * Runs and ensembles ranked by one metric, best first, in one query over keyset pages.
 *
 * What an entry is ranked by:
 * - The metric's first part names the split (`valid/error_rate`); the argument `split` exchanges it (`holdout/error_rate`).
 * - A run on TRAIN or VALID has the best finite value of the series over its steps. A NaN never wins.
 * - A run on HOLDOUT has the score of its stored predictions: TTA's, else PLAIN's, else UPLOADED ones.
 * - An ensemble has the score that was stored when it was made: on the leaderboard's split, else on HOLDOUT (then it is not
 *   comparable with its neighbours). It has error_rate, accuracy and log_loss (also called loss); TRAIN has none.
 * - What has no finite value is left out. A filter keeps the ensembles of which it keeps every member.
 */

import { decodeCursor, encodeCursor } from '../domain/cursor.ts';
import type { Split } from '../domain/dataset.ts';
import { type Filter, parseFilter } from '../domain/filter.ts';
import { directionOf, type Objective, type OrderDirection } from '../domain/objective.ts';
import { type Page, type PageRequest, pageOf, pageSize } from '../domain/page.ts';
import { refuse } from '../errors.ts';
import { Prisma } from '../generated/prisma/client.ts';
import { findExperiment } from './experiment.ts';
import { filterSql } from './filterSql.ts';
import { preferredKind } from './prediction.ts';
import type { Queryable } from './queryable.ts';

export interface LeaderboardQuery {
  readonly experimentId: string;
  /** Default: the experiment's objective. */
  readonly metric?: string | null | undefined;
  /** Default: what the metric names, or VALID. */
  readonly split?: Split | null | undefined;
  readonly filter?: string | null | undefined;
  /** Default true. */
  readonly includeEnsembles?: boolean | null | undefined;
}

export interface LeaderboardEntry {
  readonly cursor: string;
  /** From 1. */
  readonly rank: number;
  /** Exactly one of runId and ensembleId is given. */
  readonly runId: string | null;
  readonly ensembleId: string | null;
  readonly value: number;
  /** Of the best value; null for ensembles and stored predictions. */
  readonly step: number | null;
  readonly split: Split;
  /** false when it was scored on other images than the entry above it. */
  readonly comparable: boolean;
  readonly trainSeconds: number | null;
  readonly imagesPerSecond: number | null;
  /** Bytes. */
  readonly peakMemory: number | null;
}

/** One experiment's ranking, with every question of the query answered. */
interface Board extends Objective {
  readonly experimentId: string;
  readonly split: Split;
  /** Whether run.objective_value is the value: then an index gives the order. */
  readonly isObjective: boolean;
  readonly filter: Filter | null;
  /** Column of stored scores, null where the metric has none. */
  readonly score: Prisma.Sql | null;
  readonly ensembles: boolean;
}

interface Row {
  readonly id: string;
  readonly isRun: boolean;
  readonly value: number;
  readonly step: number | null;
  readonly split: Split;
  readonly trainSeconds: number | null;
  readonly imagesPerSecond: number | null;
  readonly peakMemory: number | null;
  /** Hash of the image ids it was scored on, when predictions over them are stored. */
  readonly rowsHash: string | null;
  /** What a run's split is drawn by; equal recipes draw equal splits of one data set. */
  readonly splitRecipe: string | null;
}

/** @throws UserInputError NOT_FOUND on `experimentId`, INVALID on `split`, `metric` or `filter`. */
export async function readLeaderboard(
  db: Queryable,
  query: LeaderboardQuery,
  page: PageRequest,
): Promise<Page<LeaderboardEntry>> {
  const board = await setUp(db, query);
  const cursor = page.after === undefined ? null : decodeCursor(page.after, 'number', 'string', 'index');
  // One row more tells whether there is a next page, one more is the cursor's own: the entry above the page.
  const limit = pageSize(page) + (cursor ? 2 : 1);
  const rows = await db.$queryRaw<Row[]>(rankingSql(board, cursor, limit));
  const above = cursor && rows[0]?.id === cursor[1] ? rows.shift()! : null;
  const firstRank = cursor ? cursor[2] + 1 : 1;
  return pageOf(
    rows.map((row, i) => entryOf(row, i ? rows[i - 1]! : above, firstRank + i)),
    page,
  );
}

async function setUp(db: Queryable, query: LeaderboardQuery): Promise<Board> {
  const experiment = await findExperiment(db, { id: query.experimentId });
  if (!experiment) throw refuse('NOT_FOUND', `there is no experiment ${query.experimentId}`, ['experimentId']);
  const given = query.metric ?? experiment.objective.metric;
  const metric = query.split ? given.replace(splitPrefix, `${query.split.toLowerCase()}/`) : given;
  const split = query.split ?? (splitPrefix.exec(metric)?.[1]?.toUpperCase() as Split | undefined) ?? 'VALID';
  if (split === 'TEST') throw refuse('INVALID', 'TEST has no labels to rank by; use VALID or HOLDOUT', ['split']);
  const isObjective = metric === experiment.objective.metric;
  const score = scoreColumns[metric.replace(splitPrefix, '')] ?? null;
  if (split === 'HOLDOUT' && !score) {
    const known = Object.keys(scoreColumns).join(', ');
    throw refuse('INVALID', `HOLDOUT is scored from stored predictions, which have ${known}; got ${metric}`, [
      'metric',
    ]);
  }
  const likeObjective = experiment.objective.metric.replace(splitPrefix, '') === metric.replace(splitPrefix, '');
  return {
    experimentId: experiment.id,
    metric,
    direction: likeObjective ? experiment.objective.direction : directionOf(metric),
    split,
    isObjective: isObjective && split !== 'HOLDOUT',
    filter: query.filter ? parseFilter(query.filter) : null,
    score,
    ensembles: (query.includeEnsembles ?? true) && score !== null && split !== 'TRAIN',
  };
}

const splitPrefix = /^(train|valid|test|holdout)\//;

const scoreColumns: Readonly<Record<string, Prisma.Sql>> = {
  error_rate: Prisma.sql`error_rate`,
  accuracy: Prisma.sql`accuracy`,
  log_loss: Prisma.sql`log_loss`,
  loss: Prisma.sql`log_loss`,
};

type Cursor = readonly [value: number, id: string, rank: number];

function rankingSql(board: Board, cursor: Cursor | null, limit: number): Prisma.Sql {
  const order = Prisma.sql`order by value ${directionSql[board.direction]}, id limit ${limit}`;
  const branches = [runsSql(board, cursor), ...(board.ensembles ? [ensemblesSql(board, cursor)] : [])];
  return Prisma.sql`
    select ranked.id, is_run as "isRun", value, step::float8 as step, split::text as split,
      r.train_seconds as "trainSeconds", r.images_per_second as "imagesPerSecond", r.peak_memory::float8 as "peakMemory",
      case when is_run then (select p.rows_hash from prediction_set p
        where p.run_id = ranked.id and p.split = ranked.split limit 1) else rows_hash end as "rowsHash",
      case when r.config ->> 'seed' is not null then
        jsonb_build_array(coalesce(r.config ->> 'splitSeed', r.config ->> 'seed'), r.config -> 'validFraction',
          r.config -> 'labels')::text end as "splitRecipe"
    from (select * from (${Prisma.join(
      branches.map((branch) => Prisma.sql`(select * from (${branch}) branch ${order})`),
      ' union all ',
    )}) branches ${order}) ranked left join run r on is_run and r.id = ranked.id
    order by value ${directionSql[board.direction]}, ranked.id`;
}

function runsSql(board: Board, cursor: Cursor | null): Prisma.Sql {
  const { from, value, step } = runValueSql(board);
  return Prisma.sql`
    select r.id, true as is_run, ${value} as value, ${step} as step, ${board.split}::split as split, null as rows_hash
    from run r ${from}
    where r.experiment_id = ${board.experimentId} and r.kind <> 'MEMORY_PROBE' and ${value} is not null
      ${board.filter ? Prisma.sql`and ${filterSql(board.filter)}` : Prisma.empty}
      ${fromCursor(board, cursor, value, Prisma.sql`r.id`)}`;
}

function runValueSql(board: Board): { from: Prisma.Sql; value: Prisma.Sql; step: Prisma.Sql } {
  if (board.isObjective) {
    return { from: Prisma.empty, value: Prisma.sql`r.objective_value`, step: Prisma.sql`r.objective_step` };
  }
  if (board.split === 'HOLDOUT') {
    const from = Prisma.sql`join lateral (select p.${board.score!} as value from prediction_set p
      where p.run_id = r.id and p.split = 'HOLDOUT' order by ${preferredKind} limit 1) p on true`;
    return { from, value: Prisma.sql`p.value`, step: Prisma.sql`null::bigint` };
  }
  const from = Prisma.sql`join metric_summary s on s.run_id = r.id
    and s.name_id = (select id from metric_name where name = ${board.metric})`;
  return board.direction === 'ASC'
    ? { from, value: Prisma.sql`s.min`, step: Prisma.sql`s.min_step` }
    : { from, value: Prisma.sql`s.max`, step: Prisma.sql`s.max_step` };
}

function ensemblesSql(board: Board, cursor: Cursor | null): Prisma.Sql {
  const value = Prisma.sql`s.${board.score!}`;
  const everyMember = board.filter
    ? Prisma.sql`and not exists (select from ensemble_member m join run r on r.id = m.run_id
        where m.ensemble_id = e.id and not ${filterSql(board.filter)})`
    : Prisma.empty;
  return Prisma.sql`
    select e.id, false as is_run, ${value} as value, null::bigint as step, s.split, s.rows_hash
    from ensemble e join lateral (select * from ensemble_score
      where ensemble_id = e.id and split in (${board.split}::split, 'HOLDOUT')
      order by split = ${board.split}::split desc limit 1) s on true
    where e.experiment_id = ${board.experimentId} ${everyMember}
      ${fromCursor(board, cursor, value, Prisma.sql`e.id`)}`;
}

/** "The cursor's entry or one after it". The first comparison is implied by the second and is there for the index. */
function fromCursor(board: Board, cursor: Cursor | null, value: Prisma.Sql, id: Prisma.Sql): Prisma.Sql {
  if (!cursor) return Prisma.empty;
  const further = board.direction === 'ASC' ? Prisma.sql`>` : Prisma.sql`<`;
  const last = Prisma.sql`${String(cursor[0])}::text::float8`;
  return Prisma.sql`and ${value} ${further}= ${last} and (${value} ${further} ${last} or ${id} >= ${cursor[1]})`;
}

const directionSql: Readonly<Record<OrderDirection, Prisma.Sql>> = { ASC: Prisma.sql`asc`, DESC: Prisma.sql`desc` };

function entryOf(row: Row, above: Row | null, rank: number): LeaderboardEntry {
  const { id, isRun, rowsHash, splitRecipe, ...columns } = row;
  return {
    ...columns,
    cursor: encodeCursor([row.value, id, rank]),
    rank,
    runId: isRun ? id : null,
    ensembleId: isRun ? null : id,
    comparable: above === null || onSameImages(above, row),
  };
}

/** By the images of stored predictions; where one has none (it is still training), by what the split is drawn by. */
function onSameImages(a: Row, b: Row): boolean {
  if (a.split !== b.split) return false;
  if (a.rowsHash !== null && b.rowsHash !== null) return a.rowsHash === b.rowsHash;
  return a.splitRecipe !== null && a.splitRecipe === b.splitRecipe;
}
