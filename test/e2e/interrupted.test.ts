import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jpegBytes, writeFolder } from '../support/imageFiles.ts';
import { type RunningProcess, spawnTypeScript } from '../support/processes.ts';

let folder: string;
let server: RunningProcess;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-interrupted-'));
  const files: Record<string, Buffer> = {};
  for (let i = 0; i < 12; i++) {
    const label = i % 2 ? 'blast' : 'hispa';
    files[`train_images/${label}/${i}.jpg`] = await jpegBytes({ width: 40, height: 40, seed: i });
  }
  await writeFolder(path.join(folder, 'images'), files);
});
afterAll(async () => {
  server.child.kill('SIGINT');
  await server.finished;
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
});

/** Starts `rungraph start` and gives a function that asks it. */
async function start() {
  const env = { RUNGRAPH_HOME: path.join(folder, 'home'), PORT: '0', RUNGRAPH_LOG: 'warn' };
  server = spawnTypeScript('src/bin/cli.ts', ['start'], env);
  const [, url] = (await server.until(/(http:\/\/[\d.]+:\d+)/))!;
  return async (query: string) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) });
    // biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
    const { data, errors } = (await response.json()) as any;
    expect(errors).toBeUndefined();
    return data;
  };
}

test('a run interrupted by Ctrl-C goes back to the queue and is trained after the next start', async () => {
  const patience = { timeout: 100_000, interval: 100 };
  let ask = await start();
  const images = JSON.stringify(path.join(folder, 'images'));
  const { importDataset } = await ask(
    `mutation { importDataset(input: { name: "images", path: ${images} }) { dataset { id } } }`,
  );
  const datasetId = importDataset.dataset.id;
  const status = async () => (await ask(`{ dataset(id: "${datasetId}") { status } }`)).dataset.status;
  await expect.poll(status, patience).toBe('READY');
  const { createExperiment } = await ask(
    `mutation { createExperiment(input: { name: "long", datasetId: "${datasetId}" }) { experiment { id } } }`,
  );
  const { startRun } =
    await ask(`mutation { startRun(input: { experimentId: "${createExperiment.experiment.id}", config: {
    architecture: "convnext_atto", pretrained: false, effectiveBatchSize: 4, epochs: 100000, freezeEpochs: 0
    itemTransform: { size: { height: 32, width: 32 } }, size: { height: 32, width: 32 }
  } }) { run { id } userErrors { message } } }`);
  const runId = startRun.run.id;
  const read = async () =>
    (await ask(`{ run(id: "${runId}") { status epochs { index } attempts { number status failure { code } } } }`)).run;
  await expect.poll(async () => (await read()).epochs.length, patience).toBeGreaterThan(0);

  server.child.kill('SIGINT');
  expect((await server.finished).status).toBe(0);

  ask = await start();
  await expect
    .poll(read, patience)
    .toMatchObject({ status: 'RUNNING', epochs: expect.arrayContaining([{ index: 0 }]) });
  // Its worker was stopped in order, not lost: nothing has failed.
  expect((await read()).attempts).toEqual([
    { number: 1, status: 'QUEUED', failure: null },
    { number: 2, status: 'RUNNING', failure: null },
  ]);
  await ask(`mutation { cancelRun(id: "${runId}") { run { id } } }`);
  await expect.poll(async () => (await read()).status, patience).toBe('CANCELED');
}, 300_000);
