/** Full and read-only file systems of their own, below the parts that a worker writes to. */

import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createLocalStore } from '../../src/blobs/localStore.ts';
import { importDataset } from '../../src/commands/dataset.ts';
import { createExperiment } from '../../src/commands/experiment.ts';
import { startRun } from '../../src/commands/run.ts';
import { drawLeafDataset } from '../../src/datasets/leaves.ts';
import { createListener } from '../../src/db/listener.ts';
import { findArtifacts } from '../../src/store/artifact.ts';
import { findDataset } from '../../src/store/dataset.ts';
import { findLogLines } from '../../src/store/log.ts';
import { predictionSetsOfRuns } from '../../src/store/prediction.ts';
import { findRun } from '../../src/store/run.ts';
import { startWorker } from '../../src/worker/worker.ts';
import { silent, type TestContext, testContext } from '../support/commandContext.ts';
import { endedRun } from '../support/runs.ts';
import { noSmallDisk, type SmallDisk, smallDisk } from '../support/smallDisk.ts';
import { workerConfig } from '../support/worker.ts';

const patience = { timeout: 110_000, interval: 50 };

// Skipped with a reason where nothing can be mounted.
describe.skipIf(noSmallDisk !== undefined)(`on a file system of its own ${noSmallDisk ?? ''}`, () => {
  let disk: SmallDisk;
  beforeEach(() => {
    disk = smallDisk(128);
  });
  afterEach(() => disk.remove());

  describe('blobs', () => {
    const refusal = (message: RegExp) => ({
      problems: [{ code: 'UNAVAILABLE', message: expect.stringMatching(message) }],
    });
    const leftIn = async (root: string) =>
      (await readdir(root, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length;

    test('a full disk refuses with folder and remedy, keeps what is there, and takes more once there is space', async () => {
      const root = path.join(disk.path, 'blobs');
      const store = createLocalStore(root);
      const { hash } = await store.put(Buffer.from('there before'));
      await disk.fill();
      const content = Buffer.alloc(100_000, 1);
      const full = refusal(new RegExp(`disk that holds ${root} is full, nothing was stored; free some space`));
      await expect(store.put(content)).rejects.toMatchObject(full);
      const elsewhere = await mkdtemp(path.join(os.tmpdir(), 'rungraph-outputs-'));
      onTestFinished(() => rm(elsewhere, { recursive: true }));
      const file = path.join(elsewhere, 'weights');
      await cp(fileURLToPath(import.meta.url), file);
      await expect(store.adopt(file)).rejects.toMatchObject(full);
      expect(await readdir(elsewhere)).toEqual(['weights']);
      expect(await leftIn(root)).toBe(1);
      expect(String(await buffer(store.open(hash)))).toBe('there before');
      await disk.free();
      expect((await store.put(content)).size).toBe(100_000);
      await store.adopt(file);
      expect(await leftIn(root)).toBe(3);
    });

    test('a file system that becomes read-only refuses, still reads, and takes more when it is writable again', async () => {
      const root = path.join(disk.path, 'blobs');
      const store = createLocalStore(root);
      const { hash } = await store.put(Buffer.from('there before'));
      disk.setReadOnly(true);
      await expect(store.put(Buffer.from('more'))).rejects.toMatchObject(
        refusal(new RegExp(`${root} cannot be written to .*EROFS.*make it writable`)),
      );
      expect(String(await buffer(store.open(hash)))).toBe('there before');
      disk.setReadOnly(false);
      expect((await store.put(Buffer.from('more'))).size).toBe(4);
    });
  });

  describe('a worker', () => {
    let ctx: TestContext;
    let experimentId: string;
    let images: string;
    beforeAll(async () => {
      ctx = await testContext();
      images = await mkdtemp(path.join(os.tmpdir(), 'rungraph-leaves-'));
      await drawLeafDataset(path.join(images, 'leaves'), {
        ...{ seed: 3, classes: { healthy: 14, tungro: 10 }, testImages: 4 },
      });
    });
    afterAll(async () => {
      await ctx.close();
      await rm(images, { recursive: true });
    });

    /** With its home on the small disk; the blobs and the database are elsewhere. Its trainers are real. */
    async function workerOnDisk() {
      const home = path.join(disk.path, 'home');
      await mkdir(home);
      const listener = createListener(ctx.url);
      const trainerModule = fileURLToPath(new URL('../../src/bin/trainer.ts', import.meta.url));
      const worker = await startWorker({
        ...{ config: workerConfig({ RUNGRAPH_HOME: home }), ctx, listener, log: silent, trainerModule },
      });
      return async () => {
        await worker.stop();
        await listener.close();
      };
    }

    async function imported(name: string): Promise<string> {
      const id = await importDataset(ctx, { name, path: path.join(images, 'leaves') });
      await expect.poll(async () => (await findDataset(ctx.db.prisma, { id }))?.status, patience).toBe('READY');
      return id;
    }

    const size = { height: 32, width: 32 };
    const config = {
      ...{ architecture: 'convnext_atto', pretrained: false, itemTransform: { size: { height: 64, width: 64 } }, size },
      ...{ effectiveBatchSize: 8, epochs: 1, freezeEpochs: 1 },
    };

    async function ended(runId: string) {
      const { status, failure } = await endedRun(ctx, runId);
      const db = ctx.db.prisma;
      const lines = await findLogLines(db, runId, { afterSeq: 0, limit: 200 });
      return {
        ...{ status, failure },
        predictions: (await predictionSetsOfRuns(db, [runId])).get(runId)!.length,
        kinds: (await findArtifacts(db, [runId])).map(({ kind }) => kind),
        log: lines.map(({ line }) => line).join('\n'),
      };
    }

    test('whose disk is full trains on: no checkpoint, weights or cache, but every result, and the log says so', async () => {
      const stop = await workerOnDisk();
      try {
        experimentId = await createExperiment(ctx, { name: 'leaves', datasetId: await imported('leaves') });
        await disk.fill();
        const full = await ended(await startRun(ctx, { experimentId, config }));
        expect(full).toMatchObject({ status: 'SUCCEEDED', failure: null, kinds: [] });
        expect(full.predictions).toBeGreaterThan(0);
        expect(full.log).toMatch(/checkpoint.* could not be written: .*ENOSPC/);
        expect(full.log).toMatch(/weights could not be written: .*ENOSPC/);
        expect(full.log).toMatch(/image cache in .* takes no more images, decoding goes on without it: .*ENOSPC/);
        await disk.free();
        const again = await ended(await startRun(ctx, { experimentId, config }));
        expect(again).toMatchObject({ status: 'SUCCEEDED', kinds: ['WEIGHTS'], predictions: full.predictions });
        expect(again.log).not.toMatch(/ENOSPC/);
      } finally {
        await stop();
      }
    });

    test('whose home becomes read-only waits with the next run until it is writable', async () => {
      const stop = await workerOnDisk();
      try {
        disk.setReadOnly(true);
        const runId = await startRun(ctx, { experimentId, config });
        await expect.poll(async () => (await findRun(ctx.db.prisma, runId))!.status, patience).toBe('RUNNING');
        disk.setReadOnly(false);
        expect(await ended(runId)).toMatchObject({ status: 'SUCCEEDED', kinds: ['WEIGHTS'] });
        // It waited: nothing has failed and been tried again.
        expect((await findRun(ctx.db.prisma, runId))!.currentAttempt).toBe(1);
      } finally {
        disk.setReadOnly(false);
        await stop();
      }
    });
  });
});
