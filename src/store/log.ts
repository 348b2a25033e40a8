import type { Queryable } from './queryable.ts';

export interface LogLine {
  readonly seq: number;
  readonly at: Date;
  /** stdout, stderr or trainer. */
  readonly stream: string;
  readonly line: string;
}

/** Appends to a run's log, numbered under the lock of the run's row. */
export async function insertLogLines(
  db: Queryable,
  runId: string,
  lines: readonly { readonly stream: string; readonly line: string }[],
  at: Date,
): Promise<void> {
  if (!lines.length) return;
  await db.$executeRaw`
    with head as (
      update run set log_seq = log_seq + ${lines.length} where id = ${runId} returning log_seq
    )
    insert into run_log (run_id, seq, at, stream, line)
    select ${runId}, head.log_seq - ${lines.length} + l.position, ${at}, l.stream, l.line
    from head, unnest(${lines.map((l) => l.stream)}::text[], ${lines.map((l) => l.line)}::text[])
      with ordinality l (stream, line, position)`;
}

/** Lines of a run after a sequence number, oldest first, at most `limit`. */
export async function findLogLines(
  db: Queryable,
  runId: string,
  request: { readonly afterSeq: number; readonly limit: number },
): Promise<LogLine[]> {
  const rows = await db.runLog.findMany({
    where: { runId, seq: { gt: request.afterSeq } },
    orderBy: { seq: 'asc' },
    take: request.limit,
  });
  return rows.map((row) => ({ seq: Number(row.seq), at: row.at, stream: row.stream, line: row.line }));
}
