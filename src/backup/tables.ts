/** What the catalogue says of the tables of a backup. */

import type pg from 'pg';

export interface Table {
  readonly name: string;
  readonly columns: readonly string[];
}

const migrationTable = '_prisma_migrations';
/** There while a restored database waits for its jobs. */
export const markerTable = 'restore_in_progress';
/** Whoever was logged in when a backup was made need not be in when it is restored. */
const sessionTable = 'session';

/**
 * All tables of the schema but for the record of migrations and sessions, in an order in which every table comes after those that it refers to. Numbers of transactions are left out: they mean nothing in
 * another cluster, and a restored row gets that of its restore.
 */
export async function listTables(client: pg.ClientBase): Promise<Table[]> {
  const { rows } = await client.query<Table>(
    `select c.relname as name, array_agg(a.attname::text order by a.attnum) as columns
     from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace
       and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.atttypid <> 'xid8'::regtype
       and c.relname <> all($1)
     group by c.relname order by c.relname`,
    [[migrationTable, markerTable, sessionTable]],
  );
  const { rows: references } = await client.query<{ from: string; to: string }>(
    `select f.relname as "from", t.relname as "to"
     from pg_constraint r join pg_class f on f.oid = r.conrelid join pg_class t on t.oid = r.confrelid
     where r.contype = 'f' and f.relnamespace = current_schema()::regnamespace and f.oid <> t.oid`,
  );
  const sorted: Table[] = [];
  const waiting = new Map(rows.map((table) => [table.name, table]));
  while (waiting.size) {
    const ready = [...waiting.values()].filter(
      ({ name }) => !references.some(({ from, to }) => from === name && waiting.has(to)),
    );
    if (!ready.length) throw new Error(`tables refer to each other in a circle: ${[...waiting.keys()].join(', ')}`);
    for (const table of ready) {
      waiting.delete(table.name);
      sorted.push(table);
    }
  }
  return sorted;
}

/** Names of the migrations applied, in order; none where there is not even a record of them. */
export async function appliedMigrations(client: pg.ClientBase): Promise<string[]> {
  const { rows: found } = await client.query<{ there: boolean }>('select to_regclass($1) is not null as there', [
    migrationTable,
  ]);
  if (!found[0]!.there) return [];
  const { rows } = await client.query<{ name: string }>(
    `select migration_name as name from ${migrationTable} where finished_at is not null and rolled_back_at is null order by 1`,
  );
  return rows.map(({ name }) => name);
}

export function quoted(identifiers: readonly string[]): string {
  return identifiers.map((name) => `"${name}"`).join(', ');
}
