/** Results of ensembles that are combined in blocks of rows: what comes of it, and how much is in memory at once. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveMembers } from '../../src/commands/ensembleMembers.ts';
import { createEnsembleResult, type EnsembleResult } from '../../src/commands/ensembleResult.ts';
import { type EnsembleMethod, ensembleMethods } from '../../src/ensembles/methods.ts';
import type { EnsembleThreads } from '../../src/ensembles/threads.ts';
import { putPredictions } from '../../src/store/prediction.ts';
import { drawnPredictions, experimentOf, image, manifest, readyDataset, testRun } from '../support/catalogue.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { problemsOf } from '../support/problems.ts';

const vocab = ['blast', 'hispa', 'tungro'];
const ids = Array.from({ length: 30 }, (_, i) => `${(i * 7) % 30}.jpg`);
/** Of 3 members by 3 labels: blocks of 4 rows, the last of 2. */
const few = 40;

let ctx: TestContext;
const runIds: string[] = [];
beforeAll(async () => {
  ctx = await testContext();
  const db = ctx.db.prisma;
  const images = ids.map((id, i) => image('TRAIN', id, vocab[i % 3]!));
  const experimentId = await experimentOf(db, await readyDataset(db, 'paddy', manifest(images)));
  for (let seed = 0; seed < 3; seed++) {
    const runId = await testRun(db, experimentId, { name: `run ${seed}` });
    await putPredictions(db, runId, drawnPredictions(seed, ids, vocab, { split: 'VALID' }));
    runIds.push(runId);
  }
});
afterAll(() => ctx.close());

/** Float32 values of the matrices that a task was given. */
function valuesIn(args: readonly unknown[]): number {
  const [first, second] = args as [unknown, unknown];
  const tables = (Array.isArray(first) ? first : second) as readonly { readonly probabilities: Float32Array }[];
  return tables.reduce((sum, { probabilities }) => sum + probabilities.length, 0);
}

/** A result whose tasks are noted; `before` is called before each. */
async function result(
  method: EnsembleMethod,
  atOnce?: number,
  before: (task: string) => Promise<void> = async () => {},
): Promise<{ readonly result: EnsembleResult; readonly tasks: [task: string, values: number][] }> {
  const tasks: [string, number][] = [];
  const threads: EnsembleThreads = {
    ...ctx.threads,
    run: async (task, ...args) => {
      await before(task);
      if (task === 'combine' || task === 'disagreement') tasks.push([task, valuesIn(args)]);
      return ctx.threads.run(task, ...args);
    },
  };
  const inputs = runIds.map((runId, i) => ({ runId, weight: i + 1 }));
  const members = await resolveMembers(ctx.db.prisma, { split: 'VALID', inputs, experimentId: undefined });
  return { result: await createEnsembleResult({ ...ctx, threads }, 'VALID', method, members, atOnce), tasks };
}

describe.for(ensembleMethods)('%s in blocks', (method) => {
  test('is what it is of everything at once, with bounded memory', async () => {
    const { result: blocked, tasks } = await result(method, few);
    const { result: whole, tasks: one } = await result(method);
    const answers = async (of: EnsembleResult) => [
      await of.disagreement(),
      await of.csv(),
      await of.score(),
      await of.labelCounts(),
      (await of.rows({ first: 100 }, { orderBy: 'LOSS_DESC' })).items,
    ];
    const expected = await answers(whole);
    expect(await answers(blocked)).toEqual(expected);
    // One after the other: a block is combined and compared before the next is read.
    expect(tasks.map(([task]) => task)).toEqual(Array.from({ length: 8 }, () => ['combine', 'disagreement']).flat());
    expect(Math.max(...tasks.map(([, values]) => values))).toBe(36);
    expect(one).toEqual([
      ['combine', 270],
      ['disagreement', 270],
    ]);
  });
});

test('the most disputed rows are the same, whatever was asked for before', async () => {
  const { result: whole } = await result('MEAN');
  const { result: blocked, tasks } = await result('MEAN', few);
  await blocked.score();
  for (const limit of [1, 5, 50]) expect(await blocked.disagreement(limit)).toEqual(await whole.disagreement(limit));
  expect(tasks.filter(([task]) => task === 'combine')).toHaveLength(8);
});

test('what is asked for in one request is read once, in whatever order', async () => {
  const { result: whole } = await result('MEAN');
  const { result: blocked, tasks } = await result('MEAN', few);
  const [labels, , disputed] = await Promise.all([blocked.labelCounts(), blocked.score(), blocked.disagreement()]);
  expect([labels, disputed]).toEqual([await whole.labelCounts(), await whole.disagreement()]);
  expect(tasks.map(([task]) => task)).toEqual(Array.from({ length: 8 }, () => ['combine', 'disagreement']).flat());
});

test('a row of its own for every block, if need be', async () => {
  const { result: blocked } = await result('MEAN', 1);
  expect(await blocked.csv()).toBe(await (await result('MEAN')).result.csv());
});

test('predictions that go while others are combined are a refusal, not half a result', async () => {
  let combined = 0;
  const { result: blocked } = await result('MEAN', few, async (task) => {
    if (task !== 'combine' || ++combined !== 3) return;
    await ctx.db.prisma.predictionSet.deleteMany({ where: { runId: runIds[1]! } });
  });
  expect(await problemsOf(blocked.csv())).toEqual([
    `CONFLICT : the predictions of run "run 1" (${runIds[1]}) were removed in the meantime; try again`,
  ]);
});
