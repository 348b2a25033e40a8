import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../../src/db/embeddedPostgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    databaseHome: string;
  }
}

/** Names the home of the test run's PostgreSQL. The first file that wants a database starts it; the end of the run stops it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const home = await mkdtemp(path.join(os.tmpdir(), 'rungraph-test-'));
  project.provide('databaseHome', home);
  return async () => {
    if (existsSync(path.join(home, 'postgres'))) await (await startEmbeddedPostgres(home)).stop();
    await rm(home, { recursive: true, force: true });
  };
}
