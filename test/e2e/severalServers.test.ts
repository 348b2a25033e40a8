/** Two servers and two workers, each a process with a home of its own, on one database and one folder of blobs. */

import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type Client, createClient } from 'graphql-ws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { type Batch, eventsOf, follow } from '../api/follow.ts';
import { createTestDatabase, dropTestDatabase } from '../support/database.ts';
import { parseExposition, sampleOf } from '../support/exposition.ts';
import { jpegBytes, writeFolder } from '../support/imageFiles.ts';
import { type RunningProcess, spawnTypeScript } from '../support/processes.ts';
import { logOf, type ServerProcess, startServerProcess } from '../support/serverProcess.ts';

const patience = { timeout: 100_000, interval: 100 };
let folder: string;
let databaseUrl: string;
let a: ServerProcess;
let b: ServerProcess;
let workers: (RunningProcess & { readonly id: string; readonly url: string })[];
const clients: Client[] = [];
/** Also those of a start that has failed half-way. */
const started: RunningProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-several-'));
  databaseUrl = await createTestDatabase({ migrated: true });
  const files: Record<string, Buffer> = {};
  for (let i = 0; i < 24; i++) {
    const label = i % 2 ? 'blast' : 'hispa';
    files[`train_images/${label}/${i}.jpg`] = await jpegBytes({ width: 40, height: 40, seed: i });
  }
  for (let i = 100; i < 104; i++) files[`test_images/${i}.jpg`] = await jpegBytes({ width: 40, height: 40, seed: i });
  await writeFolder(path.join(folder, 'images'), files);
  [a, b] = await Promise.all(['a', 'b'].map(startServer) as [Promise<ServerProcess>, Promise<ServerProcess>]);
  workers = await Promise.all([startWorker('1'), startWorker('2')]);
});
afterAll(async () => {
  for (const client of clients) await client.dispose();
  for (const { child } of started) child.kill('SIGKILL');
  await Promise.all(started.map(({ finished }) => finished));
  await dropTestDatabase(databaseUrl);
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
});

function env(home: string): Record<string, string> {
  return {
    ...{
      DATABASE_URL: databaseUrl,
      RUNGRAPH_HOME: path.join(folder, home),
      RUNGRAPH_BLOBS: path.join(folder, 'blobs'),
    },
    ...{ DEVICE: 'cpu', RUNGRAPH_THREADS: '1', RUNGRAPH_LOG: 'debug', HF_HUB_OFFLINE: '1' },
  };
}

async function startServer(home: string): Promise<ServerProcess> {
  const server = await startServerProcess(env(home));
  started.push(server);
  return server;
}

async function startWorker(name: string) {
  const worker = spawnTypeScript('src/bin/worker.ts', [], { ...env(`worker-${name}`), RUNGRAPH_WORKER_PORT: '0' });
  started.push(worker);
  await worker.until(/"msg":"ready"/);
  const line = logOf(worker).find(({ msg }) => msg === 'health and metrics')!;
  return { ...worker, id: line.workerId as string, url: line.url as string };
}

function socketTo({ url }: { readonly url: string }): Client {
  const client = createClient({
    ...{ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, retryAttempts: 0 },
  });
  clients.push(client);
  return client;
}

const config = `architecture: "convnext_atto", pretrained: false, effectiveBatchSize: 4, freezeEpochs: 0
  itemTransform: { size: { height: 32, width: 32 } }, size: { height: 32, width: 32 }`;

async function startRun(server: ServerProcess, experimentId: string, more: string, headers = {}): Promise<string> {
  const { startRun } = await server.ask(
    `mutation Start($experimentId: ID!) { startRun(input: { experimentId: $experimentId, config: { ${config} ${more} } }) {
      run { id } userErrors { message }
    } }`,
    { experimentId },
    headers,
  );
  expect(startRun.userErrors).toEqual([]);
  return startRun.run.id;
}

const readRun = async (server: ServerProcess, id: string) =>
  (
    await server.ask(
      `query ($id: ID!) { run(id: $id) {
        status epochs { index } attempts { number status resumedFromEpoch worker { id } } artifacts { name kind downloadUrl }
      } }`,
      { id },
    )
  ).run;

const runEvents = `subscription Watch($id: ID!, $after: String) {
  runEvents(runId: $id, after: $after, maxStepRateHz: null) { cursor events { __typename cursor ... on RunStatusChanged { status } } }
}`;
type SeenEvent = Batch['events'][number] & { readonly status?: string };
/** The cursor of one run's event has its number. */
const seqOf = ({ cursor }: SeenEvent) =>
  Object.values(JSON.parse(Buffer.from(cursor, 'base64url').toString()) as Record<string, number>)[0];
const seqsOf = (batches: readonly Batch[]) => (eventsOf(batches) as SeenEvent[]).map(seqOf);
const statesOf = (batches: readonly Batch[]) =>
  (eventsOf(batches) as SeenEvent[]).flatMap(({ status }) => status ?? []);

let experimentId: string;
let trained: string[];

test('what is imported and started at one server is trained by all workers, and followed and made use of at the other', async () => {
  const { importDataset } = await a.ask(
    'mutation ($path: String!) { importDataset(input: { name: "leaves", path: $path }) { dataset { id } userErrors { message } } }',
    { path: path.join(folder, 'images') },
  );
  expect(importDataset.userErrors).toEqual([]);
  const datasetId = importDataset.dataset.id;
  const statusAtB = async () =>
    (await b.ask('query ($id: ID!) { dataset(id: $id) { status } }', { id: datasetId })).dataset;
  await expect.poll(statusAtB, patience).toEqual({ status: 'READY' });

  const made = await a.ask(
    'mutation ($input: CreateExperimentInput!) { createExperiment(input: $input) { experiment { id } } }',
    { input: { name: 'several', datasetId } },
  );
  experimentId = made.createExperiment.experiment.id;
  const watched = follow<Batch>(
    socketTo(b),
    'subscription ($id: ID!) { experimentEvents(experimentId: $id) { cursor events { __typename cursor ... on RunStatusChanged { status } } } }',
    { id: experimentId },
  );
  trained = await Promise.all([1, 2, 3].map((seed) => startRun(a, experimentId, `epochs: 2, seed: ${seed}`)));
  await watched.until((batches) => statesOf(batches).filter((status) => status === 'SUCCEEDED').length === 3);

  const runs = await Promise.all(trained.map((id) => readRun(b, id)));
  const usedWorkers = runs.flatMap(({ attempts }) =>
    attempts.map(({ worker }: { worker: { id: string } }) => worker.id),
  );
  expect(new Set(usedWorkers)).toEqual(new Set(workers.map(({ id }) => id)));

  // Files of one worker and rows of the other server come from any server.
  const weights = runs[0].artifacts.find(({ kind }: { kind: string }) => kind === 'WEIGHTS').downloadUrl as string;
  const [fromA, fromB] = await Promise.all(
    [a, b].map(async ({ url }) =>
      Buffer.from(await (await fetch(new URL(new URL(weights, url).pathname, url))).arrayBuffer()),
    ),
  );
  expect(fromA!.length).toBeGreaterThan(1_000_000);
  expect(fromA!.equals(fromB!)).toBe(true);
  const { createEnsemble } = await b.ask(
    `mutation ($experimentId: ID!, $members: [EnsembleMemberInput!]!) {
      createEnsemble(input: { experimentId: $experimentId, name: "all", members: $members }) { ensemble { id } userErrors { message } }
    }`,
    { experimentId, members: trained.map((runId) => ({ runId })) },
  );
  expect(createEnsemble.userErrors).toEqual([]);
  const { createSubmission } = await b.ask(
    'mutation ($id: ID!) { createSubmission(input: { ensembleId: $id }) { submission { id } userErrors { message } } }',
    { id: createEnsemble.ensemble.id },
  );
  const csv = await (await fetch(`${a.url}/submissions/${createSubmission.submission.id}.csv`)).text();
  expect(csv.trim().split('\n')).toHaveLength(5);

  // Counters are those of each process, the queue is that of all.
  const scrape = () =>
    Promise.all(
      [a, b, ...workers].map(async ({ url }) => parseExposition(await (await fetch(`${url}/metrics`)).text())),
    );
  let scrapes = await scrape();
  const sums = (name: string, labels = {}) => scrapes.map((families) => sampleOf(families, name, labels) ?? 0);
  // A job is completed a moment after its run.
  const completed = async () => {
    scrapes = await scrape();
    return sums('rungraph_queue_jobs', { kind: 'run', state: 'completed' });
  };
  await expect.poll(completed, patience).toEqual([3, 3, 3, 3]);
  const ended = sums('rungraph_attempts_total', { status: 'SUCCEEDED' });
  expect(ended[2]! + ended[3]!).toBe(3);
  expect(Math.min(ended[2]!, ended[3]!)).toBeGreaterThan(0);
  const instances = scrapes.map(
    (families) => families.get('rungraph_info')!.samples.get('rungraph_info')![0]!.labels.instance,
  );
  expect(new Set(instances).size).toBe(4);
}, 300_000);

test('a mutation is followed by its request id through server, job, worker and trainer', async () => {
  const requestId = 'trace-4711';
  const id = await startRun(a, experimentId, 'epochs: 1, seed: 9', { 'x-request-id': requestId });
  await expect.poll(async () => (await readRun(a, id)).status, patience).toBe('SUCCEEDED');
  const linesOf = (process: RunningProcess) => logOf(process).filter((line) => line.requestId === requestId);

  expect(linesOf(a)).toMatchObject([
    {
      ...{ name: 'server', msg: 'operation', transport: 'http', outcome: 'ok', viewer: 'local' },
      ...{ operationType: 'mutation', operationName: 'Start', durationMs: expect.any(Number) },
    },
  ]);
  expect(a.output()).not.toContain(experimentId); // variables are not logged
  await expect.poll(() => workers.flatMap(linesOf).map(({ msg }) => msg), patience).toContain('attempt ended');
  const lines = workers.flatMap(linesOf);
  const messages = lines.map(({ msg }) => msg);
  expect(messages).toEqual(expect.arrayContaining(['attempt begun', 'trainer', 'attempt ended']));
  const [{ jobId, workerId }] = lines as [{ jobId: string; workerId: string }];
  expect(jobId).toMatch(/^[\da-f-]{36}$/);
  for (const line of lines) expect(line).toMatchObject({ name: 'worker', jobId, workerId, runId: id, attempt: 1 });
  expect(linesOf(b)).toEqual([]);
}, 300_000);

test('a run started at one server is subscribed to and canceled at the other', async () => {
  const id = await startRun(a, experimentId, 'epochs: 100000');
  const watched = follow<Batch>(socketTo(b), runEvents, { id });
  await watched.until((batches) => eventsOf(batches).some(({ __typename }) => __typename === 'EpochCompleted'));
  await b.ask('mutation ($id: ID!) { cancelRun(id: $id) { userErrors { message } } }', { id });
  await watched.ended;
  expect(statesOf(watched.values)).toEqual(['QUEUED', 'RUNNING', 'CANCELING', 'CANCELED']);
  expect(seqsOf(watched.values)).toEqual(seqsOf(watched.values).map((_, i) => i + 1));
  expect((await readRun(a, id)).status).toBe('CANCELED');
}, 300_000);

test('a worker that is told to stop lets its trainer write a checkpoint; the run goes on from it at the other worker', async () => {
  const id = await startRun(b, experimentId, 'epochs: 100000, seed: 3');
  await expect.poll(async () => (await readRun(a, id)).epochs.length, patience).toBeGreaterThan(2);
  const [{ worker: holder }] = (await readRun(a, id)).attempts;
  const stopped = workers.find((worker) => worker.id === holder.id)!;
  const other = workers.find((worker) => worker.id !== holder.id)!;
  const before = (await readRun(a, id)).epochs.length;
  const signaled = Date.now();
  stopped.child.kill('SIGTERM');
  expect((await stopped.finished).status).toBe(0);
  expect(Date.now() - signaled).toBeLessThan(60_000); // the bound that it promises, not a timing
  await expect
    .poll(async () => (await readRun(a, id)).attempts, patience)
    .toMatchObject([
      { number: 1, status: 'QUEUED', worker: { id: stopped.id } },
      { number: 2, status: 'RUNNING', worker: { id: other.id }, resumedFromEpoch: expect.any(Number) },
    ]);
  const { attempts } = await readRun(a, id);
  expect(attempts[1].resumedFromEpoch).toBeGreaterThanOrEqual(before - 1);
  const written = logOf(stopped).map(({ msg }) => msg);
  expect(written).toContain('attempt ended');
  await expect.poll(async () => (await readRun(a, id)).epochs.length, patience).toBeGreaterThan(before + 1);
  await b.ask('mutation ($id: ID!) { cancelRun(id: $id) { userErrors { message } } }', { id });
  await expect.poll(async () => (await readRun(a, id)).status, patience).toBe('CANCELED');
}, 300_000);

test('subscribers of a killed server go on at the other behind their cursor, without a gap or a duplicate', async () => {
  const id = await startRun(b, experimentId, 'epochs: 100000');
  const first = follow<Batch>(socketTo(a), runEvents, { id });
  await first.until((batches) => eventsOf(batches).length > 20);
  a.child.kill('SIGKILL');
  await expect(first.ended).rejects.toBeDefined();
  const seen = [...first.values];
  const second = follow<Batch>(socketTo(b), runEvents, { id, after: seen.at(-1)!.cursor });
  await second.until((batches) => eventsOf(batches).length > 20);
  expect(await b.ready()).toMatchObject({ status: 200 });
  await b.ask('mutation ($id: ID!) { cancelRun(id: $id) { userErrors { message } } }', { id });
  await second.ended;
  const seqs = [...seqsOf(seen), ...seqsOf(second.values)];
  expect(seqs).toEqual(seqs.map((_, i) => i + 1));
  expect(statesOf([...seen, ...second.values])).toEqual(['QUEUED', 'RUNNING', 'CANCELING', 'CANCELED']);
}, 300_000);
