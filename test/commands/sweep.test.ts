import { afterAll, beforeAll, expect, test } from 'vitest';
import { cancelSweep, startSweep } from '../../src/commands/sweep.ts';
import { combinedStatus } from '../../src/domain/sweep.ts';
import { UserInputError } from '../../src/errors.ts';
import { listRuns } from '../../src/store/runList.ts';
import { countSweepRuns, findSweepRunIds, getSweeps } from '../../src/store/sweep.ts';
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
  expect(await findSweepRunIds(ctx.db.prisma, id)).toEqual(items.map((run) => run.id));
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

test('an architecture named twice, also by its alias, is refused', async () => {
  const architectures = ['convnext_atto', 'vit_tiny_patch16_224', 'convnext_atto.d2_in1k'];
  const config = { effectiveBatchSize: 8 };
  await expect(startSweep(ctx, { experimentId, architectures, preprocessings, config })).rejects.toMatchObject({
    problems: [{ code: 'INVALID', path: ['architectures', '2'], message: 'convnext_atto is named twice' }],
  });
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
  expect(await findSweepRunIds(ctx.db.prisma, id)).toHaveLength(1);
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
