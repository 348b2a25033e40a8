import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { register } from 'tsx/esm/api';

register();
const { startEmbeddedPostgres } = await import('../../src/db/embeddedPostgres.ts');

/** Runs `work(url)` with an empty database that exists only meanwhile. */
export async function withTemporaryDatabase(work) {
  const home = await mkdtemp(path.join(os.tmpdir(), 'rungraph-'));
  const postgres = await startEmbeddedPostgres(home, { settings: { fsync: 'off' } });
  try {
    return await work(postgres.url);
  } finally {
    await postgres.stop();
    await rm(home, { recursive: true, force: true });
  }
}
