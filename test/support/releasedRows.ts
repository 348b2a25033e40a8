/** Rows of a database as a file of JSON lines, to be put into another one of the same schema: what earlier versions have left. */

import { readFileSync } from 'node:fs';
import type pg from 'pg';

export interface ReleasedRows {
  /** Name of the last migration of the database they come from. */
  readonly schema: string;
  /** What made them. */
  readonly origin: string;
  /** Rows that tests look for. */
  readonly ids: Readonly<Record<string, string>> & { readonly members: readonly string[] };
  readonly jobs: readonly object[];
  readonly tables: ReadonlyMap<string, readonly object[]>;
}

export function readReleased(file: string): ReleasedRows {
  const [head, ...lines] = readFileSync(file, 'utf8').trim().split('\n');
  const jobs: object[] = [];
  const tables = new Map<string, object[]>();
  for (const line of lines) {
    const { job, table, row } = JSON.parse(line) as { job?: object; table?: string; row?: object };
    if (job) jobs.push(job);
    if (table && row) tables.set(table, [...(tables.get(table) ?? []), row]);
  }
  return { ...(JSON.parse(head!) as Pick<ReleasedRows, 'schema' | 'origin' | 'ids'>), jobs, tables };
}

/** Every row of ours. With `schema`, `origin` and `ids` before, and jobs, they make such a file. */
export async function dumpTables(client: pg.ClientBase | pg.Pool): Promise<Map<string, readonly object[]>> {
  const tables = new Map<string, readonly object[]>();
  const { rows: names } = await client.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' and tablename <> '_prisma_migrations' order by 1`,
  );
  for (const { name } of names) {
    const { rows } = await client.query<{ row: object }>(`select to_jsonb(t) as row from "${name}" t`);
    if (rows.length)
      tables.set(
        name,
        rows.map(({ row }) => row),
      );
  }
  return tables;
}

/** Puts rows into an empty database of their schema, references in any order, and moves sequences past them. */
export async function loadTables(client: pg.ClientBase, tables: ReadonlyMap<string, readonly object[]>): Promise<void> {
  await client.query('begin');
  await client.query('set local session_replication_role = replica');
  for (const [name, rows] of tables) {
    await client.query(`insert into "${name}" select * from jsonb_populate_recordset(null::"${name}", $1)`, [
      JSON.stringify(rows),
    ]);
  }
  const { rows } = await client.query<{ table: string; column: string }>(
    `select table_name as table, column_name as column from information_schema.columns
     where table_schema = 'public' and (column_default like 'nextval%' or is_identity = 'YES')`,
  );
  for (const { table, column } of rows) {
    await client.query(
      `select setval(pg_get_serial_sequence('"${table}"', $1), (select coalesce(max("${column}"), 0) + 1 from "${table}"), false)`,
      [column],
    );
  }
  await client.query('commit');
}

/** Puts jobs where pg-boss keeps them, as if they were some minutes old. */
export async function loadJobs(client: pg.ClientBase, jobs: readonly object[]): Promise<void> {
  await client.query(
    `insert into pgboss.job (id, name, data, state, priority, retry_count, retry_limit, retry_delay, retry_backoff, retry_delay_max,
       expire_seconds, deletion_seconds, heartbeat_seconds, policy, created_on, start_after, started_on, heartbeat_on, keep_until)
     select id, name, data, state, priority, retry_count, retry_limit, retry_delay, retry_backoff, retry_delay_max,
       expire_seconds, deletion_seconds, heartbeat_seconds, policy, now() - interval '5 minutes', now() - interval '5 minutes',
       case when state = 'active' then now() - interval '4 minutes' end,
       case when state = 'active' then now() - interval '3 minutes' end, now() + interval '30 days'
     from jsonb_populate_recordset(null::pgboss.job, $1)`,
    [JSON.stringify(jobs)],
  );
}
