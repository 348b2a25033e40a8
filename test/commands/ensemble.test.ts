import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createLocalStore } from '../../src/blobs/localStore.ts';
import { combine, createEnsemble, type EnsembleInput, resultOfEnsemble } from '../../src/commands/ensemble.ts';
import { checkMemory } from '../../src/commands/ensembleMembers.ts';
import { listPredictionRows } from '../../src/commands/predictionRows.ts';
import { createSubmission } from '../../src/commands/submission.ts';
import type { Split } from '../../src/domain/dataset.ts';
import { countLabels } from '../../src/domain/dataset.ts';
import type { Predictions } from '../../src/domain/predictions.ts';
import { weightedMean } from '../../src/ensembles/combine.ts';
import { predictedLabels } from '../../src/ensembles/labels.ts';
import type { PredictionOrder } from '../../src/ensembles/rows.ts';
import { score } from '../../src/ensembles/score.ts';
import { membersOfEnsemble } from '../../src/store/ensemble.ts';
import { type PredictionRow, predictionSetsOfRuns, putPredictions } from '../../src/store/prediction.ts';
import type { Queryable } from '../../src/store/queryable.ts';
import { getSubmissions } from '../../src/store/submission.ts';
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
let experimentId: string;
const runs: Record<string, string> = {};
const stored: Record<string, Predictions> = {};

const vocab = ['blast', 'hispa', 'tungro'];
/** Not in the order of their names, as a random split leaves them. */
const valid = Array.from({ length: 30 }, (_, i) => `${(i * 7) % 30}.jpg`);
const test = Array.from({ length: 25 }, (_, i) => `t${String(i).padStart(2, '0')}.jpg`);
const labelOf = (id: string) => vocab[Number.parseInt(id, 10) % 3]!;

async function run(name: string, columns: TestRun, sets: Partial<Record<Split, readonly string[]>>): Promise<void> {
  runs[name] = await testRun(db, experimentId, { name, ...columns });
  for (const [split, ids] of Object.entries(sets) as [Split, string[]][]) {
    stored[`${name} ${split}`] = drawnPredictions(Object.keys(stored).length, ids, vocab, { split });
    await putPredictions(db, runs[name], stored[`${name} ${split}`]!);
  }
}

beforeAll(async () => {
  ctx = await testContext();
  db = ctx.db.prisma;
  const images = [...valid.map((id) => image('TRAIN', id, labelOf(id))), ...test.map((id) => image('TEST', id, null))];
  experimentId = await experimentOf(db, await readyDataset(db, 'paddy', manifest(images)));
  const vit = { architecture: 'vit_small_patch16_224' };
  await run('convnext', {}, { TEST: test, VALID: valid });
  await run('vit 1', vit, { TEST: test, VALID: valid });
  await run('vit 2', vit, { TEST: test, VALID: valid });
  await run('other split', { tags: ['odd'] }, { TEST: test, VALID: [...valid].reverse() });
  await run('without test', {}, { VALID: valid });
  await run('failed', { status: 'FAILED' }, { TEST: test });
  await run('fewer images', { tags: ['odd'] }, { TEST: test.slice(0, 20) });
});
afterAll(() => ctx.close());

const input = (...members: EnsembleInput['members'][number][]): EnsembleInput => ({ members });
const weightsOf = async (members: EnsembleInput, within?: string) =>
  Object.fromEntries((await combine(ctx, members, within)).members.map(({ runId, weight }) => [nameOf(runId), weight]));
const nameOf = (id: string) => Object.keys(runs).find((name) => runs[name] === id)!;

describe('members', () => {
  it('are chosen by filter, and a later input overrides the weight of an earlier one', async () => {
    const all = { filter: 'status = SUCCEEDED and not tag = odd' };
    expect(await weightsOf(input(all, { filter: 'arch like vit*', weight: 2 }))).toEqual({
      'vit 1': 2,
      'vit 2': 2,
      convnext: 1,
    });
    expect(await weightsOf(input({ filter: 'arch like vit*', weight: 2 }, all))).toEqual({
      convnext: 1,
      'vit 1': 1,
      'vit 2': 1,
    });
    expect(await weightsOf(input(all, { runId: runs.convnext!, weight: 0.5 }))).toEqual({
      'vit 1': 1,
      'vit 2': 1,
      convnext: 0.5,
    });
    expect(await weightsOf(input(all, { filter: 'name = "vit 2"', weight: 0 }))).toEqual({ convnext: 1, 'vit 1': 1 });
  });

  it('are listed by weight with their shares of the whole', async () => {
    const { members } = await combine(ctx, input({ runId: runs.convnext! }, { runId: runs['vit 1']!, weight: 3 }));
    expect(members.map(({ runId, share }) => [nameOf(runId), share])).toEqual([
      ['vit 1', 0.75],
      ['convnext', 0.25],
    ]);
  });

  it('bring along their TTA predictions when they have both', async () => {
    const plain = drawnPredictions(900, test, vocab, { kind: 'PLAIN', passes: 0, beta: null });
    const id = await testRun(db, experimentId, { name: 'both kinds', tags: ['odd'] });
    await putPredictions(db, id, plain);
    const setOf = async () => (await combine(ctx, input({ runId: id }))).members[0]!.predictionSetId;
    const kindOf = async (setId: string) =>
      (await predictionSetsOfRuns(db, [id])).get(id)!.find((s) => s.id === setId)?.kind;
    expect(await kindOf(await setOf())).toBe('PLAIN');
    await putPredictions(db, id, { ...plain, kind: 'TTA', passes: 4, beta: 0.25 });
    expect(await kindOf(await setOf())).toBe('TTA');
  });

  it('are refused one by one, all at once, each by name', async () => {
    const problems = await problemsOf(
      combine(
        ctx,
        input(
          { runId: 'run_missing' },
          { runId: runs.failed! },
          { runId: runs['without test']! },
          { filter: 'name = nobody' },
        ),
      ),
    );
    expect(problems).toEqual([
      'NOT_FOUND members.0.runId: there is no run run_missing',
      `INVALID members.1.runId: run "failed" (${runs.failed}) is FAILED; only succeeded runs can be members`,
      `INVALID members.2.runId: run "without test" (${runs['without test']}) has no TEST predictions: its data set has no test images, or its config did not ask for them (predict.test)`,
      'INVALID members.3.filter: matches no succeeded run with TEST predictions',
    ]);
  });

  it('are refused when their matrices would not be in memory together', () => {
    const one = { runId: 'run_1', runName: 'one', name: 'run "one"', weight: 1, setId: 'prd_1', rowsHash: '' };
    const member = { ...one, rowCount: 2 ** 20, vocab: Array.from({ length: 64 }, (_, i) => `${i}`) };
    expect(() => checkMemory([member, member, member, member])).not.toThrow();
    expect(() => checkMemory([member, member, member, member, { ...member, rowCount: 1 }])).toThrow(
      'members: 5 runs hold 268435520 probabilities, at most 268435456 are combined or compared at once; name fewer runs',
    );
  });

  it('are refused for what is wrong with the input itself', async () => {
    expect(await problemsOf(combine(ctx, input()))).toEqual(['INVALID members: an ensemble needs at least one member']);
    const convnext = runs.convnext!;
    expect(
      await problemsOf(
        combine(
          ctx,
          input(
            {},
            { runId: convnext, filter: 'name = a' },
            { runId: convnext, weight: -1 },
            { filter: 'nme = a', weight: Number.NaN },
          ),
        ),
      ),
    ).toEqual([
      'INVALID members.0: give exactly one of runId and filter',
      'INVALID members.1: give exactly one of runId and filter',
      `INVALID members.2.weight: the weight of run ${convnext} must be from 0 to 1000000000, got -1`,
      'INVALID members.3.weight: the weight of the runs that match "nme = a" must be from 0 to 1000000000, got NaN',
      expect.stringContaining('INVALID members.3.filter: position 1: expected a field'),
    ]);
    // Two of these would weigh infinitely much together, and every probability would be NaN.
    expect(await problemsOf(combine(ctx, input({ runId: convnext, weight: 1e308 })))).toEqual([
      `INVALID members.0.weight: the weight of run ${convnext} must be from 0 to 1000000000, got 1e+308`,
    ]);
    expect(await problemsOf(combine(ctx, input({ runId: convnext, weight: 0 })))).toEqual([
      `INVALID members: every weight is 0 (run "convnext" (${convnext})); give at least one run more`,
    ]);
  });

  it('are refused when they belong to another experiment', async () => {
    const elsewhere = await experimentOf(db, null, { name: 'elsewhere' });
    expect(await problemsOf(combine(ctx, input({ runId: runs.convnext! }), elsewhere))).toEqual([
      `INVALID members.0.runId: run "convnext" (${runs.convnext}) belongs to experiment ${experimentId}, not to ${elsewhere}`,
    ]);
    expect(await problemsOf(combine(ctx, input({ filter: 'name = convnext' }), elsewhere))).toEqual([
      'INVALID members.0.filter: matches no succeeded run with TEST predictions',
    ]);
  });

  it('are refused over other images, naming both runs and the first row that differs', async () => {
    const pair = (name: string, split: Split): EnsembleInput => ({
      split,
      members: [{ runId: runs.convnext! }, { runId: runs[name]! }],
    });
    expect(await problemsOf(combine(ctx, pair('other split', 'VALID')))).toEqual([
      `INCOMPATIBLE members: image 1 is "23.jpg" in run "other split" (${runs['other split']}) but "0.jpg" in run "convnext" (${runs.convnext}); members must be predicted on the same images in the same order`,
    ]);
    expect((await problemsOf(combine(ctx, pair('fewer images', 'TEST'))))[0]).toContain(
      'image 21 is missing in run "fewer images"',
    );
  });

  it('are refused with another vocabulary', async () => {
    const id = await testRun(db, experimentId, { name: 'two labels', tags: ['odd'] });
    await putPredictions(db, id, drawnPredictions(1, test, vocab.slice(0, 2)));
    const problems = await problemsOf(combine(ctx, input({ runId: runs.convnext! }, { runId: id })));
    expect(problems[0]).toContain('label 3 is missing in run "two labels"');
  });
});

describe('a result', () => {
  const weighted = (split: Split) =>
    weightedMean(
      [
        ['vit 1', 2],
        ['vit 2', 2],
        ['convnext', 1],
      ].map(([name, weight]) => ({ name: String(name), weight: Number(weight), ...stored[`${name} ${split}`]! })),
    );
  const ask = (split: Split) =>
    combine(ctx, { split, members: [{ filter: 'name like vit*', weight: 2 }, { runId: runs.convnext! }] });

  async function everyRow(split: Split, orderBy: PredictionOrder, first: number): Promise<PredictionRow[]> {
    const rows: PredictionRow[] = [];
    let after: string | undefined;
    do {
      const page = await (await ask(split)).rows({ first, after }, { orderBy });
      rows.push(...page.items);
      after = page.hasNextPage ? page.items.at(-1)!.cursor : undefined;
    } while (after !== undefined);
    return rows;
  }

  it.each(['TEST', 'VALID'] as const)('over %s pages through the weighted mean by image id', async (split) => {
    const mean = weighted(split);
    const expected = mean.imageIds
      .map((imageId, row) => ({
        imageId,
        probabilities: Array.from(mean.probabilities.subarray(row * 3, row * 3 + 3)),
      }))
      .sort((a, b) => (a.imageId < b.imageId ? -1 : 1));
    const rows = await everyRow(split, 'IMAGE_ID', 7);
    expect(rows.map(({ imageId, probabilities }) => ({ imageId, probabilities }))).toEqual(expected);
    expect(rows.map((row) => row.label)).toEqual(
      expected.map(({ imageId }) => (split === 'TEST' ? null : labelOf(imageId))),
    );
  });

  it('reads only the rows of a page in image order', async () => {
    const result = await ask('TEST');
    await db.predictionChunk.updateMany({
      where: { setId: { in: result.members.map((member) => member.predictionSetId) } },
      data: { position: 1 },
    });
    try {
      // Nothing is found in the first chunk any more: whoever reads a page there notices, whoever reads all chunks does not.
      await expect(result.rows({ first: 3 })).rejects.toThrow('were removed in the meantime');
      expect((await (await ask('TEST')).labelCounts()).length).toBeGreaterThan(1);
    } finally {
      await db.predictionChunk.updateMany({ data: { position: 0 } });
    }
  });

  it('orders by confidence both ways', async () => {
    const up = await everyRow('TEST', 'CONFIDENCE_ASC', 4);
    expect(up.map((row) => row.confidence)).toEqual([...up.map((row) => row.confidence)].sort((a, b) => a - b));
    const down = await everyRow('TEST', 'CONFIDENCE_DESC', 9);
    expect(down.map((row) => row.imageId)).toEqual(up.map((row) => row.imageId).reverse());
    const page = await (await ask('TEST')).rows({ first: 1 }, { orderBy: 'CONFIDENCE_ASC' });
    const wrong = (await ask('TEST')).rows({ first: 1, after: page.items[0]!.cursor }, { orderBy: 'IMAGE_ID' });
    await expect(wrong).rejects.toThrow('is no cursor of this list');
  });

  it('counts labels and scores where labels exist', async () => {
    const result = await ask('VALID');
    const mean = weighted('VALID');
    expect(await result.labelCounts()).toEqual(countLabels(predictedLabels(mean)));
    expect(await result.score()).toEqual(score(mean, new Map(valid.map((id) => [id, labelOf(id)]))));
    expect(await (await ask('TEST')).score()).toBeNull();
  });

  it('tells where members disagree', async () => {
    const result = await ask('TEST');
    const votes = test.map((_, row) =>
      ['vit 1', 'vit 2', 'convnext'].map((name) => predictedLabels(stored[`${name} TEST`]!)[row]!),
    );
    const disputed = test.filter((_, row) => new Set(votes[row]).size > 1);
    const found = await result.disagreement(100);
    expect(found.map(({ row }) => row.imageId).sort()).toEqual(disputed);
    for (const { row, memberVotes } of found) {
      expect(memberVotes).toEqual(countLabels(votes[test.indexOf(row.imageId)]!));
    }
    const place = (await result.rows({ first: 1, after: found[0]!.row.cursor })).items[0];
    expect(place?.imageId).toBe(test[test.indexOf(found[0]!.row.imageId) + 1]);
    expect(await result.disagreement(2)).toEqual(found.slice(0, 2));
  });
});

describe('createEnsemble', () => {
  const scoresOf = (ensembleId: string) => db.ensembleScore.findMany({ where: { ensembleId } });

  it('fixes the members that its filters match now, and their score', async () => {
    const id = await createEnsemble(ctx, {
      ...{ experimentId, name: 'vits' },
      ...input({ filter: 'arch like vit*' }),
    });
    const late = await testRun(db, experimentId, {
      name: 'late',
      architecture: 'vit_small_patch16_224',
      tags: ['odd'],
    });
    await putPredictions(db, late, drawnPredictions(77, test, vocab));
    expect(await membersOfEnsemble(db, id)).toEqual([
      { runId: runs['vit 1'], weight: 1 },
      { runId: runs['vit 2'], weight: 1 },
    ]);
    const { errorRate } = (await (await resultOfEnsemble(ctx, id, 'VALID')).score())!;
    expect(await scoresOf(id)).toMatchObject([{ split: 'VALID', errorRate }]);
    await db.run.delete({ where: { id: late } });
  });

  it('has no validation score over different validation images', async () => {
    const members = input({ runId: runs.convnext! }, { runId: runs['other split']! });
    const id = await createEnsemble(ctx, { experimentId, name: 'mixed', ...members });
    expect(await scoresOf(id)).toEqual([]);
    expect((await resultOfEnsemble(ctx, id, 'TEST')).rowCount).toBe(25);
    await expect(resultOfEnsemble(ctx, id, 'VALID')).rejects.toMatchObject({ problems: [{ code: 'INCOMPATIBLE' }] });
    await expect(resultOfEnsemble(ctx, id, 'HOLDOUT')).rejects.toThrow('has no HOLDOUT predictions');
    await expect(resultOfEnsemble(ctx, 'ens_missing', 'TEST')).rejects.toThrow('there is no ensemble ens_missing');
  });

  it('saves nothing when refused, and tells every problem', async () => {
    const before = await db.ensemble.count();
    const members = input({ runId: runs.convnext! }, { runId: runs['fewer images']! });
    expect(await problemsOf(createEnsemble(ctx, { experimentId, name: ' ', ...members }))).toEqual([
      expect.stringContaining('INVALID name: '),
      expect.stringContaining('INCOMPATIBLE members: '),
    ]);
    expect(await problemsOf(createEnsemble(ctx, { experimentId: 'exp_x', name: 'a', ...members }))).toEqual([
      'NOT_FOUND experimentId: there is no experiment exp_x',
    ]);
    expect(await db.ensemble.count()).toBe(before);
  });

  it('makes one ensemble of a repeated request', async () => {
    const request = {
      experimentId,
      name: 'once',
      ...input({ runId: runs.convnext! }),
      idempotencyKey: 'ensemble 1',
    };
    const ids = await Promise.all([createEnsemble(ctx, request), createEnsemble(ctx, request)]);
    expect(ids[0]).toBe(ids[1]);
    expect(await db.ensemble.count({ where: { name: 'once' } })).toBe(1);
  });
});

describe('createSubmission', () => {
  const csvOf = async (id: string) => {
    const { contentHash } = (await getSubmissions(db, [id])).get(id)!;
    return Buffer.concat(await ctx.blobs.open(contentHash).toArray()).toString();
  };

  it('writes the labels of a run, in the stored order', async () => {
    const id = await createSubmission(ctx, { runId: runs.convnext!, message: 'first' });
    const set = (await predictionSetsOfRuns(db, [runs.convnext!]))
      .get(runs.convnext!)!
      .find((s) => s.split === 'TEST')!;
    const rows = (await listPredictionRows(ctx, set, { first: 100 })).items;
    expect(await csvOf(id)).toBe(['image_id,label', ...rows.map((r) => `${r.imageId},${r.predicted}`), ''].join('\n'));
    expect((await getSubmissions(db, [id])).get(id)).toMatchObject({
      runId: runs.convnext,
      ensembleId: null,
      rowCount: 25,
      message: 'first',
    });
  });

  it('refuses anything but exactly one source with TEST predictions', async () => {
    const refused = (source: object) => problemsOf(createSubmission(ctx, source));
    expect(await refused({})).toEqual(['INVALID : give exactly one of ensembleId and runId']);
    expect(await refused({ runId: 'a', ensembleId: 'b' })).toEqual([
      'INVALID : give exactly one of ensembleId and runId',
    ]);
    expect(await refused({ runId: runs['without test']! })).toEqual([
      `INVALID runId: run "without test" (${runs['without test']}) has no TEST predictions: its data set has no test images, or its config did not ask for them (predict.test)`,
    ]);
    expect(await refused({ runId: 'run_missing' })).toEqual(['NOT_FOUND runId: there is no run run_missing']);
    expect((await refused({ ensembleId: 'ens_missing' }))[0]).toContain('there is no ensemble ens_missing');
    expect((await refused({ runId: runs.convnext!, message: 'a\0b' }))[0]).toContain('INVALID message: ');
  });

  it('refuses predictions of a data set without test images', async () => {
    const id = await testRun(db, experimentId, { name: 'no images', tags: ['odd'] });
    await putPredictions(db, id, drawnPredictions(1, [], vocab));
    const result = await combine(ctx, input({ runId: id }));
    expect(await result.labelCounts()).toEqual([]);
    expect((await result.rows({ first: 10 })).items).toEqual([]);
    expect((await problemsOf(createSubmission(ctx, { runId: id })))[0]).toContain('the data set has no test images');
  });

  it('leaves nothing behind when the disk is full, and can be tried again', async () => {
    const full = async () => {
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    };
    const folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-full-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const request = { runId: runs.convnext!, message: 'full', idempotencyKey: 'submission 1' };
    const crowded = { ...ctx, blobs: createLocalStore(folder, full) };
    expect((await problemsOf(createSubmission(crowded, request)))[0]).toContain('UNAVAILABLE : The disk that holds');
    expect(await db.submission.count({ where: { message: 'full' } })).toBe(0);
    const id = await createSubmission(ctx, request);
    expect(await createSubmission(ctx, request)).toBe(id);
  });

  it('does not starve when more are made at once than there are connections', async () => {
    const sources = Array.from({ length: 24 }, (_, i) => ({ runId: runs.convnext!, message: `number ${i}` }));
    const ids = await Promise.all(sources.map((source) => createSubmission(ctx, source)));
    expect(new Set(ids).size).toBe(24);
  });
});
