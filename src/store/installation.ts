/** What the database tells about this installation. */

import { migrationNames } from '../db/migrationFiles.ts';
import type { Queryable } from './queryable.ts';

/** Those there were when this process started: it cannot need later ones. */
const known = migrationNames();

/** Names of migrations, oldest first. */
export interface Migrations {
  readonly applied: readonly string[];
  /** Those this program knows and the database lacks. */
  readonly missing: readonly string[];
  /** Those the database has and this program does not know: a newer version has been here. */
  readonly unknown: readonly string[];
}

/** One short query: it also proves that the database answers. */
export async function readMigrations(db: Queryable): Promise<Migrations> {
  const rows = await db.$queryRaw<{ name: string }[]>`
    select migration_name as name from _prisma_migrations
    where finished_at is not null and rolled_back_at is null order by migration_name`;
  const applied = rows.map(({ name }) => name);
  return {
    applied,
    missing: known.filter((name) => !applied.includes(name)),
    unknown: applied.filter((name) => !known.includes(name)),
  };
}
