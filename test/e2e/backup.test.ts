import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { startEmbeddedPostgres } from '../../src/db/embeddedPostgres.ts';
import { canonicalJson, type JsonObject } from '../../src/domain/json.ts';
import { writeFolder } from '../support/imageFiles.ts';
import { spawnTypeScript } from '../support/processes.ts';
import { type RunResult, resultOf } from '../support/runResult.ts';
import { Installation } from '../support/soak/installation.ts';

const installations: Installation[] = [];
const folders: string[] = [];
const homes: string[] = [];
afterEach(async () => {
  for (const installation of installations) installation.killAll();
  installations.splice(0);
  for (const home of homes.splice(0)) await stopPostgres(home).catch(() => {});
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true, maxRetries: 10 });
});

const patience = { timeout: 300_000, interval: 100 };

test('a backup made during a sweep, restored elsewhere: what ran goes on from its checkpoints and ends the same', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-backup-'));
  folders.push(folder);
  const [sourceHome, targetHome] = [path.join(folder, 'source'), path.join(folder, 'target')];
  homes.push(sourceHome, targetHome);
  const source = new Installation({ home: sourceHome, workers: 1 });
  installations.push(source);
  await source.start();
  const db = await openDatabase(source.databaseUrl);
  const runIds = await startSweep(source, folder);
  const hasCheckpoint = () =>
    db.prisma.run.count({ where: { status: 'RUNNING', artifacts: { some: { kind: 'CHECKPOINT' } } } });
  await expect.poll(hasCheckpoint, patience).toBe(1);
  const file = path.join(folder, 'backup.tar');
  await rungraph('backup', file, sourceHome);
  const expected = await results(db, runIds, sourceHome);
  await db.close();
  await source.stop();
  await stopPostgres(sourceHome);

  await rungraph('restore', file, targetHome);
  const target = new Installation({ home: targetHome, workers: 1 });
  installations.push(target);
  await target.startPostgres();
  const copy = await openDatabase(target.databaseUrl);
  const states = await copy.prisma.run.findMany({ orderBy: { id: 'asc' }, include: { attempts: true } });
  expect(states.map(({ id }) => id)).toEqual([...runIds].sort());
  expect(states.map(({ status }) => status)).toEqual(runIds.map(() => 'QUEUED'));
  const interrupted = states.filter(({ attempts }) => attempts.length === 1);
  expect(interrupted.length).toBe(1);
  await target.start();
  expect(await results(copy, runIds, targetHome)).toEqual(expected);
  const [first, second] = await copy.prisma.attempt.findMany({
    where: { runId: interrupted[0]!.id },
    orderBy: { number: 'asc' },
  });
  expect(first).toMatchObject({ status: 'QUEUED' });
  expect(second).toMatchObject({ status: 'SUCCEEDED', resumedFromEpoch: expect.any(Number) });
  await copy.close();
  await target.stop();
});

async function stopPostgres(home: string): Promise<void> {
  await (await startEmbeddedPostgres(home)).stop();
}

/** Two small trainings; returns the ids of their runs. */
async function startSweep(installation: Installation, folder: string): Promise<string[]> {
  const files: Record<string, number> = {};
  for (let i = 0; i < 60; i++) files[`train_images/${i % 2 ? 'blast' : 'hispa'}/${i}.png`] = i;
  for (let i = 0; i < 4; i++) files[`test_images/${i}.png`] = 100 + i;
  const images = path.join(folder, 'images');
  await mkdir(images);
  await writeFolder(images, files);
  const { importDataset } = await installation.ask(
    'mutation ($path: String!) { importDataset(input: { name: "images", path: $path }) { dataset { id } userErrors { message } } }',
    { path: images },
  );
  const datasetId: string = importDataset.dataset.id;
  const imported = async () =>
    (await installation.ask('query ($id: ID!) { dataset(id: $id) { status } }', { id: datasetId })).dataset.status;
  await expect.poll(imported, patience).toBe('READY');
  const { createExperiment } = await installation.ask(
    'mutation ($input: CreateExperimentInput!) { createExperiment(input: $input) { experiment { id } } }',
    { input: { name: 'leaves', datasetId } },
  );
  const input = {
    experimentId: createExperiment.experiment.id,
    architectures: ['convnext_atto'],
    preprocessings: [{ itemTransform: { size: { height: 64, width: 64 } }, size: { height: 32, width: 32 } }],
    config: { pretrained: false, effectiveBatchSize: 8, epochs: 6, seed: 5, baseLearningRate: [0.01, 0.002] },
  };
  const { startSweep } = await installation.ask(
    `mutation ($input: StartSweepInput!) {
      startSweep(input: $input) { sweep { runs { nodes { id } } } userErrors { path message } }
    }`,
    { input },
  );
  expect(startSweep.userErrors).toEqual([]);
  return startSweep.sweep.runs.nodes.map(({ id }: { id: string }) => id);
}

/** What all of the runs have computed once they have ended, by config. */
async function results(db: Database, runIds: readonly string[], home: string): Promise<Map<string, RunResult>> {
  const found = new Map<string, RunResult>();
  for (const id of runIds) {
    const find = () => db.prisma.run.findUniqueOrThrow({ where: { id } });
    await expect.poll(async () => (await find()).status, patience).toBe('SUCCEEDED');
    const blobs = (hash: string) => path.join(home, 'blobs', hash.slice(0, 2), hash);
    found.set(canonicalJson((await find()).config as JsonObject), await resultOf(db.prisma, id, blobs));
  }
  return found;
}

async function rungraph(command: string, file: string, home: string): Promise<void> {
  const env = { RUNGRAPH_HOME: home, RUNGRAPH_LOG: 'warn' };
  const { status, stderr } = await spawnTypeScript('src/bin/cli.ts', [command, file], env).finished;
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
}
