import { readFile } from 'node:fs/promises';
import type { MigrationList } from '@prisma/schema-engine-wasm/schema_engine_bg';
import pg from 'pg';
import { messageOf, StartupError } from '../errors.ts';
import { connectionOptions, connectionProblem } from './connection.ts';
import { migrationNames, migrationsFolder } from './migrationFiles.ts';
import { lastPanic, openSchemaEngine } from './schemaEngine.ts';

/** Advisory lock of everyone who migrates. The engine's own lock gives up after 10 s; starters behind a long migration wait here. */
const lockKey = 0x72756e67; // "rung"

/**
 * Applies the migrations that the database lacks, recorded in Prisma's own `_prisma_migrations`, and returns their names. Any
 * number of processes may call it at once: one applies, the others wait and find nothing to do.
 * Throws StartupError when there is no connection or when a migration fails.
 * The engine leaves a timer of 10 s behind, its patience for the lock: a process with nothing else to do ends by process.exit.
 */
export async function migrate(url: string): Promise<string[]> {
  const { schema: _, ...connection } = connectionOptions(url);
  const guard = new pg.Client(connection);
  // A broken guard connection shows as the failure of the migration itself.
  guard.on('error', () => {});
  try {
    await guard.connect();
  } catch (error) {
    throw connectionProblem(url, error);
  }
  try {
    await guard.query('select pg_advisory_lock($1)', [lockKey]);
    const { engine, close } = await openSchemaEngine(url);
    try {
      const { appliedMigrationNames } = await engine.applyMigrations({
        migrationsList: await readMigrations(),
        filters: { externalTables: [], externalEnums: [] },
      });
      return appliedMigrationNames;
    } catch (error) {
      throw new StartupError(`The database could not be migrated: ${lastPanic() || messageOf(error)}`);
    } finally {
      await close();
    }
  } finally {
    await guard.end(); // releases the lock
  }
}

async function readMigrations(): Promise<MigrationList> {
  return {
    baseDir: migrationsFolder,
    shadowDbInitScript: '',
    lockfile: {
      path: 'migration_lock.toml',
      content: await readFile(`${migrationsFolder}/migration_lock.toml`, 'utf8'),
    },
    migrationDirectories: await Promise.all(
      migrationNames().map(async (name) => ({
        path: name,
        migrationFile: {
          path: 'migration.sql',
          content: { tag: 'ok' as const, value: await readFile(`${migrationsFolder}/${name}/migration.sql`, 'utf8') },
        },
      })),
    ),
  };
}
