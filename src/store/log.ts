import { Prisma } from '../generated/prisma/client.ts';
import type { Queryable } from './queryable.ts';

export interface LogLine {
  readonly seq: number;
  readonly at: Date;
  /** stdout, stderr or trainer. */
  readonly stream: string;
  readonly line: string;
}

/** Appends to a run's log, numbered under the lock of the run's row. Returns the number of the first line. */
export async function insertLogLines(
  db: Queryable,
  runId: string,
  lines: readonly { readonly stream: string; readonly line: string }[],
  at: Date,
): Promise<number> {
  if (!lines.length) return 0;
  const [head] = await db.$queryRaw<{ log_seq: bigint }[]>`
    with head as (
      update run set log_seq = log_seq + ${lines.length} where id = ${runId} returning log_seq
    ), appended as (
      insert into run_log (run_id, seq, at, stream, line)
      select ${runId}, head.log_seq - ${lines.length} + l.position, ${at}, l.stream, l.line
      from head, unnest(${lines.map((l) => l.stream)}::text[], ${lines.map((l) => l.line)}::text[])
        with ordinality l (stream, line, position)
    )
    select log_seq from head`;
  return Number(head!.log_seq) - lines.length + 1;
}

export interface LogRequest {
  readonly afterSeq?: number | undefined;
  readonly beforeSeq?: number | undefined;
  /** Only lines with this text in them, in any case. */
  readonly search?: string | undefined;
  readonly limit: number;
  /** The newest of them instead of the oldest. */
  readonly newest?: boolean;
}

/** Lines of a run between two numbers, oldest first, at most `limit`. */
export async function findLogLines(db: Queryable, runId: string, request: LogRequest): Promise<LogLine[]> {
  const { afterSeq, beforeSeq, search, limit, newest } = request;
  const conditions = [
    Prisma.sql`run_id = ${runId}`,
    ...(afterSeq === undefined ? [] : [Prisma.sql`seq > ${afterSeq}::bigint`]),
    ...(beforeSeq === undefined ? [] : [Prisma.sql`seq < ${beforeSeq}::bigint`]),
    ...(search ? [Prisma.sql`line ilike ${`%${search.replaceAll(/[\\%_]/g, '\\$&')}%`}`] : []),
  ];
  const rows = await db.$queryRaw<{ seq: bigint; at: Date; stream: string; line: string }[]>`
    select * from (
      select seq, at, stream, line from run_log where ${Prisma.join(conditions, ' and ')}
      order by seq ${newest ? Prisma.sql`desc` : Prisma.sql`asc`} limit ${limit}) found
    order by seq`;
  return rows.map((row) => ({ ...row, seq: Number(row.seq) }));
}
