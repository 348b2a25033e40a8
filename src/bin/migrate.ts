import { readConfig } from '../config.ts';
import { migrate } from '../db/migrate.ts';
import { parseWords } from './arguments.ts';
import { Closers } from './closers.ts';
import { provideDatabase } from './services.ts';

const usage = `Usage: rungraph migrate

Brings the database up to date and ends, without serving anything: for installations in which that is a step of its own. Servers do it
too when they start. A database of a newer version is refused.

  --help   prints this

RUNGRAPH_HOME and DATABASE_URL are those of the server.
`;

/** `migrate`: brings the database up to date. */
export async function migrateOnly(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  if (!parseWords({ command: 'migrate', usage, words: 0 }, args)) {
    process.stdout.write(usage);
    return 0;
  }
  const closers = new Closers();
  try {
    const applied = await migrate(await provideDatabase(readConfig(env), closers));
    process.stdout.write(applied.length ? `Applied ${applied.join(', ')}\n` : 'The database is up to date\n');
  } finally {
    await closers.close();
  }
  return 0;
}
