import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { importDataset } from '../../src/commands/dataset.ts';
import { findDataset, listSamples } from '../../src/store/dataset.ts';
import { countImages } from '../../src/store/datasetCounts.ts';
import { importDatasetJob } from '../../src/worker/datasetImport.ts';
import { silent, type TestContext, testContext } from '../support/commandContext.ts';
import { writeFolder } from '../support/imageFiles.ts';

let ctx: TestContext;
let folder: string;
beforeAll(async () => {
  ctx = await testContext();
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-import-'));
  const pictures = (label: string, from: number) =>
    Object.fromEntries([0, 1, 2, 3, 4].map((i) => [`train_images/${label}/${from + i}.jpg`, from + i]));
  await writeFolder(folder, { ...pictures('rust', 1), ...pictures('blight', 10) });
});
afterAll(async () => {
  await ctx.close();
  await rm(folder, { recursive: true, force: true });
});

async function imported(name: string, holdout: object) {
  const id = await importDataset(ctx, { name, path: folder, ...holdout });
  await importDatasetJob(ctx, id, { signal: new AbortController().signal, log: silent });
  return (await findDataset(ctx.db.prisma, { id }))!;
}

it('holds out what the data set asks for', async () => {
  const { id, status, vocab, contentHash } = await imported('held out', { holdoutFraction: 0.4, holdoutSeed: 5 });
  expect({ status, vocab }).toEqual({ status: 'READY', vocab: ['blight', 'rust'] });
  expect((await countImages(ctx.db.prisma, [id])).get(id)).toMatchObject({ trainCount: 6, holdoutCount: 4 });
  const samples = await listSamples(ctx.db.prisma, id, { split: 'HOLDOUT' }, { first: 10 });
  expect(samples.items.map(({ label }) => label)).toEqual(['blight', 'blight', 'rust', 'rust']);
  const again = await imported('the same', { holdoutFraction: 0.4, holdoutSeed: 5 });
  expect(again.contentHash).toBe(contentHash);
  expect((await imported('another', { holdoutFraction: 0.4, holdoutSeed: 6 })).contentHash).not.toBe(contentHash);
});

it('fails, saying why, when nothing can be held out', async () => {
  expect(await imported('nothing', { holdoutFraction: 0.05 })).toMatchObject({
    status: 'FAILED',
    failure: 'holdoutFraction 0.05 holds out none of 10 training images; raise it or add images',
  });
});
