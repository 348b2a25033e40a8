import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { beginAttempt, settleAttempt } from '../../src/commands/attempt.ts';
import { cancelRun, deleteRun, startRun, updateRun } from '../../src/commands/run.ts';
import { readEvents } from '../../src/store/event.ts';
import { findRun } from '../../src/store/run.ts';
import { experimentOf } from '../support/catalogue.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { problemsOf } from '../support/problems.ts';
import { smallConfig, trainableExperiment } from '../support/runs.ts';

let ctx: TestContext;
let experimentId: string;
beforeAll(async () => {
  ctx = await testContext();
  experimentId = await trainableExperiment(ctx);
});
afterAll(() => ctx.close());

const eventsOf = async (runId: string) =>
  (await readEvents(ctx.db.prisma, [{ runId, after: 0 }], 100)).map(({ seq, payload }) => ({ seq, ...payload }));

const jobsOf = async (runId: string) =>
  (await ctx.db.pool.query(`select from pgboss.job where name = 'run' and data->>'runId' = $1`, [runId])).rowCount;

describe('startRun', () => {
  test('stores the complete config with a drawn seed, the first event and the job', async () => {
    const id = await startRun(ctx, { experimentId, config: smallConfig, tags: ['baseline'] });
    const run = await findRun(ctx.db.prisma, id);
    expect(run).toMatchObject({ status: 'QUEUED', kind: 'TRAINED', currentAttempt: 0, tags: ['baseline'] });
    expect(run?.name).toBe('convnext_atto 32x32 crop 64x64');
    expect(run?.config).toMatchObject({ ...smallConfig, accumulation: 1, validFraction: 0.2, weightDecay: 0.01 });
    expect(run?.config.seed).toEqual(expect.any(Number));
    expect(await eventsOf(id)).toEqual([{ seq: 1, kind: 'STATUS', status: 'QUEUED', attempt: 0, failure: null }]);
    expect(await jobsOf(id)).toBe(1);
  });

  test('keeps a given seed', async () => {
    const id = await startRun(ctx, { experimentId, config: { ...smallConfig, seed: 7 } });
    expect((await findRun(ctx.db.prisma, id))?.config.seed).toBe(7);
  });

  test('reports every problem at once: name, config and experiment', async () => {
    const config = { ...smallConfig, architecture: 'convnext_huge', accumulation: 3 };
    const before = await ctx.db.prisma.run.count();
    const problems = await problemsOf(startRun(ctx, { experimentId: 'exp_none', name: ' ', config }));
    expect(problems.map((p) => p.split(': ')[0])).toEqual([
      'INVALID name',
      'INVALID config.architecture',
      'INVALID config.accumulation',
      'NOT_FOUND experimentId',
    ]);
    expect(await ctx.db.prisma.run.count()).toBe(before);
  });

  test('refuses labels that are not there, a single one, and one named twice', async () => {
    const start = (labels: string[]) => problemsOf(startRun(ctx, { experimentId, config: { ...smallConfig, labels } }));
    expect(await start(['blast', 'rust'])).toEqual([
      'INVALID config.labels.1: the data set has no label "rust"; it has "normal", "blast", "tungro"',
    ]);
    expect((await start(['blast']))[0]).toMatch(/^INVALID config\.labels: at least two/);
    expect((await start(['blast', 'normal', 'blast']))[0]).toMatch(
      /^INVALID config\.labels\.2: "blast" is named twice/,
    );
  });

  test('tells the bounds that a number breaks, and the number', async () => {
    const config = { ...smallConfig, epochs: 0, validFraction: 1, baseLearningRate: 0, weightDecay: 2, labels: [] };
    expect(await problemsOf(startRun(ctx, { experimentId, config }))).toEqual([
      'INVALID config.epochs: must be at least 1, got 0',
      'INVALID config.baseLearningRate: must be more than 0, got 0',
      'INVALID config.weightDecay: must be at most 1, got 2',
      'INVALID config.validFraction: must be less than 1, got 1',
      'INVALID config.labels: must not be empty',
    ]);
  });

  test('tells the first of very many wrong labels and refuses very many tags', async () => {
    const labels = Array.from({ length: 50_000 }, (_, i) => `label ${i}`);
    const tags = labels.slice(0, 101);
    const { problems } = await startRun(ctx, { experimentId, config: { ...smallConfig, labels }, tags }).catch(
      (e) => e,
    );
    expect(problems).toHaveLength(11);
    expect(problems[0]).toMatchObject({ code: 'LIMIT_EXCEEDED', path: ['tags'] });
    expect(problems[1]).toMatchObject({ code: 'INVALID', path: ['config', 'labels', '0'] });
  });

  test('refuses a class with one image, naming it, unless it is left out', async () => {
    const lonely = await trainableExperiment(ctx, { blast: 10, hispa: 1, normal: 10 });
    const problems = await problemsOf(startRun(ctx, { experimentId: lonely, config: smallConfig }));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^INVALID config\.labels: "hispa" has one training image only/);
    await startRun(ctx, { experimentId: lonely, config: { ...smallConfig, labels: ['blast', 'normal'] } });
  });

  test('refuses a micro-batch larger than what is left to train on; accumulation makes it fit', async () => {
    // 38 images: 7 to validate with, 31 to train on.
    const config = { ...smallConfig, effectiveBatchSize: 32 };
    const [problem] = await problemsOf(startRun(ctx, { experimentId, config }));
    expect(problem).toMatch(/^INVALID config\.effectiveBatchSize: a micro-batch is 32 images .* only 31 are left/);
    await startRun(ctx, { experimentId, config: { ...config, accumulation: 2 } });
  });

  test('refuses epochs too short for one optimiser step', async () => {
    // 31 images to train on make 3 micro-batches of 8 an epoch.
    const config = { ...smallConfig, effectiveBatchSize: 64, accumulation: 8, epochs: 2 };
    const [problem] = await problemsOf(startRun(ctx, { experimentId, config }));
    expect(problem).toBe(
      'INVALID config.effectiveBatchSize: 2 epochs of 24 images never add up to one optimiser step of 64; lower effectiveBatchSize or train longer',
    );
    await startRun(ctx, { experimentId, config: { ...config, epochs: 3 } });
  });

  test.each(['s3://bucket/w.bin', 'hf://justone', 'file://elsewhere/w.bin'])(
    'refuses weightsUri %s',
    async (weightsUri) => {
      const problems = await problemsOf(startRun(ctx, { experimentId, config: { ...smallConfig, weightsUri } }));
      expect(problems).toEqual([expect.stringContaining(`INVALID config.weightsUri: "${weightsUri}" `)]);
    },
  );

  test('refuses an experiment without data set or with one that is not ready', async () => {
    const bare = await experimentOf(ctx.db.prisma, null, { name: 'bare' });
    const [without] = await problemsOf(startRun(ctx, { experimentId: bare, config: smallConfig }));
    expect(without).toBe('CONFLICT experimentId: experiment "bare" has no data set to train on');
    await ctx.db.prisma.dataset.create({ data: { id: 'ds_1', name: 'slow', status: 'IMPORTING', root: '/slow' } });
    const waiting = await experimentOf(ctx.db.prisma, 'ds_1', { name: 'waiting' });
    const [importing] = await problemsOf(startRun(ctx, { experimentId: waiting, config: smallConfig }));
    expect(importing).toMatch(/^UNAVAILABLE experimentId: data set "slow" .* is still being imported/);
  });

  test('a retried request with the same key makes no second run, also at the same time', async () => {
    const input = { experimentId, config: smallConfig, idempotencyKey: 'once' };
    const ids = await Promise.all([startRun(ctx, input), startRun(ctx, input)]);
    expect(ids[0]).toBe(ids[1]);
    expect(await startRun(ctx, input)).toBe(ids[0]);
    expect(await jobsOf(ids[0])).toBe(1);
    const [conflict] = await problemsOf(startRun(ctx, { ...input, name: 'another' }));
    expect(conflict).toMatch(/^CONFLICT idempotencyKey/);
  });

  test('a refused request does not use up its key', async () => {
    const input = { experimentId, config: { ...smallConfig, epochs: 0 }, idempotencyKey: 'refused' };
    await problemsOf(startRun(ctx, input));
    expect(await ctx.db.prisma.idempotencyKey.count({ where: { key: 'refused' } })).toBe(0);
  });
});

describe('cancelRun', () => {
  test('a queued run is canceled at once and stays so when its job comes', async () => {
    const id = await startRun(ctx, { experimentId, config: smallConfig });
    await cancelRun(ctx, id);
    const run = await findRun(ctx.db.prisma, id);
    expect(run?.status).toBe('CANCELED');
    expect(run?.finishedAt).toEqual(expect.any(Date));
    await cancelRun(ctx, id); // again: nothing happens
    expect((await eventsOf(id)).map((e) => e.kind === 'STATUS' && e.status)).toEqual(['QUEUED', 'CANCELED']);
    expect(await beginAttempt(ctx, { runId: id, workerId: 'wrk_1', redelivered: false })).toBeNull();
  });

  test('a run that has ended is not canceled', async () => {
    await ctx.db.prisma.worker.create({ data: { id: 'wrk_1', host: 'here', pid: 1, version: '0', engine: 'auto' } });
    const id = await startRun(ctx, { experimentId, config: smallConfig });
    const begun = await beginAttempt(ctx, { runId: id, workerId: 'wrk_1', redelivered: false });
    const token = { runId: id, attempt: begun!.attempt };
    const done = { status: 'SUCCEEDED', imagesPerSecond: 1, peakMemory: 1, trainSeconds: 1 } as const;
    expect(await settleAttempt(ctx, token, done)).toBe('ok');
    expect((await problemsOf(cancelRun(ctx, id)))[0]).toMatch(/^CONFLICT id: run .* has already ended \(SUCCEEDED\)/);
    expect((await problemsOf(cancelRun(ctx, 'run_none')))[0]).toMatch(/^NOT_FOUND id/);
  });
});

test('updateRun changes what is given only', async () => {
  const id = await startRun(ctx, { experimentId, config: smallConfig, name: 'first', tags: ['a'] });
  await updateRun(ctx, { id, notes: 'blurry' });
  expect(await findRun(ctx.db.prisma, id)).toMatchObject({ name: 'first', tags: ['a'], notes: 'blurry' });
  await updateRun(ctx, { id, name: 'second', tags: [], notes: '' });
  expect(await findRun(ctx.db.prisma, id)).toMatchObject({ name: 'second', tags: [], notes: null });
  expect(await problemsOf(updateRun(ctx, { id, name: '' }))).toHaveLength(1);
});

test('deleteRun wants the run ended and unused', async () => {
  const id = await startRun(ctx, { experimentId, config: smallConfig });
  expect((await problemsOf(deleteRun(ctx, id)))[0]).toMatch(/^CONFLICT id: run .* is QUEUED; cancel it first/);
  await cancelRun(ctx, id);
  await ctx.db.prisma.ensemble.create({
    data: {
      id: 'ens_1',
      name: 'best',
      experimentId,
      method: 'MEAN',
      input: {},
      members: { create: { position: 0, runId: id, weight: 1 } },
    },
  });
  expect((await problemsOf(deleteRun(ctx, id)))[0]).toMatch(/^CONFLICT id: run .* is used by ensemble "best"/);
  await ctx.db.prisma.ensemble.delete({ where: { id: 'ens_1' } });
  await deleteRun(ctx, id);
  expect(await findRun(ctx.db.prisma, id)).toBeNull();
  expect(await eventsOf(id)).toEqual([]);
});
