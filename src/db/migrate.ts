import { readFile } from 'node:fs/promises';
import type { MigrationList } from '@prisma/schema-engine-wasm/schema_engine_bg';
import pg from 'pg';
import { messageOf, StartupError } from '../errors.ts';
import { version } from '../version.ts';
import { connectionOptions, connectionProblem } from './connection.ts';
import { settleInterrupted } from './interruptedMigration.ts';
import { migrationNames, migrationsFolder } from './migrationFiles.ts';
import { lastPanic, openSchemaEngine } from './schemaEngine.ts';

/** Advisory lock of everyone who migrates. The engine's own lock gives up after 10 s; starters behind a long migration wait here. */
const lockKey = 0x72756e67; // "rung"

/**
 * Applies the migrations that the database lacks, recorded in Prisma's own `_prisma_migrations`, and returns their names. Any
 * number of processes may call it at once: one applies, the others wait and find nothing to do.
 * Throws StartupError when there is no connection, when a newer version has migrated the database, or when a migration fails.
 * The engine leaves a timer of 10 s behind, its patience for the lock: a process with nothing else to do ends by process.exit.
 * @param names those to apply, when not all that this program knows: of a backup's tables
 */
export async function migrate(url: string, names: readonly string[] = migrationNames()): Promise<string[]> {
  return withConnection(url, async (guard) => {
    // Released with the connection.
    await guard.query('select pg_advisory_lock($1)', [lockKey]);
    await settleInterrupted(guard);
    await readState(guard);
    const { engine, close } = await openSchemaEngine(url);
    try {
      const { appliedMigrationNames } = await engine.applyMigrations({
        migrationsList: await readMigrations(names),
        filters: { externalTables: [], externalEnums: [] },
      });
      await settleInterrupted(guard);
      return appliedMigrationNames;
    } catch (error) {
      throw new StartupError(`The database could not be migrated: ${lastPanic() || messageOf(error)}`);
    } finally {
      await close();
    }
  });
}

/**
 * For a worker, which leaves migrating to the servers: it would take the database away from those of an older version.
 * Throws StartupError when the database is not of this version.
 */
export async function requireMigrated(url: string): Promise<void> {
  const missing = await withConnection(url, readState);
  if (missing.length) {
    throw new StartupError(
      `The database lacks ${missing.join(', ')}: start a Rungraph server of this worker's version (${version}) first, or run rungraph migrate`,
    );
  }
}

/** Names of the migrations that a database lacks. Throws StartupError when it has some that this program does not know. */
async function readState(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ there: boolean }>(
    `select to_regclass('_prisma_migrations') is not null as there`,
  );
  const applied = rows[0]?.there ? await appliedMigrations(client) : [];
  const known = migrationNames();
  const unknown = applied.filter((name) => !known.includes(name));
  if (unknown.length) throw new StartupError(newerDatabase(unknown));
  return known.filter((name) => !applied.includes(name));
}

/** What a program says to a database with migrations that it does not know. */
export function newerDatabase(unknown: readonly string[]): string {
  return `The database was migrated by a newer Rungraph (${unknown.join(', ')}), which this version (${version}) does not know: start that version or a later one, or restore a backup from before`;
}

async function appliedMigrations(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select migration_name as name from _prisma_migrations
     where finished_at is not null and rolled_back_at is null order by migration_name`,
  );
  return rows.map(({ name }) => name);
}

async function withConnection<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const { schema: _, ...connection } = connectionOptions(url);
  const client = new pg.Client(connection);
  // A broken connection shows as the failure of what is done with it, or guarded by it.
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    throw connectionProblem(url, error);
  }
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function readMigrations(names: readonly string[]): Promise<MigrationList> {
  return {
    baseDir: migrationsFolder,
    shadowDbInitScript: '',
    lockfile: {
      path: 'migration_lock.toml',
      content: await readFile(`${migrationsFolder}/migration_lock.toml`, 'utf8'),
    },
    migrationDirectories: await Promise.all(
      names.map(async (name) => ({
        path: name,
        migrationFile: {
          path: 'migration.sql',
          content: { tag: 'ok' as const, value: await readFile(`${migrationsFolder}/${name}/migration.sql`, 'utf8') },
        },
      })),
    ),
  };
}
