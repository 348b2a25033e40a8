import { mkdir, readdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { beginAttempt, settleAttempt } from '../../src/commands/attempt.ts';
import { updateExperiment } from '../../src/commands/experiment.ts';
import { cleanUp } from '../../src/commands/housekeeping.ts';
import { deleteRun, startRun } from '../../src/commands/run.ts';
import { ownerName } from '../../src/locks/owner.ts';
import { type Artifact, findArtifacts, insertArtifact } from '../../src/store/artifact.ts';
import { experimentBytes } from '../../src/store/experimentStorage.ts';
import { findLogLines } from '../../src/store/log.ts';
import { findRun } from '../../src/store/run.ts';
import { AttemptOutput, removeAbandonedOutputs } from '../../src/worker/outputs.ts';
import { testId } from '../support/catalogue.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { usualRetention as policy } from '../support/retention.ts';
import { quickRetries } from '../support/retries.ts';
import { endedRun, smallConfig, trainableExperiment } from '../support/runs.ts';
import { type TestWorker, testWorker } from '../support/worker.ts';

let ctx: TestContext;
let worker: TestWorker;
let experimentId: string;
beforeAll(async () => {
  ctx = { ...(await testContext()), retries: quickRetries };
  experimentId = await trainableExperiment(ctx);
  worker = await testWorker(ctx);
});
afterAll(async () => {
  await worker.stop();
  await ctx.close();
});

const patience = { timeout: 60_000, interval: 25 };

/** Runs a part of the scripted trainer to its end. */
async function played(part: string) {
  const runId = await startRun(ctx, { experimentId, config: { ...smallConfig, weightsUri: part } });
  const { status } = await endedRun(ctx, runId);
  const lines = await findLogLines(ctx.db.prisma, runId, { afterSeq: 0, limit: 100 });
  return {
    ...{ runId, status },
    artifacts: await findArtifacts(ctx.db.prisma, [runId]),
    log: lines.map(({ line }) => line).join('\n'),
  };
}

/** Attempts' folders that are still there. */
const folders = async () => readdir(path.join(worker.home, 'outputs', ownerName()));

const contentOf = ({ contentHash }: Artifact) => buffer(ctx.blobs.open(contentHash)).then(String);

test('what a trainer leaves is kept with its run, and its folder goes', async () => {
  const { status, artifacts } = await played('leave the weights');
  expect(status).toBe('SUCCEEDED');
  expect(artifacts).toMatchObject([{ kind: 'WEIGHTS', name: 'weights.safetensors', size: 11 }]);
  expect(await contentOf(artifacts[0]!)).toBe('the weights');
  expect(await folders()).toEqual([]);
});

test('a file that cannot be stored costs its run nothing else, and the log has the reason', async () => {
  const { status, artifacts, log } = await played('leave nothing');
  expect({ status, artifacts }).toEqual({ status: 'SUCCEEDED', artifacts: [] });
  expect(log).toMatch(/^weights\.safetensors could not be stored: ENOENT/m);
});

test('what the quota has no room for is left out, and the log has the reason', async () => {
  await updateExperiment(ctx, { id: experimentId, quota: 1_000_000 });
  const { status, artifacts, log } = await played(`leave ${'x'.repeat(1000)}`);
  expect({ status, kept: artifacts.length }).toEqual({ status: 'SUCCEEDED', kept: 1 });
  expect(log).toBe('');
  await updateExperiment(ctx, { id: experimentId, quota: 1500 });
  const second = await played(`leave ${'y'.repeat(1000)}`);
  expect(second).toMatchObject({ status: 'SUCCEEDED', artifacts: [] });
  expect(second.log).toMatch(
    /^weights\.safetensors is not kept: it has 1000 bytes, and experiment "leaves \d+" keeps \d+ of the 1500 that its quota allows$/m,
  );
  await updateExperiment(ctx, { id: experimentId, quota: null });
});

test('checkpoints that go at the end leave the quota to the weights; those that are kept for good do not', async () => {
  for (const [keepEvery, kept] of [
    [null, 1],
    [1, 0],
  ] as const) {
    const config = { ...smallConfig, weightsUri: 'leave nothing', checkpoints: { keepEvery } };
    const runId = await startRun(ctx, { experimentId, config });
    await endedRun(ctx, runId);
    const { hash: contentHash, size } = await ctx.blobs.put(Buffer.alloc(100_000, kept));
    const checkpoint = { id: testId('artifact'), kind: 'CHECKPOINT', name: 'checkpoint-epoch-1.safetensors' } as const;
    await insertArtifact(ctx.db.prisma, { ...checkpoint, runId, size, contentHash, createdAt: new Date() });
    const used = (await experimentBytes(ctx.db.prisma, [experimentId])).get(experimentId)!;
    await updateExperiment(ctx, { id: experimentId, quota: used + 10 });
    const output = await AttemptOutput.open(path.join(worker.home, 'own'), { runId, attempt: 1 });
    const file = path.join(output.directory, 'weights');
    await writeFile(file, 'weights of a network');
    output.add({ kind: 'WEIGHTS', name: 'weights.safetensors', path: file });
    expect(await output.keep(ctx, async () => {})).toHaveLength(kept);
    await deleteRun(ctx, runId);
  }
  await updateExperiment(ctx, { id: experimentId, quota: null });
});

test('a trainer that dies leaves no file and no folder', async () => {
  const { status, artifacts } = await played('leave and die');
  expect({ status, artifacts }).toEqual({ status: 'FAILED', artifacts: [] });
  expect(await folders()).toEqual([]);
});

test('the blob goes with the last run that needs it', async () => {
  const [first, second] = [await played('leave shared'), await played('leave shared')];
  const { contentHash } = first.artifacts[0]!;
  expect(second.artifacts[0]!.contentHash).toBe(contentHash);
  await deleteRun(ctx, first.runId);
  expect(await ctx.blobs.has(contentHash)).toBe(true);
  await deleteRun(ctx, second.runId);
  expect(await ctx.blobs.has(contentHash)).toBe(false);
});

test('an attempt that was given up stores nothing, and its blob goes', async () => {
  const busy = await startRun(ctx, { experimentId, config: { ...smallConfig, weightsUri: 'patient FROZEN' } });
  await expect.poll(async () => (await findRun(ctx.db.prisma, busy))!.progress?.phase, patience).toBe('FROZEN');
  // The worker's one device is taken: this run is ours.
  const runId = await startRun(ctx, { experimentId, config: smallConfig });
  const begin = (redelivered: boolean) => beginAttempt(ctx, { runId, workerId: worker.id, redelivered });
  const lost = await begin(false);
  await begin(true);
  const { hash: contentHash, size } = await ctx.blobs.put(Buffer.from('late'));
  const artifacts = [{ kind: 'WEIGHTS', name: 'weights.safetensors', contentHash, size }] as const;
  const outcome = { status: 'SUCCEEDED', imagesPerSecond: 1, peakMemory: 1, trainSeconds: 1, artifacts } as const;
  expect(await settleAttempt(ctx, { runId, attempt: lost!.attempt }, outcome)).toBe('stale');
  // It may be what the attempt that took over is about to name: the garbage collection takes it.
  await cleanUp(ctx, { policy, grace: -1000 });
  expect(await ctx.blobs.has(contentHash)).toBe(false);
  expect(await findArtifacts(ctx.db.prisma, [runId])).toEqual([]);
});

test('folders of killed workers of this machine go when a worker starts', async () => {
  const outputs = path.join(worker.home, 'elsewhere', 'outputs');
  // The second: of a process that had the number of this one.
  const dead = [`${os.hostname()}.2147483646-1`, `${os.hostname()}.${process.pid}-1`];
  const kept = [ownerName(), 'other.machine.2147483646-1'];
  for (const name of [...dead, ...kept]) await mkdir(path.join(outputs, name, 'run_1-1'), { recursive: true });
  await removeAbandonedOutputs(path.dirname(outputs));
  expect((await readdir(outputs)).sort()).toEqual(kept.sort());
  await removeAbandonedOutputs(path.join(worker.home, 'nowhere'));
});
