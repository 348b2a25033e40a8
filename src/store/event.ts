/** The per-run event log: gap-free sequence numbers in commit order. */

import { decodeNumber, encodeNumber } from '../domain/json.ts';
import type { RunStatus } from '../domain/run.ts';
import type { RunEvent, RunEventKind, RunEventPayload } from '../domain/runEvent.ts';
import { storableText } from '../domain/text.ts';
import { Prisma } from '../generated/prisma/client.ts';
import type { Queryable } from './queryable.ts';

export interface Appended {
  readonly experimentId: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
}

/**
 * Appends to a run's log. Numbers are taken under the lock of the run's row, held until the transaction ends: whoever sees
 * number n sees every smaller one too.
 */
export async function appendEvents(
  db: Queryable,
  runId: string,
  payloads: readonly RunEventPayload[],
  at: Date,
): Promise<Appended> {
  const kinds = payloads.map((payload) => payload.kind);
  const bodies = payloads.map(encodePayload);
  const [head] = await db.$queryRaw<{ experiment_id: string; event_seq: bigint }[]>`
    with head as (
      update run set event_seq = event_seq + ${payloads.length} where id = ${runId} returning event_seq, experiment_id
    ), appended as (
      insert into run_event (run_id, seq, at, kind, payload)
      select ${runId}, head.event_seq - ${payloads.length} + e.position, ${at}, e.kind::run_event_kind, e.body::jsonb
      from head, unnest(${kinds}::text[], ${bodies}::text[]) with ordinality e (kind, body, position)
    )
    select experiment_id, event_seq from head`;
  if (!head) throw new Error(`run ${runId} does not exist`);
  const lastSeq = Number(head.event_seq);
  return { experimentId: head.experiment_id, firstSeq: lastSeq - payloads.length + 1, lastSeq };
}

export interface LogPosition {
  readonly runId: string;
  /** Events after this number are wanted. */
  readonly after: number;
  /** And none after this one. */
  readonly through?: number;
}

/** Positions to read from at once: up to `limit` events of each are looked at to give the first of all. */
export const runsPerRead = 16;

/** Events after each position, run by run in the order given, at most `limit` in all. */
export async function readEvents(db: Queryable, positions: readonly LogPosition[], limit: number): Promise<RunEvent[]> {
  if (!positions.length) return [];
  const rows = await db.$queryRaw<EventRow[]>`
    select e.run_id, e.seq, e.at, e.kind::text as kind, e.payload
    from unnest(
      ${positions.map((p) => p.runId)}::text[],
      ${positions.map((p) => String(p.after))}::text[],
      ${positions.map((p) => String(p.through ?? Number.MAX_SAFE_INTEGER))}::text[]
    ) with ordinality p (run_id, after, through, position)
    cross join lateral (
      select * from run_event e
      where e.run_id = p.run_id and e.seq > p.after::bigint and e.seq <= p.through::bigint
      order by e.seq limit ${limit}
    ) e
    order by p.position, e.seq
    limit ${limit}`;
  return rows.map(eventOfRow);
}

export type EventScope =
  | { readonly runId: string; readonly experimentId?: undefined }
  | { readonly experimentId: string; readonly runId?: undefined };

export interface EventHead {
  readonly runId: string;
  /** Last number given out. */
  readonly seq: number;
  readonly status: RunStatus;
}

export interface EventHeads {
  /** Oldest run first. Empty when there is no such run or experiment. */
  readonly heads: readonly EventHead[];
  /** Names what they were read from, `cluster/pg_snapshot`; null when there are none. */
  readonly snapshot: string | null;
}

/** Names what a statement sees: `cluster/pg_snapshot`. */
export const snapshotSql = Prisma.sql`(select system_identifier from pg_control_system()) || '/' || pg_current_snapshot()::text`;

/** The log's end for each run of the scope. */
export async function eventHeads(db: Queryable, scope: EventScope): Promise<EventHeads> {
  const rows = await db.$queryRaw<{ id: string; event_seq: bigint; status: RunStatus; snapshot: string }[]>`
    select id, event_seq, status::text as status, ${snapshotSql} as snapshot from run where ${inScope(scope)} order by id`;
  const heads = rows.map(({ id, event_seq, status }) => ({ runId: id, seq: Number(event_seq), status }));
  return { heads, snapshot: rows[0]?.snapshot ?? null };
}

/**
 * The last number of each run that `snapshot` (of `eventHeads`) shows; runs without any are left out.
 * Null when the snapshot is of another cluster: its transactions say nothing here.
 */
export async function headsAt(db: Queryable, scope: EventScope, snapshot: string): Promise<Map<string, number> | null> {
  const [cluster, visible] = snapshot.split('/');
  const [own] = await db.$queryRaw<{ id: string }[]>`select system_identifier::text as id from pg_control_system()`;
  if (own!.id !== cluster) return null;
  // What began after the snapshot has higher numbers than all that it shows, so that the way back from the first of it is short. But for
  // PRUNED, which stands in the place of older events.
  const rows = await db.$queryRaw<{ id: string; seq: bigint }[]>`
    select run.id, e.seq from run left join lateral (
      select seq from run_event n
      where n.run_id = run.id and n.transaction_id >= pg_snapshot_xmax(${visible}::pg_snapshot) and n.kind <> 'PRUNED'
      order by transaction_id limit 1
    ) newer on true cross join lateral (
      select seq from run_event e
      where e.run_id = run.id and e.seq < coalesce(newer.seq, run.event_seq + 1)
        and pg_visible_in_snapshot(e.transaction_id, ${visible}::pg_snapshot)
      order by seq desc limit 1
    ) e
    where ${inScope(scope)}`;
  return new Map(rows.map(({ id, seq }) => [id, Number(seq)]));
}

function inScope({ runId, experimentId }: EventScope): Prisma.Sql {
  return runId === undefined ? Prisma.sql`run.experiment_id = ${experimentId}` : Prisma.sql`run.id = ${runId}`;
}

interface EventRow {
  run_id: string;
  seq: bigint;
  at: Date;
  kind: RunEventKind;
  payload: unknown;
}

function eventOfRow(row: EventRow): RunEvent {
  return {
    runId: row.run_id,
    seq: Number(row.seq),
    at: row.at,
    payload: decodePayload(row.kind, row.payload),
  };
}

/** JSON text without the kind, which has its column. Numbers that JSON lacks become strings. */
function encodePayload({ kind: _, ...body }: RunEventPayload): string {
  return JSON.stringify(body, (_key, value: unknown) => {
    if (typeof value === 'number') return encodeNumber(value);
    return typeof value === 'string' ? storableText(value) : value;
  });
}

function decodePayload(kind: RunEventKind, stored: unknown): RunEventPayload {
  const payload = { ...(stored as object), kind } as RunEventPayload;
  switch (payload.kind) {
    case 'EPOCH': {
      const { trainLoss, validLoss } = payload.epoch;
      return {
        kind: 'EPOCH',
        epoch: { ...payload.epoch, trainLoss: decodeNumber(trainLoss), validLoss: decodeNumber(validLoss) },
      };
    }
    case 'METRICS':
      return { kind: 'METRICS', points: payload.points.map((p) => ({ ...p, value: decodeNumber(p.value) })) };
    case 'STATUS':
    case 'PROGRESS':
    case 'MEMORY':
    case 'LOG':
    case 'PREDICTIONS':
    case 'PRUNED':
      return payload;
  }
}
