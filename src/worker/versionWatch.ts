import type { Database } from '../db/database.ts';
import { newerDatabase } from '../db/migrate.ts';
import { readMigrations } from '../store/installation.ts';

/**
 * Notices that a server of a newer version has migrated the database. What an older worker would store might not mean the same
 * there: it begins nothing more, gives its runs back, and ends.
 */
export interface VersionWatch {
  /** Settles, with a sentence that says so, when it has happened. */
  readonly outdated: Promise<string>;
  /** Looks. Throws when it has happened: before each job, and with each heartbeat. */
  check(): Promise<void>;
}

export function createVersionWatch({ prisma }: Database): VersionWatch {
  let settle: (sentence: string) => void;
  const outdated = new Promise<string>((resolve) => {
    settle = resolve;
  });
  return {
    outdated,
    async check() {
      const { unknown } = await readMigrations(prisma);
      if (!unknown.length) return;
      settle(newerDatabase(unknown));
      throw new Error(newerDatabase(unknown));
    },
  };
}
