import { afterAll, beforeAll, expect, test } from 'vitest';
import { cancelSweep, startSweep } from '../../src/commands/sweep.ts';
import { planSweep } from '../../src/commands/sweepPlan.ts';
import { combinedStatus } from '../../src/domain/sweep.ts';
import { UserInputError } from '../../src/errors.ts';
import { listRuns } from '../../src/store/runList.ts';
import { countSweepRuns, getSweeps, listSweepRuns } from '../../src/store/sweep.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { trainableExperiment } from '../support/runs.ts';

let ctx: TestContext;
let experimentId: string;
beforeAll(async () => {
  ctx = await testContext();
  experimentId = await trainableExperiment(ctx);
});
afterAll(() => ctx.close());

const size = (side: number) => ({ height: side, width: side });
const members = async (id: string) => (await listSweepRuns(ctx.db.prisma, id, { first: 100 })).items;
const preprocessings = [
  { name: 'squish', itemTransform: { size: size(64), method: 'SQUISH' }, size: size(32) },
  { itemTransform: { size: size(64) }, size: size(64) },
];

test('a run of every pair, architectures outermost, sharing the rest of the config and one seed', async () => {
  const id = await startSweep(ctx, {
    experimentId,
    architectures: ['convnext_atto', 'vit_tiny_patch16_224'],
    preprocessings,
    config: { effectiveBatchSize: 8, accumulation: 2 },
    tags: ['sweep'],
  });
  const { items } = await listRuns(ctx.db.prisma, {
    sweepId: id,
    first: 10,
    orderBy: { field: 'CREATED_AT', direction: 'ASC' },
  });
  expect(items.map((run) => run.name)).toEqual([
    'convnext_atto squish',
    'convnext_atto 64x64 crop 64x64',
    'vit_tiny_patch16_224 squish',
    'vit_tiny_patch16_224 64x64 crop 64x64',
  ]);
  expect((await members(id)).map((run) => run.id)).toEqual(items.map((run) => run.id));
  for (const run of items) {
    expect(run.config).toMatchObject({ effectiveBatchSize: 8, accumulation: 2, seed: items[0]!.config.seed });
    expect(run.tags).toEqual(['sweep']);
  }
  const { rows } = await ctx.db.pool.query<{ id: string }>(
    `select data->>'runId' as id from pgboss.job where name = 'run' order by created_on`,
  );
  expect(rows.map((row) => row.id)).toEqual(items.map((run) => run.id));

  await cancelSweep(ctx, id);
  expect(await countSweepRuns(ctx.db.prisma, [id])).toEqual([{ sweepId: id, status: 'CANCELED', count: 4 }]);
  await cancelSweep(ctx, id); // again: nothing happens
});

test('one problem anywhere makes no run at all; each problem is reported once, where it is', async () => {
  const before = await ctx.db.prisma.run.count();
  const refused = startSweep(ctx, {
    experimentId,
    architectures: ['convnext_atto', 'nonesuch', 'vit_tiny_patch16_224'],
    preprocessings: [preprocessings[0]!, { itemTransform: { size: size(64) }, size: size(40) }],
    config: { labels: ['rust', 'blast'] },
  });
  await expect(refused).rejects.toBeInstanceOf(UserInputError);
  await expect(refused).rejects.toMatchObject({
    problems: [
      { path: ['config', 'labels', '0'] },
      { path: ['architectures', '1'] },
      { path: ['preprocessings', '1', 'size'] },
    ],
  });
  expect(await ctx.db.prisma.run.count()).toBe(before);
});

test('when the last run cannot be queued, nothing of the sweep is there', async () => {
  const rows = async () => [
    await ctx.db.prisma.sweep.count(),
    await ctx.db.prisma.sweepMember.count(),
    await ctx.db.prisma.run.count(),
    (await ctx.db.pool.query('select from pgboss.job')).rowCount,
  ];
  const before = await rows();
  const queue: typeof ctx.queue = {
    ...ctx.queue,
    enqueue: async (...jobs) => {
      await ctx.queue.enqueue(...jobs);
      throw new Error('the queue is gone');
    },
  };
  const input = { experimentId, architectures: ['convnext_atto'], preprocessings, config: { effectiveBatchSize: 8 } };
  await expect(startSweep({ ...ctx, queue }, input)).rejects.toThrow('the queue is gone');
  expect(await rows()).toEqual(before);
});

test('empty lists and too many runs are refused', async () => {
  await expect(startSweep(ctx, { experimentId, architectures: [], preprocessings: [] })).rejects.toMatchObject({
    problems: [{ path: ['architectures'] }, { path: ['preprocessings'] }],
  });
  const architectures = Array.from({ length: 101 }, () => 'convnext_atto');
  await expect(startSweep(ctx, { experimentId, architectures, preprocessings })).rejects.toMatchObject({
    problems: expect.arrayContaining([expect.objectContaining({ code: 'LIMIT_EXCEEDED' })]),
  });
});

test('a list far too long is refused at once, without planning its runs', async () => {
  const refused = startSweep(ctx, {
    experimentId,
    architectures: Array.from({ length: 3000 }, () => 'nonesuch'),
    preprocessings: Array.from({ length: 3000 }, () => preprocessings[0]!),
  });
  // Planned, it would also name every architecture and take most of an hour.
  await expect(refused).rejects.toMatchObject({ problems: [{ code: 'LIMIT_EXCEEDED', path: ['architectures'] }] });
});

test('lists in the config make a run of every combination, in the order of the schema, the last one fastest', async () => {
  const id = await startSweep(ctx, {
    experimentId,
    architectures: ['convnext_atto'],
    preprocessings: [...preprocessings],
    // Not in the order of the schema.
    config: {
      seed: [2, 1],
      schedule: ['FIT_ONE_CYCLE', 'FINE_TUNE'],
      effectiveBatchSize: [8],
      splitSeed: 3,
      epochs: null,
    },
  });
  const runs = await members(id);
  const [squish, crop] = ['convnext_atto squish', 'convnext_atto 64x64 crop 64x64'];
  expect(runs.map((run) => run.name)).toEqual(
    [squish, crop].flatMap((name) =>
      ['fit_one_cycle', 'fine_tune'].flatMap((schedule) => [2, 1].map((seed) => `${name} ${schedule} seed ${seed}`)),
    ),
  );
  for (const run of runs) {
    expect(run.config).toMatchObject({
      seed: Number(run.name.at(-1)),
      schedule: run.name.includes('fine_tune') ? 'FINE_TUNE' : 'FIT_ONE_CYCLE',
      ...{ effectiveBatchSize: 8, splitSeed: 3, epochs: 12 },
    });
  }
  expect((await getSweeps(ctx.db.prisma, [id])).get(id)?.name).toBe(
    '1 architecture x 2 preprocessings x 2 values of schedule x 2 values of seed',
  );
});

test('names tell what is varied and nothing else, also of objects and long paths', async () => {
  const weightsUri = [`file:///${'deep/'.repeat(60)}a.safetensors`, 'b.safetensors'];
  const predict = [
    { ttaPasses: 4, ttaBeta: 0.5 },
    { ttaPasses: 8, ttaBeta: 0.5 },
  ];
  const input = { experimentId, architectures: ['convnext_atto'], preprocessings: [preprocessings[0]!] };
  const config = { effectiveBatchSize: 8, pretrained: [true, false], weightsUri, predict, labels: ['blast', 'normal'] };
  const { runs, problems } = await planSweep(ctx.db.prisma, { ...input, config });
  expect(problems).toEqual([]);
  expect(runs.slice(0, 3).map((run) => run.name)).toEqual([
    'convnext_atto squish pretrained true weights …p/deep/deep/deep/deep/deep/a.safetensors ttaPasses 4',
    'convnext_atto squish pretrained true weights …p/deep/deep/deep/deep/deep/a.safetensors ttaPasses 8',
    'convnext_atto squish pretrained true weights b.safetensors ttaPasses 4',
  ]);
  for (const run of runs) expect(run.config!.labels).toEqual(['blast', 'normal']);
});

test('a wrong value is reported at its place in its list, a single one at its field', async () => {
  const input = { experimentId, architectures: ['convnext_atto'], preprocessings: [preprocessings[0]!] };
  const problemsOf = async (config: Record<string, unknown>) =>
    (await planSweep(ctx.db.prisma, { ...input, config })).problems;
  expect(
    await problemsOf({
      effectiveBatchSize: [8],
      epochs: [1, 0],
      accumulation: [1, 3],
      predict: [{}, { ttaPasses: 65 }],
    }),
  ).toMatchObject([
    { path: ['config', 'predict', '1', 'ttaPasses'], message: 'must be at most 64, got 65' },
    { path: ['config', 'epochs', '1'], message: 'must be at least 1, got 0' },
    { path: ['config', 'accumulation', '1'], message: expect.stringContaining('must divide effectiveBatchSize (8)') },
  ]);
  expect(await problemsOf({ effectiveBatchSize: 8, weightsUri: ['w.bin', 's3://b/w.bin'] })).toMatchObject([
    { path: ['config', 'weightsUri', '1'] },
  ]);
  expect(await problemsOf({ effectiveBatchSize: [8], epochs: [0] })).toMatchObject([{ path: ['config', 'epochs'] }]);
  // A rule that needs the images: 38 of them, one batch of 32 does not fit beside the validation split.
  expect(await problemsOf({ effectiveBatchSize: [8, 32] })).toMatchObject([
    { path: ['config', 'effectiveBatchSize', '1'] },
  ]);
  expect(await problemsOf({ effectiveBatchSize: 8, epoch: 1 })).toMatchObject([{ code: 'INVALID', path: ['config'] }]);
  expect(
    await planSweep(ctx.db.prisma, {
      ...{ ...input, preprocessings: [{ ...preprocessings[0]!, name: ' ' }] },
      config: { effectiveBatchSize: 8 },
    }),
  ).toMatchObject({ problems: [{ path: ['preprocessings', '0', 'name'] }] });
});

test('every list counts towards the limit; an empty one is refused; neither is expanded', async () => {
  const input = { experimentId, architectures: ['convnext_atto'], preprocessings };
  const seed = Array.from({ length: 101 }, (_, i) => i);
  const plan = await planSweep(ctx.db.prisma, { ...input, config: { epochs: [1], seed } });
  expect(plan).toMatchObject({
    runs: [],
    problems: [
      {
        code: 'LIMIT_EXCEEDED',
        message: '1 architecture x 2 preprocessings x 101 values of seed are 202 runs, a sweep may have 200',
        path: ['config', 'seed'],
      },
    ],
  });
  // 200^4 runs: expanded, they would not fit into memory.
  const many = Array.from({ length: 200 }, (_, i) => i + 1);
  const huge = { seed: many, splitSeed: many, epochs: many, freezeEpochs: many };
  expect(await planSweep(ctx.db.prisma, { ...input, config: huge })).toMatchObject({ runs: [] });
  expect(await planSweep(ctx.db.prisma, { ...input, config: { seed: [], epochs: [] } })).toMatchObject({
    runs: [],
    problems: [{ path: ['config', 'epochs'] }, { path: ['config', 'seed'] }],
  });
});

test('a value given twice is refused at its second place: also an alias, and a default written out', async () => {
  const architectures = ['convnext_atto', 'vit_tiny_patch16_224', 'convnext_atto.d2_in1k'];
  const twice = { name: 'again', itemTransform: { size: size(64), method: 'CROP' }, size: size(64) };
  const refused = startSweep(ctx, {
    ...{ experimentId, architectures, preprocessings: [...preprocessings, twice] },
    config: { effectiveBatchSize: 8, seed: [1, 2, 1] },
  });
  await expect(refused).rejects.toBeInstanceOf(UserInputError);
  const problems = await refused.catch((error: UserInputError) => error.problems);
  expect(problems).toHaveLength(3);
  expect(problems).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        path: ['architectures', '2'],
        message: expect.stringContaining('is the same as architectures.0 (convnext_atto)'),
      }),
      expect.objectContaining({ path: ['preprocessings', '2'] }),
      expect.objectContaining({
        path: ['config', 'seed', '2'],
        message: 'is the same as config.seed.0 (1); give each value once, or set skipIdentical',
      }),
    ]),
  );
});

test('a plan is what would be queued, names and configs, and writes nothing', async () => {
  const input = {
    experimentId,
    architectures: ['convnext_atto', 'convnext_femto'],
    preprocessings,
    config: { effectiveBatchSize: 8, baseLearningRate: [0.01, 0.002], seed: 4 },
  };
  const before = [await ctx.db.prisma.run.count(), await ctx.db.prisma.sweep.count()];
  const plan = await planSweep(ctx.db.prisma, input);
  expect([await ctx.db.prisma.run.count(), await ctx.db.prisma.sweep.count()]).toEqual(before);
  const runs = await members(await startSweep(ctx, input));
  expect(plan.problems).toEqual([]);
  expect(plan.runs.map(({ name, config }) => ({ name, config }))).toEqual(
    runs.map(({ name, config }) => ({ name, config })),
  );

  const wrong = await planSweep(ctx.db.prisma, { ...input, architectures: ['convnext_atto', 'nonesuch'] });
  expect(wrong.problems).toMatchObject([{ path: ['architectures', '1'] }]);
  expect(wrong.runs.map((run) => [run.name, run.config === null, run.problems.length])).toEqual([
    ['convnext_atto squish lr 0.01', false, 0],
    ['convnext_atto squish lr 0.002', false, 0],
    ['convnext_atto 64x64 crop 64x64 lr 0.01', false, 0],
    ['convnext_atto 64x64 crop 64x64 lr 0.002', false, 0],
    ['nonesuch squish lr 0.01', true, 1],
    ['nonesuch squish lr 0.002', true, 1],
    ['nonesuch lr 0.01', true, 1],
    ['nonesuch lr 0.002', true, 1],
  ]);
  const open = await planSweep(ctx.db.prisma, { ...input, config: { effectiveBatchSize: 8 } });
  expect(open.runs[0]!.config!.seed).toBeNull();
});

test('the same key makes the same sweep', async () => {
  const input = {
    experimentId,
    architectures: ['convnext_atto'],
    preprocessings: [preprocessings[0]!],
    config: { effectiveBatchSize: 8 },
    idempotencyKey: 'sweep once',
  };
  const id = await startSweep(ctx, input);
  expect(await startSweep(ctx, input)).toBe(id);
  expect(await members(id)).toHaveLength(1);
  expect((await getSweeps(ctx.db.prisma, [id])).get(id)?.name).toBe('1 architecture x 1 preprocessing');
});

test('the status of a sweep is that of its runs together', () => {
  const of = (...statuses: Parameters<typeof combinedStatus>[0][number]['status'][]) =>
    combinedStatus(statuses.map((status) => ({ status, count: 1 })));
  expect(of('QUEUED', 'QUEUED')).toBe('QUEUED');
  expect(of('QUEUED', 'SUCCEEDED')).toBe('RUNNING');
  expect(of('RUNNING', 'FAILED')).toBe('RUNNING');
  expect(of('CANCELING', 'RUNNING')).toBe('CANCELING');
  expect(of('SUCCEEDED', 'FAILED', 'CANCELED')).toBe('FAILED');
  expect(of('SUCCEEDED', 'CANCELED')).toBe('CANCELED');
  expect(of('SUCCEEDED')).toBe('SUCCEEDED');
  expect(combinedStatus([{ status: 'FAILED', count: 0 }])).toBe('SUCCEEDED');
});
