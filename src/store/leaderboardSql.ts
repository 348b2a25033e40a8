/** The query behind a leaderboard: see leaderboard.ts for what it ranks by. */

import type { Split } from '../domain/dataset.ts';
import type { Filter } from '../domain/filter.ts';
import type { OrderDirection } from '../domain/objective.ts';
import { Prisma } from '../generated/prisma/client.ts';
import { filterSql } from './filterSql.ts';
import { preferredKind } from './prediction.ts';

/** One experiment's ranking, with every question of the query answered. */
export interface Board {
  readonly experimentId: string;
  readonly direction: OrderDirection;
  readonly filter: Filter | null;
  /** Column of stored scores, null where the metric has none. */
  readonly score: Prisma.Sql | null;
  readonly ensembles: boolean;
  /** One after the other; the second has what the first, on HOLDOUT, has no score of. */
  readonly sections: readonly Section[];
  /** Null: by rank. */
  readonly order: BoardOrder | null;
}

/** What to list entries by instead of their rank; equal ones by id, those without a value last. */
export interface BoardOrder {
  /** WORST: the reverse of the rank. It and PREDICTION_VALUE go section by section, for values of two splits do not compare. */
  readonly field:
    | 'PREDICTION_VALUE'
    | 'TRAIN_SECONDS'
    | 'PEAK_MEMORY'
    | 'IMAGES_PER_SECOND'
    | 'CREATED_AT'
    | 'NAME'
    | 'WORST';
  readonly direction: OrderDirection;
}

export interface Section {
  readonly split: Split;
  readonly metric: string;
  /** Whether run.objective_value is the value: then an index gives the order. */
  readonly isObjective: boolean;
}

export interface RankedRow {
  readonly id: string;
  readonly isRun: boolean;
  readonly section: number;
  /** Null where the rows stand in the order of their ranks. */
  readonly rank: number | null;
  /** What they are ordered by instead. */
  readonly key: string | number | Date | null;
  readonly value: number;
  readonly predictionValue: number | null;
  readonly step: number | null;
  readonly split: Split;
  readonly trainSeconds: number | null;
  readonly imagesPerSecond: number | null;
  readonly peakMemory: number | null;
  /** Hash of the image ids it was scored on and the labels it was told apart by, when predictions are stored. */
  readonly rowsHash: string | null;
  readonly vocab: readonly string[] | null;
  /** What a run's split is drawn by; equal recipes draw equal splits of one data set. */
  readonly splitSeed: number | null;
  readonly validFraction: number | null;
  readonly labels: readonly string[] | null;
}

/** Of the last entry of a page that is listed by rank. */
export type Cursor = readonly [section: number, value: number, id: string, rank: number];
/** Of the last entry of a page in another order. */
export type KeyCursor = readonly [section: number, key: string | number | null, id: string];

/** RankedRow of at most `limit` entries by rank, beginning with the cursor's. */
export function rankingSql(board: Board, cursor: Cursor | null, limit: number): Prisma.Sql {
  const order = Prisma.sql`order by section, value ${directionSql[board.direction]}, id limit ${limit}`;
  const branches = branchesOf(board, cursor).map((branch) => Prisma.sql`(select * from (${branch}) branch ${order})`);
  const page = Prisma.sql`select *, null::int as rank from (${Prisma.join(branches, ' union all ')}) branches ${order}`;
  return describe(board, page, Prisma.sql`section, ranked.value ${directionSql[board.direction]}, ranked.id`);
}

/** The same in the order of `board.order`, with their ranks: all entries are ranked for that. */
export function orderedSql(board: Board, order: BoardOrder, cursor: KeyCursor | null, limit: number): Prisma.Sql {
  const direction = directionSql[order.direction];
  const section = isBySection(order) ? Prisma.sql`section,` : Prisma.empty;
  const ranked = Prisma.sql`
    select *, (row_number() over (order by section, value ${directionSql[board.direction]}, id))::int as rank
    from (${Prisma.join(branchesOf(board), ' union all ')}) branches`;
  const page = Prisma.sql`select * from (${ranked}) numbered where ${cursor ? fromKey(order, cursor) : Prisma.sql`true`}
    order by ${section} key ${direction} nulls last, id limit ${limit}`;
  return describe(board, page, Prisma.sql`${section} ranked.key ${direction} nulls last, ranked.id`);
}

/** RunPoint of the runs alone, by rank. */
export function pointsSql(board: Board, limit: number): Prisma.Sql {
  const order = Prisma.sql`order by section, value ${directionSql[board.direction]}, id`;
  const branches = board.sections.map((_, section) => runsSql(board, section, null));
  return Prisma.sql`
    select r.id as "runId", r.name, r.status::text as status, r.architecture, ranked.value, ranked.split::text as split,
      r.train_seconds as "trainSeconds", r.images_per_second as "imagesPerSecond", r.peak_memory::float8 as "peakMemory",
      r.created_at as "createdAt"
    from (select * from (${Prisma.join(branches, ' union all ')}) branches ${order} limit ${limit}) ranked
    join run r on r.id = ranked.id
    order by section, ranked.value ${directionSql[board.direction]}, ranked.id`;
}

/** One row with the number of all entries. */
export function countSql(board: Board): Prisma.Sql {
  return Prisma.sql`select count(*)::int as count from (${Prisma.join(branchesOf(board), ' union all ')}) branches`;
}

/** Runs and ensembles of each section, none that stands before the cursor. */
function branchesOf(board: Board, cursor: Cursor | null = null): Prisma.Sql[] {
  return board.sections.flatMap((_, section) => {
    if (cursor && section < cursor[0]) return [];
    const after = cursor?.[0] === section ? cursor : null;
    return [runsSql(board, section, after), ...(board.ensembles ? [ensemblesSql(board, section, after)] : [])];
  });
}

/** RankedRow of the entries of a page. */
function describe(board: Board, page: Prisma.Sql, order: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`
    select ranked.id, is_run as "isRun", section, rank, key, ranked.value, step::float8 as step, ranked.split::text as split,
      r.train_seconds as "trainSeconds", r.images_per_second as "imagesPerSecond", r.peak_memory::float8 as "peakMemory",
      case when is_run then p.score else ranked.value end as "predictionValue",
      coalesce(ranked.rows_hash, p.rows_hash) as "rowsHash", p.vocab,
      coalesce(r.config ->> 'splitSeed', r.config ->> 'seed')::float8 as "splitSeed",
      (r.config ->> 'validFraction')::float8 as "validFraction", r.config -> 'labels' as labels
    from (${page}) ranked
    left join run r on is_run and r.id = ranked.id
    left join lateral (
      select p.rows_hash, p.vocab, ${scoreSql(board)} as score
      from prediction_set p
      where p.split = ranked.split and p.run_id = case when is_run then ranked.id else
        (select run_id from ensemble_member where ensemble_id = ranked.id and position = 0) end
      order by ${preferredKind} limit 1) p on true
    order by ${order}`;
}

function isBySection({ field }: BoardOrder): boolean {
  return field === 'WORST' || field === 'PREDICTION_VALUE';
}

/** "The cursor's entry or one after it", nulls last. */
function fromKey(order: BoardOrder, [section, key, id]: KeyCursor): Prisma.Sql {
  const { field, direction } = order;
  const further = direction === 'ASC' ? Prisma.sql`>` : Prisma.sql`<`;
  const last = Prisma.sql`${key === null ? null : String(key)}::text::${keyTypes[field]}`;
  const inSection =
    key === null
      ? Prisma.sql`key is null and id >= ${id}`
      : Prisma.sql`(key ${further} ${last} or key is null or (key = ${last} and id >= ${id}))`;
  return isBySection(order) ? Prisma.sql`(section > ${section} or (section = ${section} and ${inSection}))` : inSection;
}

const keyTypes: Readonly<Record<BoardOrder['field'], Prisma.Sql>> = {
  PREDICTION_VALUE: Prisma.sql`float8`,
  TRAIN_SECONDS: Prisma.sql`float8`,
  PEAK_MEMORY: Prisma.sql`float8`,
  IMAGES_PER_SECOND: Prisma.sql`float8`,
  CREATED_AT: Prisma.sql`timestamptz`,
  NAME: Prisma.sql`text collate "C"`,
  WORST: Prisma.sql`float8`,
};

/** What the entries of a branch, runs `r` (with their predictions `kept`, where those are the order) or ensembles `e`, are ordered by. */
function keySql({ order }: Board, entry: Prisma.Sql, value: Prisma.Sql, isRun: boolean): Prisma.Sql {
  const ofRun = (column: Prisma.Sql) => (isRun ? column : Prisma.sql`null::float8`);
  switch (order?.field) {
    case undefined:
    case 'WORST':
      return value;
    case 'PREDICTION_VALUE':
      return isRun ? Prisma.sql`kept.value` : value;
    case 'CREATED_AT':
      return Prisma.sql`${entry}.created_at`;
    case 'NAME':
      return Prisma.sql`${entry}.name collate "C"`;
    case 'TRAIN_SECONDS':
      return ofRun(Prisma.sql`r.train_seconds`);
    case 'PEAK_MEMORY':
      return ofRun(Prisma.sql`r.peak_memory::float8`);
    case 'IMAGES_PER_SECOND':
      return ofRun(Prisma.sql`r.images_per_second`);
  }
}

function runsSql(board: Board, section: number, cursor: Cursor | null): Prisma.Sql {
  const { split } = board.sections[section]!;
  const { from, value, step } = runValueSql(board, section);
  const unranked = section
    ? Prisma.sql`and not exists (select from (${predictionScores(board, 'HOLDOUT')}) p where p.run_id = r.id and p.value is not null)`
    : Prisma.empty;
  const kept =
    board.order?.field === 'PREDICTION_VALUE'
      ? Prisma.sql`left join (${predictionScores(board, split)}) kept on kept.run_id = r.id`
      : Prisma.empty;
  return Prisma.sql`
    select r.id, true as is_run, ${section}::int as section, ${value} as value, ${step} as step, ${split}::split as split,
      null as rows_hash, ${keySql(board, Prisma.sql`r`, value, true)} as key
    from run r ${from} ${kept}
    where r.experiment_id = ${board.experimentId} and r.kind <> 'MEMORY_PROBE' and ${value} is not null ${unranked}
      ${board.filter ? Prisma.sql`and ${filterSql(board.filter)}` : Prisma.empty}
      ${fromCursor(board, cursor, value, Prisma.sql`r.id`)}`;
}

function runValueSql(board: Board, section: number): { from: Prisma.Sql; value: Prisma.Sql; step: Prisma.Sql } {
  const { split, metric, isObjective } = board.sections[section]!;
  if (isObjective) {
    return { from: Prisma.empty, value: Prisma.sql`r.objective_value`, step: Prisma.sql`r.objective_step` };
  }
  if (split === 'HOLDOUT') {
    const from = Prisma.sql`join (${predictionScores(board, 'HOLDOUT')}) p on p.run_id = r.id`;
    return { from, value: Prisma.sql`p.value`, step: Prisma.sql`null::bigint` };
  }
  const from = Prisma.sql`join metric_summary s on s.run_id = r.id
    and s.name_id = (select id from metric_name where name = ${metric})`;
  return board.direction === 'ASC'
    ? { from, value: Prisma.sql`s.min`, step: Prisma.sql`s.min_step` }
    : { from, value: Prisma.sql`s.max`, step: Prisma.sql`s.max_step` };
}

/** Of the predictions that an ensemble would use of each run: for all runs at once, which is far less work than run by run. */
function predictionScores(board: Board, split: Split): Prisma.Sql {
  return Prisma.sql`select distinct on (p.run_id) p.run_id, ${scoreSql(board)} as value
    from prediction_set p join run h on h.id = p.run_id
    where h.experiment_id = ${board.experimentId} and p.split = ${split}::split order by p.run_id, ${preferredKind}`;
}

/** Of a prediction set `p`. */
function scoreSql({ score }: Board): Prisma.Sql {
  return score ? Prisma.sql`p.${score}` : Prisma.sql`null::float8`;
}

function ensemblesSql(board: Board, section: number, cursor: Cursor | null): Prisma.Sql {
  const { split } = board.sections[section]!;
  const value = Prisma.sql`s.${board.score!}`;
  const everyMember = board.filter
    ? Prisma.sql`and not exists (select from ensemble_member m join run r on r.id = m.run_id
        where m.ensemble_id = e.id and not ${filterSql(board.filter)})`
    : Prisma.empty;
  const unranked = section
    ? Prisma.sql`and not exists (select from ensemble_score where ensemble_id = e.id and split = 'HOLDOUT')`
    : Prisma.empty;
  return Prisma.sql`
    select e.id, false as is_run, ${section}::int as section, ${value} as value, null::bigint as step, s.split, s.rows_hash,
      ${keySql(board, Prisma.sql`e`, value, false)} as key
    from ensemble e join ensemble_score s on s.ensemble_id = e.id and s.split = ${split}::split
    where e.experiment_id = ${board.experimentId} ${unranked} ${everyMember}
      ${fromCursor(board, cursor, value, Prisma.sql`e.id`)}`;
}

/** "The cursor's entry or one after it". The first comparison is implied by the second and is there for the index. */
function fromCursor(board: Board, cursor: Cursor | null, value: Prisma.Sql, id: Prisma.Sql): Prisma.Sql {
  if (!cursor) return Prisma.empty;
  const further = board.direction === 'ASC' ? Prisma.sql`>` : Prisma.sql`<`;
  const last = Prisma.sql`${String(cursor[1])}::text::float8`;
  return Prisma.sql`and ${value} ${further}= ${last} and (${value} ${further} ${last} or ${id} >= ${cursor[2]})`;
}

const directionSql: Readonly<Record<OrderDirection, Prisma.Sql>> = { ASC: Prisma.sql`asc`, DESC: Prisma.sql`desc` };
