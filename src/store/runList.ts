/** Lists of runs: filtered, ordered, paged by key. */

import { decodeCursor, encodeCursor, isMoment, malformedCursor } from '../domain/cursor.ts';
import { type Page, type PageRequest, pageOf, pageSize } from '../domain/page.ts';
import type { RunKind } from '../domain/run.ts';
import { Prisma } from '../generated/prisma/client.ts';
import type { Queryable } from './queryable.ts';
import { getRuns, type Run } from './run.ts';

export type RunOrderField = 'CREATED_AT' | 'NAME' | 'OBJECTIVE' | 'PEAK_MEMORY' | 'IMAGES_PER_SECOND';

export interface RunOrder {
  readonly field: RunOrderField;
  readonly direction: 'ASC' | 'DESC';
}

export const newestFirst: RunOrder = { field: 'CREATED_AT', direction: 'DESC' };

interface OrderKey {
  readonly column: Prisma.Sql;
  /** SQL type of a cursor's value for that column. */
  readonly cast: Prisma.Sql;
  /** Whether a cursor's text is such a value. */
  readonly fits: (text: string) => boolean;
  readonly value: (run: Run) => string | number | null;
}

const orderKeys: Readonly<Record<RunOrderField, OrderKey>> = {
  CREATED_AT: {
    column: Prisma.sql`r.created_at`,
    cast: Prisma.sql`timestamptz`,
    fits: isMoment,
    value: (run) => run.createdAt.toISOString(),
  },
  NAME: { column: Prisma.sql`r.name collate "C"`, cast: Prisma.sql`text`, fits: () => true, value: (run) => run.name },
  OBJECTIVE: {
    column: Prisma.sql`r.objective_value`,
    cast: Prisma.sql`float8`,
    fits: isNumber,
    value: (run) => run.objectiveValue,
  },
  PEAK_MEMORY: {
    column: Prisma.sql`r.peak_memory`,
    cast: Prisma.sql`bigint`,
    fits: (text) => isNumber(text) && Number.isSafeInteger(Number(text)),
    value: (run) => run.peakMemory,
  },
  IMAGES_PER_SECOND: {
    column: Prisma.sql`r.images_per_second`,
    cast: Prisma.sql`float8`,
    fits: isNumber,
    value: (run) => run.imagesPerSecond,
  },
};

export interface RunChoice {
  readonly experimentId?: string | undefined;
  /** Runs that the sweep shows. */
  readonly sweepId?: string | undefined;
  /** All when left out. */
  readonly kinds?: readonly RunKind[] | undefined;
  /** A condition over `run r`, from filterSql. */
  readonly where?: Prisma.Sql | undefined;
}

export interface RunListRequest extends RunChoice, PageRequest {
  /** Newest first when left out. Runs without a value come last either way. */
  readonly orderBy?: RunOrder | undefined;
}

export async function listRuns(db: Queryable, request: RunListRequest): Promise<Page<Run>> {
  const first = pageSize(request);
  const order = request.orderBy ?? newestFirst;
  const key = orderKeys[order.field];
  const direction = order.direction === 'ASC' ? Prisma.sql`asc` : Prisma.sql`desc`;
  const after = request.after === undefined ? [] : [beyond(request.after, order)];
  const rows = await db.$queryRaw<{ id: string }[]>`
    select r.id from run r where ${Prisma.join([chosen(request), ...after], ' and ')}
    order by ${key.column} ${direction} nulls last, r.id ${direction} limit ${first + 1}`;
  const runs = await getRuns(
    db,
    rows.map((row) => row.id),
  );
  return pageOf(
    rows.flatMap(({ id }) => runs.get(id) ?? []),
    request,
  );
}

export async function countChosenRuns(db: Queryable, choice: RunChoice): Promise<number> {
  const [row] = await db.$queryRaw<
    { count: number }[]
  >`select count(*)::int as count from run r where ${chosen(choice)}`;
  return row!.count;
}

function chosen({ experimentId, sweepId, kinds, where }: RunChoice): Prisma.Sql {
  const conditions = [
    Prisma.sql`true`,
    ...(experimentId === undefined ? [] : [Prisma.sql`r.experiment_id = ${experimentId}`]),
    ...(sweepId === undefined
      ? []
      : [Prisma.sql`r.id in (select run_id from sweep_member where sweep_id = ${sweepId})`]),
    ...(kinds === undefined ? [] : [Prisma.sql`r.kind::text = any(${[...kinds]}::text[])`]),
    ...(where ? [Prisma.sql`(${where})`] : []),
  ];
  return Prisma.join(conditions, ' and ');
}

/** As JavaScript writes finite numbers. */
function isNumber(text: string): boolean {
  return Number.isFinite(Number(text)) && String(Number(text)) === text;
}

/** Cursor of a run in a list of that order. */
export function runCursor(run: Run, order: RunOrder = newestFirst): string {
  return encodeCursor([order.field, String(orderKeys[order.field].value(run) ?? ''), run.id]);
}

/** The condition "comes after the cursor", nulls last. */
function beyond(cursor: string, order: RunOrder): Prisma.Sql {
  const [field, text, id] = decodeCursor(cursor, 'string', 'string', 'string');
  const { column, cast, fits } = orderKeys[order.field];
  if (field !== order.field) throw malformedCursor(cursor);
  const further = order.direction === 'ASC' ? Prisma.sql`>` : Prisma.sql`<`;
  if (text === '' && field !== 'NAME') return Prisma.sql`(${column} is null and r.id ${further} ${id})`;
  if (!fits(text)) throw malformedCursor(cursor);
  const value = Prisma.sql`${text}::text::${cast}`;
  return Prisma.sql`((${column}, r.id) ${further} (${value}, ${id}) or ${column} is null)`;
}
