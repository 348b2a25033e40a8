/** Imports by real worker processes: one is killed in the middle of an archive, one is told to stop importing. */

import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { importDataset } from '../../src/commands/dataset.ts';
import { cancelImport } from '../../src/commands/datasetImport.ts';
import { createListener } from '../../src/db/listener.ts';
import { createImportFeed } from '../../src/events/importFeed.ts';
import { findDataset } from '../../src/store/dataset.ts';
import { countImages } from '../../src/store/datasetCounts.ts';
import { zipBytes } from '../support/archiveFiles.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { jpegBytes, writeFolder } from '../support/imageFiles.ts';
import { type RunningProcess, spawnTypeScript } from '../support/processes.ts';
import { scriptedTrainer } from '../support/worker.ts';

/** Enough to be caught in the middle. */
const imageCount = 2400;

let ctx: TestContext;
let home: string;
let archive: string;
beforeAll(async () => {
  ctx = await testContext();
  home = await mkdtemp(path.join(os.tmpdir(), 'rungraph-home-'));
  archive = path.join(home, 'leaves.zip');
  const [rust, blight] = [await jpegBytes({ seed: 1 }), await jpegBytes({ seed: 2 })];
  // What follows the end of a JPEG makes it another file, not another picture.
  const parts = Array.from({ length: imageCount }, (_, i) => ({
    name: `${i % 2 ? 'rust' : 'blight'}/${i}.jpg`,
    data: Buffer.concat([i % 2 ? rust : blight, Buffer.from(String(i))]),
  }));
  await writeFile(archive, zipBytes(parts));
});
const processes: RunningProcess[] = [];
afterEach(async () => {
  for (const { child } of processes) child.kill('SIGKILL');
  await Promise.all(processes.splice(0).map(({ finished }) => finished));
});
afterAll(async () => {
  await ctx.close();
  await rm(home, { recursive: true });
});

const patience = { timeout: 90_000, interval: 10 };
const dataset = async (id: string) => (await findDataset(ctx.db.prisma, { id }))!;
const folders = async (name: string) => readdir(path.join(home, 'datasets', name)).catch(() => []);

async function startWorker(): Promise<RunningProcess> {
  const worker = spawnTypeScript(fileURLToPath(new URL('../support/workerProcess.ts', import.meta.url)), [], {
    ...{
      DATABASE_URL: ctx.url,
      TRAINER_MODULE: scriptedTrainer,
      DEVICE: 'cpu',
      RUNGRAPH_LOG: 'warn',
      RUNGRAPH_HOME: home,
    },
  });
  processes.push(worker);
  await worker.until(/ready (\S+)/);
  return worker;
}

test('a worker that is killed while it unpacks leaves nothing that counts, and another one finishes the import', async () => {
  const first = await startWorker();
  const id = await importDataset(ctx, { name: 'killed', path: archive });
  const draft = async () =>
    (await folders('drafts')).find((name) => name.startsWith(`${id}.`) && !name.includes('.lock'));
  await expect
    .poll(async () => (await folders(`drafts/${await draft()}/files/rust`)).length, patience)
    .toBeGreaterThan(50);
  first.child.kill('SIGKILL');
  await first.finished;
  const left = await draft();
  expect(left).toBeDefined();
  expect(await dataset(id)).toMatchObject({ status: 'IMPORTING', importAttempt: 1, contentHash: '' });
  expect(await folders('')).not.toContain(id);

  await startWorker();
  // Removed when the next worker starts, which may be at the next one already.
  expect(await folders('drafts')).not.toContain(left);
  await expect.poll(async () => (await dataset(id)).status, patience).toBe('READY');
  expect(await dataset(id)).toMatchObject({ importAttempt: 2, importProgress: null, vocab: ['blight', 'rust'] });
  expect((await countImages(ctx.db.prisma, [id])).get(id)).toMatchObject({ trainCount: imageCount });
  expect(await folders(`${id}/files/rust`)).toHaveLength(imageCount / 2);
  await expect.poll(() => folders('drafts'), patience).toEqual([]);
});

test('an import is watched live, and canceled while a worker is at it; the worker goes on with the next', async () => {
  const worker = await startWorker();
  const listener = createListener(ctx.url);
  await listener.ready();
  const id = await importDataset(ctx, { name: 'canceled', path: archive });
  const seen: string[] = [];
  let most = 0;
  for await (const { status, importProgress } of await createImportFeed(ctx.db, listener).subscribe(id)) {
    if (seen.at(-1) !== (importProgress?.phase ?? status)) seen.push(importProgress?.phase ?? status);
    const { phase, done = 0 } = importProgress ?? {};
    if (phase === 'CHECKING' && done > most) {
      most = done;
      if (done < imageCount) await cancelImport(ctx, id).catch(() => {});
    }
  }
  await listener.close();
  expect(seen[0]).toBe('IMPORTING');
  expect(seen).toContain('CHECKING');
  expect(seen.at(-1)).toBe('CANCELED');
  await expect.poll(() => folders(''), patience).not.toContain(id);
  await expect.poll(() => folders('drafts'), patience).toEqual([]);
  expect((await countImages(ctx.db.prisma, [id])).get(id)?.trainCount ?? 0).toBe(0);

  const folder = path.join(home, 'few');
  await writeFolder(folder, { 'rust/1.jpg': 1, 'rust/2.jpg': 2, 'blight/3.jpg': 3 });
  const next = await importDataset(ctx, { name: 'next', path: folder });
  await expect.poll(async () => (await dataset(next)).status, patience).toBe('READY');
  expect(worker.child.exitCode).toBeNull();
});
