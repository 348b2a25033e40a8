/** Machines that share a database and a bucket, and no folder. */

import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { drawLeafDataset } from '../../src/datasets/leaves.ts';
import { createTestDatabase, dropTestDatabase } from '../support/database.ts';
import { type RunningProcess, spawnTypeScript } from '../support/processes.ts';
import { type S3Server, startS3Server } from '../support/s3Server.ts';
import { startServerProcess } from '../support/serverProcess.ts';

const patience = { timeout: 100_000, interval: 100 };
const secret = 'bucket-secret-5b1c';
let folder: string;
let bucket: S3Server;
let database: string;
const started: RunningProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-s3-'));
  bucket = await startS3Server(['lab']);
  database = await createTestDatabase({ migrated: true });
});
afterEach(async () => {
  for (const { child } of started) child.kill('SIGKILL');
  await Promise.all(started.splice(0).map(({ finished }) => finished));
  await bucket.close();
  await dropTestDatabase(database);
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
});

/** What a machine of that name is told. */
const machine = (name: string) => ({
  ...{ DATABASE_URL: database, RUNGRAPH_HOME: path.join(folder, name), DEVICE: 'cpu', RUNGRAPH_LOG: 'info' },
  ...{ RUNGRAPH_BLOBS: 's3://lab/runs', AWS_ENDPOINT_URL_S3: bucket.url, AWS_REGION: 'eu-central-1' },
  ...{ AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: secret },
});

async function startWorker(name: string): Promise<RunningProcess> {
  const worker = spawnTypeScript('src/bin/worker.ts', [], machine(name));
  started.push(worker);
  await worker.until(/"ready"/);
  return worker;
}

test('a run goes on from its checkpoint on a machine that has never seen it, and the server hands its weights out', async () => {
  const server = await startServerProcess(machine('server'));
  started.push(server);
  const lost = await startWorker('lost');
  await drawLeafDataset(path.join(folder, 'leaves'), { seed: 3, classes: { healthy: 30, tungro: 30 }, testImages: 4 });
  const { importDataset } = await server.ask(
    `mutation ($path: String!) { importDataset(input: { name: "leaves", path: $path }) { dataset { id } userErrors { message } } }`,
    { path: path.join(folder, 'leaves') },
  );
  const datasetId = importDataset.dataset.id;
  const status = async () =>
    (await server.ask('query ($id: ID!) { dataset(id: $id) { status } }', { id: datasetId })).dataset.status;
  await expect.poll(status, patience).toBe('READY');
  const { createExperiment } = await server.ask(
    `mutation ($datasetId: ID!) { createExperiment(input: { name: "leaves", datasetId: $datasetId }) { experiment { id } userErrors { message } } }`,
    { datasetId },
  );
  const { startRun } = await server.ask(
    `mutation ($experimentId: ID!) { startRun(input: { experimentId: $experimentId, config: {
      architecture: "convnext_atto", pretrained: false, size: { height: 32, width: 32 }, epochs: 12, schedule: FIT_ONE_CYCLE
      itemTransform: { size: { height: 64, width: 48 } }, effectiveBatchSize: 8, seed: 5
    } }) { run { id } userErrors { message } } }`,
    { experimentId: createExperiment.experiment.id },
  );
  expect(startRun.userErrors).toEqual([]);
  const read = async () => {
    const { run } = await server.ask(
      `query ($id: ID!) { run(id: $id) { status failure { message } epochs { index } attempts { status resumedFromEpoch } artifacts { kind downloadUrl contentHash } } }`,
      { id: startRun.run.id },
    );
    return run;
  };
  const kinds = async () => (await read()).artifacts.map(({ kind }: { kind: string }) => kind);
  await expect.poll(kinds, patience).toContain('CHECKPOINT');
  lost.child.kill('SIGKILL');
  await lost.finished;

  const other = await startWorker('other');
  await expect.poll(async () => (await read()).status, patience).toBe('SUCCEEDED');
  const { epochs, attempts, artifacts } = await read();
  expect(epochs).toHaveLength(12);
  expect(attempts).toMatchObject([
    { status: 'FAILED', resumedFromEpoch: null },
    { status: 'SUCCEEDED', resumedFromEpoch: expect.any(Number) },
  ]);
  const weights = artifacts.find(({ kind }: { kind: string }) => kind === 'WEIGHTS');
  const bytes = Buffer.from(await (await fetch(server.url + weights.downloadUrl)).arrayBuffer());
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(weights.contentHash);
  const part = await fetch(server.url + weights.downloadUrl, { headers: { range: 'bytes=10-19' } });
  expect(part.status).toBe(206);
  expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(10, 20));

  // The bucket is the only place of blobs; its secret is nobody's business.
  for (const name of ['server', 'lost', 'other']) {
    expect(await readdir(path.join(folder, name)).catch(() => [])).not.toContain('blobs');
  }
  const keys = artifacts.map(
    ({ contentHash: hash }: { contentHash: string }) => `lab/runs/${hash.slice(0, 2)}/${hash}`,
  );
  // The kill may have left one that nothing names yet.
  expect([...bucket.objects.keys()]).toEqual(expect.arrayContaining(keys));
  for (const { output } of [server, lost, other]) expect(output()).not.toContain(secret);
});

test('a bucket that takes nothing is named at the start', async () => {
  const env = { ...machine('server'), RUNGRAPH_BLOBS: 's3://nobodys', PORT: '0' };
  const server = spawnTypeScript('src/bin/server.ts', [], env);
  started.push(server);
  const { status, stderr } = await server.finished;
  expect(status).toBe(1);
  expect(stderr).toContain('RUNGRAPH_BLOBS: s3://nobodys cannot be written to: ');
  expect(stderr).not.toContain(secret);
});
