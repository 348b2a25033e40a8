import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEnsemble, resultOfEnsemble } from '../../src/commands/ensemble.ts';
import { type OptimizeEnsembleInput, optimizeEnsemble } from '../../src/commands/optimizeEnsemble.ts';
import { deleteRun } from '../../src/commands/run.ts';
import { createSubmission } from '../../src/commands/submission.ts';
import type { Split } from '../../src/domain/dataset.ts';
import type { Predictions } from '../../src/domain/predictions.ts';
import type { EnsembleThreads } from '../../src/ensembles/threads.ts';
import { findEnsembleScores, getEnsembles, membersOfEnsemble } from '../../src/store/ensemble.ts';
import { putPredictions } from '../../src/store/prediction.ts';
import type { Queryable } from '../../src/store/queryable.ts';
import {
  drawnPredictions,
  experimentOf,
  image,
  manifest,
  readyDataset,
  type TestRun,
  testRun,
} from '../support/catalogue.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { problemsOf } from '../support/problems.ts';

let ctx: TestContext;
let db: Queryable;
/** `held`: its data set keeps a hold-out; `plain`: it does not. */
let held: string;
let plain: string;
const runs: Record<string, string> = {};

const vocab = ['blast', 'hispa', 'tungro'];
const ids = (from: number, count: number) => Array.from({ length: count }, (_, i) => `${from + i}.jpg`);
const labelOf = (id: string) => vocab[Number.parseInt(id, 10) % 3]!;
const train = ids(100, 60);
const valid = train.slice(0, 24);
const holdout = ids(200, 30);

/** Predictions that lean to the truth, the more the better `skill` is. */
function skilled(seed: number, split: Split, imageIds: readonly string[], skill: number): Predictions {
  const drawn = drawnPredictions(seed, imageIds, vocab, { split });
  const probabilities = drawn.probabilities.map((value, i) => {
    const label = labelOf(imageIds[Math.floor(i / 3)]!);
    return (1 - skill) * value + (vocab[i % 3] === label ? skill : 0);
  });
  return { ...drawn, probabilities };
}

async function run(
  name: string,
  experimentId: string,
  sets: Partial<Record<Split, [readonly string[], number]>>,
  more: TestRun = {},
) {
  runs[name] = await testRun(db, experimentId, { name, ...more });
  for (const [split, [imageIds, skill]] of Object.entries(sets) as [Split, [string[], number]][]) {
    await putPredictions(db, runs[name], skilled(Object.keys(runs).length, split, imageIds, skill));
  }
}

beforeAll(async () => {
  ctx = await testContext();
  db = ctx.db.prisma;
  const images = [...train.map((id) => image('TRAIN', id, labelOf(id))), image('TEST', 't.jpg', null)];
  const kept = [...images, ...holdout.map((id) => image('HOLDOUT', id, labelOf(id)))];
  held = await experimentOf(db, await readyDataset(db, 'held', manifest(kept)), { name: 'held' });
  plain = await experimentOf(db, await readyDataset(db, 'plain', manifest(images)), { name: 'plain' });
  for (const [i, skill] of [0.25, 0.3, 0.2, 0.15].entries()) {
    await run(`held ${i}`, held, { HOLDOUT: [holdout, skill], VALID: [valid, skill] });
  }
  await run('other split', held, { HOLDOUT: [holdout, 0], VALID: [train.slice(12, 36), 0.3] }, { tags: ['odd'] });
  await run('failed', held, { HOLDOUT: [holdout, 0.9] }, { status: 'FAILED' });
  for (const [i, skill] of [0.3, 0.25, 0.2].entries()) await run(`plain ${i}`, plain, { VALID: [valid, skill] });
  await run('stray', plain, { VALID: [train.slice(20, 44), 0.9] }, { tags: ['odd'] });
  await run('silent', plain, {}, { tags: ['odd'] });
});
afterAll(() => ctx.close());

const optimize = (more: Partial<OptimizeEnsembleInput> = {}) =>
  optimizeEnsemble(ctx, { experimentId: held, name: 'selected', ...more });

describe('optimizeEnsemble', () => {
  it('selects on the hold-out where there is one, and saves picks as weights with the way there', async () => {
    const id = await optimize({ maxPicks: 12 });
    const { selection, method } = (await getEnsembles(db, [id])).get(id)!;
    const members = await membersOfEnsemble(db, id);
    expect(method).toBe('MEAN');
    expect(selection).toMatchObject({ split: 'HOLDOUT', metric: 'ERROR_RATE', candidateCount: 5 });
    expect(selection!.steps).toHaveLength(12);
    const kept = selection!.steps.slice(0, selection!.keptSteps).map((step) => step.runId);
    expect(members.reduce((sum, { weight }) => sum + weight, 0)).toBe(kept.length);
    for (const { runId, weight } of members) expect(weight).toBe(kept.filter((pick) => pick === runId).length);
    expect(members.map((m) => m.weight)).toEqual(members.map((m) => m.weight).toSorted((a, b) => b - a));
    expect(selection!.steps[0]).toMatchObject({ runName: expect.stringMatching(/^held \d$/) });

    const scores = await findEnsembleScores(db, [id]);
    const onHoldout = scores.find((score) => score.split === 'HOLDOUT')!;
    const last = selection!.steps[selection!.keptSteps - 1]!;
    expect(onHoldout.errorRate).toBe(last.errorRate);
    expect(onHoldout.logLoss).toBeCloseTo(last.logLoss, 10);
    expect(await (await resultOfEnsemble(ctx, id, 'HOLDOUT')).score()).toMatchObject({ errorRate: last.errorRate });
  });

  it('tells the score on the other labelled split too', async () => {
    const id = await optimize({ filter: 'not tag = odd' });
    const scores = await findEnsembleScores(db, [id]);
    expect(scores.map((score) => score.split)).toEqual(['VALID', 'HOLDOUT']);
    expect(scores[0]!.errorRate).toBe((await (await resultOfEnsemble(ctx, id, 'VALID')).score())!.errorRate);
  });

  it('selects on VALID without a hold-out, among runs of one validation split', async () => {
    const id = await optimize({ experimentId: plain, filter: 'not tag = odd', metric: 'LOG_LOSS', initialMembers: 1 });
    const { selection } = (await getEnsembles(db, [id])).get(id)!;
    expect(selection).toMatchObject({ split: 'VALID', metric: 'LOG_LOSS', candidateCount: 3 });
    const losses = selection!.steps.slice(0, selection!.keptSteps).map((step) => step.logLoss);
    expect(losses).toEqual(losses.toSorted((a, b) => b - a));
  });

  it('takes runs by name and by filter together, and keeps to the limits', async () => {
    const id = await optimize({ runIds: [runs['held 3']!], filter: 'name = "held 0"', maxMembers: 1, maxPicks: 3 });
    const { selection } = (await getEnsembles(db, [id])).get(id)!;
    expect(selection!.candidateCount).toBe(2);
    expect(new Set(selection!.steps.map((step) => step.runId)).size).toBe(1);
    expect(selection!.steps).toHaveLength(3);
  });

  it('selects the same again, and makes one ensemble of a repeated request', async () => {
    const selectionOf = async (id: string) => (await getEnsembles(db, [id])).get(id)!.selection;
    expect(await selectionOf(await optimize())).toEqual(await selectionOf(await optimize()));
    const request = { name: 'once', idempotencyKey: 'optimise 1' };
    const both = await Promise.all([optimize(request), optimize(request)]);
    expect(both[0]).toBe(both[1]);
    expect(await optimize(request)).toBe(both[0]);
    expect(await db.ensemble.count({ where: { name: 'once' } })).toBe(1);
    expect(await problemsOf(optimize({ ...request, maxPicks: 3 }))).toEqual([
      expect.stringContaining('CONFLICT idempotencyKey: "optimise 1" was already used with other input'),
    ]);
  });

  it('refuses candidates scored on other images, naming them and what to do', async () => {
    expect(await problemsOf(optimize({ experimentId: plain }))).toEqual([
      `INCOMPATIBLE split: run "stray" (${runs.stray}) were scored on other VALID images or labels than ` +
        `run "plain 0" (${runs['plain 0']}), run "plain 1" (${runs['plain 1']}), run "plain 2" (${runs['plain 2']}), ` +
        'so their scores do not compare: choose runs of one validation split, start runs with the same splitSeed, ' +
        'or keep a hold-out (importDataset: holdoutFraction or holdout_images/) and select on HOLDOUT',
    ]);
  });

  it('refuses every part of the input that is wrong, at once, and saves nothing', async () => {
    const before = await db.ensemble.count();
    expect(
      await problemsOf(optimize({ name: ' ', split: 'TEST', maxPicks: 0, maxMembers: 501, initialMembers: -1 })),
    ).toEqual([
      'INVALID name: must have 1 to 200 characters, not only spaces',
      'INVALID maxPicks: must be from 1 to 500, got 0',
      'INVALID maxMembers: must be from 1 to 500, got 501',
      expect.stringContaining('INVALID initialMembers: must be from 1 to '),
      expect.stringContaining('INVALID split: TEST has no labels'),
    ]);
    expect((await problemsOf(optimize({ split: 'TRAIN' })))[0]).toContain('INVALID split: runs store no predictions');
    expect((await problemsOf(optimize({ initialMembers: 4, maxPicks: 3 })))[0]).toContain(
      'INVALID initialMembers: must be from 1 to 3, as maxPicks allows, got 4',
    );
    expect(await problemsOf(optimize({ experimentId: 'exp_x' }))).toEqual([
      'NOT_FOUND experimentId: there is no experiment exp_x',
    ]);
    expect(await problemsOf(optimize({ experimentId: '' }))).toEqual([
      'NOT_FOUND experimentId: there is no experiment ""',
    ]);
    expect(await problemsOf(optimize({ runIds: [] }))).toEqual(['INVALID runIds: name at least one run']);
    expect(await problemsOf(optimize({ runIds: ['run_x', runs.failed!] }))).toEqual([
      'NOT_FOUND runIds.0: there is no run run_x',
      `INVALID runIds.1: run "failed" (${runs.failed}) is FAILED; only succeeded runs can be members`,
    ]);
    expect(await problemsOf(optimize({ runIds: [runs['plain 0']!] }))).toEqual([
      expect.stringContaining('INVALID runIds.0: run "plain 0"'),
    ]);
    expect(await problemsOf(optimize({ filter: 'name = nobody' }))).toEqual([
      'INVALID filter: matches no succeeded run with HOLDOUT predictions',
    ]);
    expect(await problemsOf(optimize({ filter: 'arch like' }))).toEqual([expect.stringContaining('INVALID filter: ')]);
    expect(await problemsOf(optimize({ experimentId: plain, split: 'HOLDOUT' }))).toEqual([
      'INVALID experimentId: matches no succeeded run with HOLDOUT predictions',
    ]);
    expect((await problemsOf(optimize({ experimentId: plain, runIds: [runs.silent!] })))[0]).toContain(
      'has no VALID predictions',
    );
    expect(await db.ensemble.count()).toBe(before);
  });

  it('refuses predictions of images without labels', async () => {
    const unlabelled = await experimentOf(db, null, { name: 'unlabelled' });
    const runId = await testRun(db, unlabelled, {});
    await putPredictions(db, runId, drawnPredictions(1, valid, vocab, { split: 'VALID' }));
    expect(await problemsOf(optimize({ experimentId: unlabelled }))).toEqual([
      'INVALID split: the data set has no labels for the VALID images that were predicted',
    ]);
  });
});

describe('what is computed outside of the transaction', () => {
  /** A context whose threads let something happen after the task. */
  const interrupted = (happen: () => Promise<void>): TestContext => {
    const run: EnsembleThreads['run'] = async (task, ...args) => {
      const value = await ctx.threads.run(task, ...args);
      await happen();
      return value;
    };
    return { ...ctx, threads: { ...ctx.threads, run } };
  };
  const member = async (name: string) => {
    const runId = await testRun(db, held, { name, tags: ['odd'] });
    await putPredictions(db, runId, skilled(7, 'HOLDOUT', holdout, 0.2));
    await putPredictions(db, runId, drawnPredictions(7, ['t.jpg'], vocab));
    return runId;
  };

  it('is refused, and nothing saved, when a member was deleted meanwhile', async () => {
    const deleted = (runId: string) => `the predictions of ${runId} were removed in the meantime; try again`;
    const remover = (runId: string) => {
      let done: Promise<void> | undefined;
      return interrupted(() => (done ??= deleteRun(ctx, runId)));
    };
    const before = await db.ensemble.count();
    const first = await member('first');
    const selected = { experimentId: held, name: 'lost', runIds: [first], idempotencyKey: 'lost 1' };
    expect(await problemsOf(optimizeEnsemble(remover(first), selected))).toEqual([
      `CONFLICT members: ${deleted(first)}`,
    ]);
    const second = await member('second');
    const named = { experimentId: held, name: 'lost', members: [{ runId: second }] };
    expect(await problemsOf(createEnsemble(remover(second), named))).toEqual([`CONFLICT members: ${deleted(second)}`]);
    const third = await member('third');
    expect(await problemsOf(createSubmission(remover(third), { runId: third }))).toEqual([
      `CONFLICT runId: ${deleted(third)}`,
    ]);
    expect(await db.ensemble.count()).toBe(before);
    expect(await db.submission.count()).toBe(0);
    // The key was not used up.
    expect((await problemsOf(optimizeEnsemble(ctx, selected)))[0]).toContain('NOT_FOUND runIds.0');
  });

  it('fails cleanly when the threads are gone', async () => {
    const before = await db.ensemble.count();
    const gone = { ...ctx, threads: { ...ctx.threads, run: () => Promise.reject(new Error('a thread ended')) } };
    await expect(optimizeEnsemble(gone, { experimentId: held, name: 'gone' })).rejects.toThrow('a thread ended');
    expect(await db.ensemble.count()).toBe(before);
  });
});
