/** From a hub on loopback to a trained run: the real worker program, the real trainer. */

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { NamedTensor } from '../../src/blobs/safetensors.ts';
import { writeSafetensors } from '../../src/blobs/safetensorsWriter.ts';
import { importDataset } from '../../src/commands/dataset.ts';
import { createExperiment } from '../../src/commands/experiment.ts';
import { cancelRun, startRun } from '../../src/commands/run.ts';
import { drawLeafDataset } from '../../src/datasets/leaves.ts';
import { findArchitecture } from '../../src/domain/architecture.ts';
import { bodyPrefix } from '../../src/models/model.ts';
import { initialValues } from '../../src/models/parameters.ts';
import { createModel } from '../../src/models/registry.ts';
import { findDataset } from '../../src/store/dataset.ts';
import { findRun } from '../../src/store/run.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { type HubServer, startHub } from '../support/hubServer.ts';
import { type RunningProcess, spawnTypeScript } from '../support/processes.ts';
import { endedRun } from '../support/runs.ts';

const token = 'hf_tokenOfThisTest';
const size = { height: 32, width: 32 };
const patience = { timeout: 110_000, interval: 100 };

let ctx: TestContext;
let hub: HubServer;
let worker: RunningProcess;
let folder: string;
let weightsFile: string;
let experimentId: string;

/** A checkpoint as timm publishes it, of random weights. */
async function writeCheckpoint(file: string): Promise<number> {
  const body = createModel(findArchitecture('convnext_atto')!, size, 2).parameters.filter(({ group }) => group === 0);
  const tensors = new Map<string, NamedTensor>(
    body.map((p) => [p.name.slice(bodyPrefix.length + 1), { shape: p.shape, data: initialValues(p, 5) }]),
  );
  tensors.set('head.fc.weight', { shape: [1000, 320], data: new Float32Array(320_000) });
  tensors.set('head.fc.bias', { shape: [1000], data: new Float32Array(1000) });
  await writeSafetensors(file, tensors);
  return body.length;
}

let parameters: number;
beforeAll(async () => {
  ctx = await testContext();
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-pretrained-'));
  weightsFile = path.join(folder, 'atto.safetensors');
  parameters = await writeCheckpoint(weightsFile);
  hub = await startHub({ 'timm/convnext_atto.d2_in1k/model.safetensors': await readFile(weightsFile) }, { token });
  worker = spawnTypeScript('src/bin/worker.ts', [], {
    DATABASE_URL: ctx.url,
    RUNGRAPH_HOME: path.join(folder, 'home'),
    DEVICE: 'cpu',
    HF_ENDPOINT: hub.url,
    HF_TOKEN: token,
    HF_HOME: path.join(folder, 'hf'),
  });
  await worker.until(/"msg":"ready"/);
  const leaves = path.join(folder, 'leaves');
  await drawLeafDataset(leaves, { seed: 3, classes: { healthy: 8, tungro: 8 }, testImages: 2 });
  const datasetId = await importDataset(ctx, { name: 'leaves', path: leaves });
  await vi.waitFor(async () => {
    expect((await findDataset(ctx.db.prisma, { id: datasetId }))?.status).toBe('READY');
  }, patience);
  experimentId = await createExperiment(ctx, { name: 'leaves', datasetId });
});
afterAll(async () => {
  worker.child.kill('SIGTERM');
  await worker.finished;
  await hub.close();
  await ctx.close();
  await rm(folder, { recursive: true });
});

function start(changes: Record<string, unknown> = {}): Promise<string> {
  const itemTransform = { size: { height: 64, width: 64 } };
  const recipe = {
    architecture: 'convnext_atto',
    itemTransform,
    size,
    effectiveBatchSize: 4,
    epochs: 1,
    freezeEpochs: 0,
  };
  return startRun(ctx, { experimentId, config: { ...recipe, ...changes } });
}

const ended = (id: string) => endedRun(ctx, id);

async function logOf(runId: string): Promise<string[]> {
  const rows = await ctx.db.prisma.runLog.findMany({ where: { runId }, orderBy: { seq: 'asc' } });
  return rows.map(({ line }) => line);
}

test('a run downloads its weights and trains from them', async () => {
  const id = await start();
  const run = await ended(id);
  expect(run.failure).toBeNull();
  expect(run.status).toBe('SUCCEEDED');
  expect(hub.methods()).toBe('HEAD GET');

  const log = (await logOf(id)).join('\n');
  const source = 'hf://timm/convnext_atto.d2_in1k/model.safetensors';
  expect(log).toMatch(
    new RegExp(`downloading ${source} \\(\\d+\\.\\d MB\\) from 127\\.0\\.0\\.1:\\d+\\ndownloaded ${source}`),
  );
  expect(log).toContain(`${parameters} tensors loaded from model.safetensors (timm names), 2 ignored`);
  const events = await ctx.db.prisma.runEvent.findMany({
    where: { runId: id, kind: 'PROGRESS' },
    orderBy: { seq: 'asc' },
  });
  const downloads = events.filter(({ payload }) => JSON.stringify(payload).includes('"PREPARING"'));
  const told = JSON.stringify(downloads.map(({ payload }) => payload));
  expect(told).toMatch(/"batches":15/);
  expect(told).toMatch(/"source":"hf:\/\/timm\/convnext_atto.d2_in1k"/);
  expect(run.progress?.weights).toBeUndefined();
});

test('the next one finds them; its trainer never sees the token, and nobody tells it', async () => {
  const id = await start({ epochs: 10_000 });
  await expect.poll(async () => (await findRun(ctx.db.prisma, id))?.progress?.phase, patience).toBe('UNFROZEN');
  const { pid } = await ctx.db.prisma.attempt.findFirstOrThrow({ where: { runId: id } });
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8');
  expect(environment).toContain('HF_ENDPOINT=');
  expect(environment).not.toContain(token);
  await cancelRun(ctx, id);
  expect((await ended(id)).status).toBe('CANCELED');
  expect(hub.methods()).toBe('HEAD GET HEAD');

  expect(worker.output()).not.toContain(token);
  const everything = await ctx.db.prisma.$queryRawUnsafe<{ text: string }[]>(
    'select row_to_json(e)::text as text from run_event e union all select row_to_json(r)::text from run r',
  );
  expect(everything.length).toBeGreaterThan(5);
  expect(everything.filter(({ text }) => text.includes(token))).toEqual([]);
});

test('what the hub has not makes the run FAILED, and says what to do', async () => {
  const run = await ended(await start({ architecture: 'convnext_femto' }));
  expect(run).toMatchObject({ status: 'FAILED', failure: { code: 'WEIGHTS_UNAVAILABLE', retryable: false } });
  expect(run.failure!.message).toContain('hf://timm/convnext_femto.d1_in1k has neither model.safetensors');
  expect(run.failure!.message).toContain(hub.url);
  expect(run.failure!.message).toContain('pretrained: false');
});

test('so do weights of another architecture: file, key and shapes are named', async () => {
  const run = await ended(await start({ architecture: 'convnext_femto', weightsUri: weightsFile }));
  expect(run).toMatchObject({ status: 'FAILED', failure: { code: 'WEIGHTS_UNAVAILABLE', retryable: false } });
  expect(run.failure!.message).toContain(
    `${weightsFile}: stem.0.weight has shape [40, 3, 4, 4], but convnext_femto at 32x32 needs [48, 3, 4, 4]`,
  );
});

test('a download is canceled; the next run goes on with it', async () => {
  const key = 'timm/other/model.safetensors';
  hub.files.set(key, await readFile(weightsFile).then((bytes) => Buffer.concat([bytes.subarray(0, -1), Buffer.of(1)])));
  hub.seen.length = 0;
  hub.faults.GET.push({ kind: 'stall', after: 5_000_000 });
  const id = await start({ weightsUri: 'hf://timm/other' });
  await expect.poll(async () => (await findRun(ctx.db.prisma, id))?.progress?.batches, patience).toBe(15);
  await cancelRun(ctx, id);
  expect((await ended(id)).status).toBe('CANCELED');
  expect(await readdir(path.join(folder, 'hf/hub/.locks/models--timm--other'))).toEqual([]);

  expect((await ended(await start({ weightsUri: 'hf://timm/other' }))).status).toBe('SUCCEEDED');
  expect(hub.methods()).toBe('HEAD GET HEAD GET');
  expect(hub.seen.at(-1)!.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
});
