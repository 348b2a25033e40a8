import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { cancelRun, deleteRun, startRun } from '../../src/commands/run.ts';
import { cancelSweep, startSweep } from '../../src/commands/sweep.ts';
import { planSweep, type StartSweepInput } from '../../src/commands/sweepPlan.ts';
import type { RunStatus } from '../../src/domain/run.ts';
import { listRuns } from '../../src/store/runList.ts';
import { countSweepRuns, listSweepRuns } from '../../src/store/sweep.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { trainableExperiment } from '../support/runs.ts';

let ctx: TestContext;
let input: StartSweepInput;
beforeAll(async () => {
  ctx = await testContext();
});
beforeEach(async () => {
  input = {
    experimentId: await trainableExperiment(ctx),
    architectures: ['convnext_atto'],
    preprocessings: [
      { name: 'small', itemTransform: { size: { height: 64, width: 64 } }, size: { height: 32, width: 32 } },
    ],
    config: { effectiveBatchSize: 8, epochs: [1, 2] },
    skipIdentical: true,
  };
});
afterAll(() => ctx.close());

const members = async (id: string) => (await listSweepRuns(ctx.db.prisma, id, { first: 100 })).items;
const idsOf = async (id: string) => (await members(id)).map((run) => run.id);
const inExperiment = () => ctx.db.prisma.run.count({ where: { experimentId: input.experimentId } });
const set = (ids: readonly string[], data: { status?: RunStatus; config?: object }) =>
  ctx.db.prisma.run.updateMany({ where: { id: { in: [...ids] } }, data });
const started = (changes: Partial<StartSweepInput> = {}) => startSweep(ctx, { ...input, ...changes });

test('a second sweep shows the runs of the first and queues only what is new, in the order of its own lists', async () => {
  const config = { effectiveBatchSize: 8, seed: [1, 2] };
  const first = await started({ config });
  const [one, two] = await idsOf(first);
  const plan = await planSweep(ctx.db.prisma, { ...input, config: { ...config, seed: [3, 2, 1] } });
  expect(plan.runs.map((run) => run.duplicateOf)).toEqual([null, two, one]);

  const second = await started({ config: { ...config, seed: [3, 2, 1] }, tags: ['again'] });
  const runs = await members(second);
  expect(runs.map((run) => run.id)).toEqual([expect.any(String), two, one]);
  expect(runs.map((run) => [run.sweepId, run.tags])).toEqual([
    [second, ['again']],
    [first, []],
    [first, []],
  ]);
  expect(await inExperiment()).toBe(3);
  await set([one!], { status: 'SUCCEEDED' });
  expect(await countSweepRuns(ctx.db.prisma, [second])).toEqual([
    { sweepId: second, status: 'QUEUED', count: 2 },
    { sweepId: second, status: 'SUCCEEDED', count: 1 },
  ]);
  // Ordered and filtered lists of the sweep hold what it shows, too.
  const listed = await listRuns(ctx.db.prisma, {
    sweepId: second,
    first: 10,
    orderBy: { field: 'NAME', direction: 'ASC' },
  });
  expect(listed.items.map((run) => run.id).sort()).toEqual(runs.map((run) => run.id).sort());
  const page = await listSweepRuns(ctx.db.prisma, second, { first: 2 });
  expect([page.items.map((run) => run.position), page.hasNextPage]).toEqual([[0, 1], true]);

  // Each sweep cancels what it queued itself.
  await cancelSweep(ctx, second);
  expect((await members(second)).map((run) => run.status)).toEqual(['CANCELED', 'QUEUED', 'SUCCEEDED']);
  await cancelSweep(ctx, first);
  expect((await members(second)).map((run) => run.status)).toEqual(['CANCELED', 'CANCELED', 'SUCCEEDED']);
  // What is deleted is shown no more.
  await deleteRun(ctx, two!);
  expect(await idsOf(second)).toEqual([runs[0]!.id, one]);
  expect(await idsOf(first)).toEqual([one]);
});

test('asked for nothing, identical runs are queued again', async () => {
  await started();
  const second = await started({ skipIdentical: false });
  expect((await members(second)).every((run) => run.sweepId === second)).toBe(true);
  expect(await inExperiment()).toBe(4);
});

test('a run counts that was started alone, by an alias and with defaults left out; one that failed or was canceled does not', async () => {
  const { itemTransform, size } = input.preprocessings[0]!;
  const config = { architecture: 'convnext_atto.d2_in1k', itemTransform, size, effectiveBatchSize: 8, seed: 5 };
  const alone = await startRun(ctx, { experimentId: input.experimentId, config: { ...config, epochs: 1 } });
  const canceled = await startRun(ctx, { experimentId: input.experimentId, config: { ...config, epochs: 2 } });
  await cancelRun(ctx, canceled);
  const failed = await startRun(ctx, { experimentId: input.experimentId, config: { ...config, epochs: 3 } });
  await set([failed], { status: 'FAILED' });
  const canceling = await startRun(ctx, { experimentId: input.experimentId, config: { ...config, epochs: 4 } });
  await set([canceling], { status: 'CANCELING' });
  const id = await started({ config: { effectiveBatchSize: 8, seed: 5, epochs: [1, 2, 3, 4] } });
  const runs = await members(id);
  expect(runs.map((run) => [run.config.epochs, run.sweepId])).toEqual([
    [1, null],
    [2, id],
    [3, id],
    [4, id],
  ]);
  expect(runs[0]!.id).toBe(alone);
});

test('of several identical runs one is shown: the newest of the furthest', async () => {
  const config = { effectiveBatchSize: 8, seed: 1 };
  const ids: string[] = [];
  for (let i = 0; i < 4; i++) ids.push(...(await idsOf(await started({ config, skipIdentical: false }))));
  await set([ids[0]!, ids[1]!], { status: 'SUCCEEDED' });
  await set([ids[2]!], { status: 'RUNNING' });
  expect(await idsOf(await started({ config }))).toEqual([ids[1]]);
});

test('without a seed the sweep takes the one that most of its configs have been run with, for new runs too', async () => {
  const { config } = input;
  await started({ config: { ...config, epochs: [1], seed: 11 } });
  const more = await idsOf(await started({ config: { ...config, epochs: [1, 2], seed: 12 } }));
  const wider = { ...config, epochs: [3, 2, 1] };
  const plan = await planSweep(ctx.db.prisma, { ...input, config: wider });
  expect(plan.runs.map((run) => run.config?.seed)).toEqual([12, 12, 12]);
  const runs = await members(await started({ config: wider }));
  expect(runs.map((run) => run.config.seed)).toEqual([12, 12, 12]);
  expect(runs.slice(1).map((run) => run.id)).toEqual(more.toReversed());
  // The same sweep once more queues nothing, and says how it stands.
  const before = await inExperiment();
  const again = await started({ config: wider });
  expect(await idsOf(again)).toEqual(runs.map((run) => run.id));
  expect(await inExperiment()).toBe(before);
});

test('a run is the same whose accumulation was raised for lack of memory, or that is older than a field of the config', async () => {
  const config = { effectiveBatchSize: 8, seed: 1, autoAccumulation: true };
  const [raised] = await idsOf(await started({ config }));
  const stored = (await ctx.db.prisma.run.findUniqueOrThrow({ where: { id: raised! } })).config as Record<
    string,
    unknown
  >;
  const { splitSeed: _, ...older } = stored;
  await set([raised!], { status: 'SUCCEEDED', config: { ...older, accumulation: 4 } });
  expect(await idsOf(await started({ config }))).toEqual([raised]);
  // One run stands for one config only.
  const both = await members(await started({ config: { ...config, accumulation: [1, 4] } }));
  expect(both.map((run) => run.id === raised)).toEqual([true, false]);
  expect(both[1]!.config.accumulation).toBe(4);
  // Asked for without autoAccumulation, the accumulation is part of the config.
  const [exact] = await members(await started({ config: { ...config, autoAccumulation: false } }));
  expect(exact!.id).not.toBe(raised);
});

test('values given twice are taken once', async () => {
  const again = { ...input.preprocessings[0]!, name: 'again' };
  const id = await started({
    architectures: ['convnext_atto', 'convnext_atto.d2_in1k', 'convnext_femto'],
    preprocessings: [...input.preprocessings, again],
    config: { effectiveBatchSize: 8, epochs: [1, 2, 1] },
  });
  expect((await members(id)).map((run) => run.name)).toEqual([
    'convnext_atto small epochs 1',
    'convnext_atto small epochs 2',
    'convnext_femto small epochs 1',
    'convnext_femto small epochs 2',
  ]);
});

test('of identical sweeps started at once, each config is queued once', async () => {
  const seeds = { effectiveBatchSize: 8, seed: [1, 2, 3, 4, 5] };
  const ids = await Promise.all(Array.from({ length: 6 }, () => started({ config: seeds })));
  expect(await inExperiment()).toBe(5);
  const shown = await Promise.all(ids.map(idsOf));
  for (const runs of shown) expect(runs).toEqual(shown[0]);

  // And without a seed: all take the seed that the first one drew.
  const open = await Promise.all(
    Array.from({ length: 6 }, () => started({ config: { effectiveBatchSize: 8, epochs: [7, 8] } })),
  );
  expect(await inExperiment()).toBe(7);
  const [first, ...others] = await Promise.all(open.map(idsOf));
  for (const runs of others) expect(runs).toEqual(first);
});

test('one that is canceled while another sweep looks for it is shown canceled or queued again, never lost', async () => {
  for (let round = 0; round < 5; round++) {
    const config = { effectiveBatchSize: 8, seed: 100 + round, epochs: [1, 2, 3] };
    const first = await started({ config });
    const [second] = await Promise.all([started({ config }), cancelSweep(ctx, first)]);
    const runs = await members(second);
    expect(runs.map((run) => run.config.epochs)).toEqual([1, 2, 3]);
    for (const run of runs) expect(run.status).toBe(run.sweepId === second ? 'QUEUED' : 'CANCELED');
  }
});

test('an experiment that is being deleted is not waited for in a circle: the sweep is refused', async () => {
  const ids = await idsOf(await started());
  await set(ids, { status: 'SUCCEEDED' });
  const deleting = await ctx.db.pool.connect();
  try {
    // As deleteExperiment does: its runs, its own row, everything.
    await deleting.query('begin');
    await deleting.query('select 1 from run where experiment_id = $1 for update', [input.experimentId]);
    const refused = expect(started()).rejects.toThrow(`there is no experiment ${input.experimentId}`);
    const waiting =
      'select count(*)::int as count from pg_stat_activity where wait_event_type = $1 and datname = current_database()';
    await expect.poll(async () => (await ctx.db.pool.query(waiting, ['Lock'])).rows[0].count).toBe(1);
    await deleting.query('select 1 from experiment where id = $1 for update', [input.experimentId]);
    await deleting.query('delete from experiment where id = $1', [input.experimentId]);
    await deleting.query('commit');
    await refused;
  } finally {
    deleting.release(true);
  }
});
