/** Metric series: narrow points, and summaries kept with them. NaN and infinities are values; they never win. */

import type { MetricPoint } from '../domain/run.ts';
import { Prisma } from '../generated/prisma/client.ts';
import type { Queryable } from './queryable.ts';

export interface MetricSummary {
  readonly runId: string;
  readonly name: string;
  readonly count: number;
  readonly firstStep: number;
  readonly first: number;
  readonly lastStep: number;
  readonly last: number;
  /** Finite values only; null while there is none. */
  readonly min: number | null;
  readonly minStep: number | null;
  readonly max: number | null;
  readonly maxStep: number | null;
}

export interface MetricSeries {
  readonly name: string;
  readonly points: readonly { readonly step: number; readonly value: number; readonly at: Date }[];
  /** Whether there are more points than these. */
  readonly downsampled: boolean;
  /** Points in the series within the range asked for. */
  readonly total: number;
}

/**
 * Numbers of metric names, made where new. Call it outside the transaction that uses them: names are shared by all runs,
 * and a new one would lock others out until the commit.
 */
export async function metricNameIds(db: Queryable, names: Iterable<string>): Promise<Map<string, number>> {
  const wanted = [...new Set(names)].sort();
  const known = await findNames(db, wanted);
  const missing = wanted.filter((name) => !known.has(name));
  if (!missing.length) return known;
  await db.$executeRaw`insert into metric_name (name) select unnest(${missing}::text[]) on conflict do nothing`;
  return findNames(db, wanted);
}

async function findNames(db: Queryable, names: string[]): Promise<Map<string, number>> {
  const rows = await db.$queryRaw<{ id: number; name: string }[]>`
    select id, name from metric_name where name = any(${names}::text[])`;
  return new Map(rows.map((row) => [row.name, row.id]));
}

/** Adds points and updates their summaries. A point that the series has already is left as it is; returns those that it had not. */
export async function insertPoints(
  db: Queryable,
  runId: string,
  points: readonly MetricPoint[],
  nameIds: ReadonlyMap<string, number>,
  at: Date,
): Promise<readonly MetricPoint[]> {
  if (!points.length) return points;
  // Values travel as text: JSON on the way to the driver has no NaN.
  const known = await db.$queryRaw<{ name_id: number; step: bigint }[]>`
    with given as (
      select n as name_id, s::bigint as step, v::float8 as value
      from unnest(
        ${points.map((p) => nameIds.get(p.name)!)}::int[],
        ${points.map((p) => String(p.step))}::text[],
        ${points.map((p) => String(p.value))}::text[]
      ) g (n, s, v)
    ), added as (
      insert into metric_point (run_id, name_id, step, value, at)
      select ${runId}, name_id, step, value, ${at} from given
      on conflict do nothing
      returning name_id, step, value
    ), finite as (
      select * from added where value not in ('NaN', 'Infinity', '-Infinity')
    ), summary as (
      select name_id, count(*) as count,
        min(step) as first_step, (array_agg(value order by step))[1] as first,
        max(step) as last_step, (array_agg(value order by step desc))[1] as last,
        (select min(value) from finite f where f.name_id = a.name_id) as min,
        (select step from finite f where f.name_id = a.name_id order by value, step limit 1) as min_step,
        (select max(value) from finite f where f.name_id = a.name_id) as max,
        (select step from finite f where f.name_id = a.name_id order by value desc, step limit 1) as max_step
      from added a group by name_id
    ), summed as (
      insert into metric_summary as s
      (run_id, name_id, count, first_step, first, last_step, last, min, min_step, max, max_step)
    select ${runId}, name_id, count, first_step, first, last_step, last, min, min_step, max, max_step from summary
    on conflict (run_id, name_id) do update set
      count = s.count + excluded.count,
      first_step = least(s.first_step, excluded.first_step),
      first = case when excluded.first_step < s.first_step then excluded.first else s.first end,
      last_step = greatest(s.last_step, excluded.last_step),
      last = case when excluded.last_step > s.last_step then excluded.last else s.last end,
      min = least(s.min, excluded.min),
      min_step = case when s.min is null or excluded.min < s.min then excluded.min_step else s.min_step end,
      max = greatest(s.max, excluded.max),
      max_step = case when s.max is null or excluded.max > s.max then excluded.max_step else s.max_step end
    )
    select name_id, step from given except select name_id, step from added`;
  if (!known.length) return points;
  const keys = new Set(known.map(({ name_id, step }) => `${name_id} ${step}`));
  return points.filter(({ name, step }) => !keys.has(`${nameIds.get(name)!} ${step}`));
}

/** Removes a run's points after a step. The summaries tell of the others from then on. */
export async function deletePointsAfter(db: Queryable, runId: string, step: number): Promise<void> {
  await db.metricPoint.deleteMany({ where: { runId, step: { gt: step } } });
  await db.metricSummary.deleteMany({ where: { runId } });
  await db.$executeRaw`
    insert into metric_summary (run_id, name_id, count, first_step, first, last_step, last, min, min_step, max, max_step)
    select run_id, name_id, count(*), min(step), (array_agg(value order by step))[1],
      max(step), (array_agg(value order by step desc))[1],
      min(value) filter (where finite), (array_agg(step order by value, step) filter (where finite))[1],
      max(value) filter (where finite), (array_agg(step order by value desc, step) filter (where finite))[1]
    from (
      select *, value not in ('NaN', 'Infinity', '-Infinity') as finite from metric_point where run_id = ${runId}
    ) p
    group by run_id, name_id`;
}

/** Sets the run's objective from the summary of its experiment's metric: the best finite value. */
export async function updateObjective(db: Queryable, runId: string): Promise<void> {
  await db.$executeRaw`
    update run r set
      objective_value = case e.direction when 'ASC' then s.min else s.max end,
      objective_step = case e.direction when 'ASC' then s.min_step else s.max_step end
    from experiment e, metric_name n, metric_summary s
    where r.id = ${runId} and e.id = r.experiment_id and n.name = e.metric and s.run_id = r.id and s.name_id = n.id`;
}

/** Summaries of several runs, by run and name; only of the given names, all when left out. */
export async function findSummaries(
  db: Queryable,
  runIds: readonly string[],
  names?: readonly string[],
): Promise<MetricSummary[]> {
  const rows = await db.metricSummary.findMany({
    where: { runId: { in: [...runIds] }, ...(names && { name: { name: { in: [...names] } } }) },
    include: { name: true },
    orderBy: [{ runId: 'asc' }, { name: { name: 'asc' } }],
  });
  return rows.map((row) => ({
    runId: row.runId,
    name: row.name.name,
    count: Number(row.count),
    firstStep: Number(row.firstStep),
    first: row.first,
    lastStep: Number(row.lastStep),
    last: row.last,
    min: row.min,
    minStep: row.minStep === null ? null : Number(row.minStep),
    max: row.max,
    maxStep: row.maxStep === null ? null : Number(row.maxStep),
  }));
}

export interface HistoryRequest {
  /** All series when left out. */
  readonly names?: readonly string[] | undefined;
  /** Of each series, at least 2. */
  readonly maxPoints: number;
  readonly steps?: StepRange | undefined;
}

/** Steps, both ends included; an end left out is open. */
export interface StepRange {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/** A condition over a column `step`. */
export function inSteps({ from, to }: StepRange): Prisma.Sql {
  const conditions = [
    ...(from === undefined ? [] : [Prisma.sql`step >= ${from}::bigint`]),
    ...(to === undefined ? [] : [Prisma.sql`step <= ${to}::bigint`]),
  ];
  return conditions.length ? Prisma.join(conditions, ' and ') : Prisma.sql`true`;
}

/**
 * Series of a run within a range of steps, each of at most `maxPoints` points: all of them, or the first, the last, the smallest and the
 * largest of each of so many equal stretches of steps, so that no spike is lost, and the first of those that are not finite.
 */
export async function metricHistory(db: Queryable, runId: string, request: HistoryRequest): Promise<MetricSeries[]> {
  const { maxPoints } = request;
  const within = inSteps(request.steps ?? {});
  const named = request.names ? Prisma.sql`and n.name = any(${[...request.names]}::text[])` : Prisma.empty;
  // The summaries name the series, also of points that were removed by age; the ends come from the index.
  const series = await db.$queryRaw<{ name: string; name_id: number; some: number; low: bigint; high: bigint }[]>`
    select n.name, n.id as name_id, ends.low, ends.high, (select count(*)::int from (
      select from metric_point where run_id = ${runId} and name_id = n.id and ${within} limit ${maxPoints + 1}) p) as some
    from metric_summary s join metric_name n on n.id = s.name_id cross join lateral (
      select min(step) as low, max(step) as high from metric_point where run_id = ${runId} and name_id = n.id and ${within}) ends
    where s.run_id = ${runId} and ends.low is not null ${named}
    order by n.name`;
  const result: MetricSeries[] = [];
  for (const { name, name_id, some, low, high } of series) {
    const points = Prisma.sql`from metric_point where run_id = ${runId} and name_id = ${name_id}
      and step between ${low}::bigint and ${high}::bigint`;
    const downsampled = some > maxPoints;
    const chosen = downsampled ? await choosePoints(db, points, { low, high, maxPoints }) : null;
    const among = chosen ? Prisma.sql`and step = any(${chosen.steps}::text[]::bigint[])` : Prisma.empty;
    const rows = await db.$queryRaw<PointRow[]>`select step, value, at ${points} ${among} order by step`;
    result.push({
      name,
      points: rows.map((p) => ({ step: Number(p.step), value: p.value, at: p.at })),
      downsampled,
      total: chosen?.total ?? rows.length,
    });
  }
  return result;
}

/** Points that are not finite and are kept in a thinned series, at most; no more than half of it either. */
const mostNonFinite = 100;

/**
 * Steps of the points that stand for a series, as text, and how many points it has. All finite points are read, once and in whatever order the
 * database likes best. An array of value and step is compared by value, then by step: the extreme of arrays is the extreme with its step.
 */
async function choosePoints(
  db: Queryable,
  points: Prisma.Sql,
  { low, high, maxPoints }: { low: bigint; high: bigint; maxPoints: number },
): Promise<{ steps: string[]; total: number }> {
  const nonFinite = Prisma.sql`${points} and value in ('NaN', 'Infinity', '-Infinity')`;
  const inner = maxPoints - 2;
  const [odd] = await db.$queryRaw<[{ steps: bigint[]; count: number }]>`
    select array(select step ${nonFinite} order by step limit ${Math.min(mostNonFinite, Math.floor(inner / 2))}) as steps,
      (select count(*)::int ${nonFinite}) as count`;
  const buckets = Math.floor((inner - odd.steps.length) / 2);
  const width = (high - low) / BigInt(Math.max(1, buckets)) + 1n;
  const extremes = await db.$queryRaw<{ lowest: number; highest: number; count: number }[]>`
    select (min(array[value, step]))[2] as lowest, -(max(array[value, -step]))[2] as highest, count(*)::int as count
    ${points} and value > '-Infinity' and value < 'Infinity'
    group by (step - ${low}::bigint) / ${width}::bigint`;
  const kept = buckets ? extremes.flatMap(({ lowest, highest }) => [lowest, highest]) : [];
  return {
    steps: [low, high, ...odd.steps, ...kept].map(String),
    total: extremes.reduce((sum, { count }) => sum + count, odd.count),
  };
}

interface PointRow {
  step: bigint;
  value: number;
  at: Date;
}
