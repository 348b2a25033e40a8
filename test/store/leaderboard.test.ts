import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeCursor } from '../../src/domain/cursor.ts';
import type { OrderDirection } from '../../src/domain/objective.ts';
import { Prisma } from '../../src/generated/prisma/client.ts';
import type { EnsembleScore } from '../../src/store/ensemble.ts';
import { insertEnsemble } from '../../src/store/ensemble.ts';
import {
  type LeaderboardEntry,
  type LeaderboardOrder,
  type LeaderboardQuery,
  readLeaderboard,
} from '../../src/store/leaderboard.ts';
import { putPredictions } from '../../src/store/prediction.ts';
import type { Queryable } from '../../src/store/queryable.ts';
import {
  drawnPredictions,
  experimentOf,
  image,
  manifest,
  readyDataset,
  type TestRun,
  testId,
  testRun,
} from '../support/catalogue.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

let database: TestDatabase;
let db: Queryable;
let experimentId: string;
/** Ids by the names that the tests use. */
const ids: Record<string, string> = {};
const nameOf = (id: string | null) => Object.keys(ids).find((name) => ids[name] === id);

const vocab = ['blast', 'hispa'];
const all = ['1.jpg', '2.jpg', '3.jpg', '4.jpg'];

async function run(name: string, columns: TestRun): Promise<string> {
  ids[name] = await testRun(db, experimentId, { name, ...columns });
  return ids[name];
}

async function ensemble(name: string, members: string[], scores: Omit<EnsembleScore, 'logLoss' | 'accuracy'>[]) {
  ids[name] = testId('ensemble');
  const parts = {
    members: members.map((member) => ({ runId: ids[member]!, weight: 1 })),
    scores: scores.map((score) => ({ ...score, accuracy: 1 - score.errorRate, logLoss: score.errorRate * 2 })),
    input: {},
  };
  await insertEnsemble(
    db,
    { id: ids[name], name, experimentId, method: 'MEAN', createdAt: new Date(), selection: null },
    parts,
  );
}

async function summary(
  runName: string,
  metric: string,
  values: { min: number | null; max: number | null; last: number },
) {
  const { id: nameId } = await db.metricName.upsert({ where: { name: metric }, create: { name: metric }, update: {} });
  const ends = { count: 3n, firstStep: 1n, first: 0.9, lastStep: 30n, minStep: 10n, maxStep: 20n };
  await db.metricSummary.create({ data: { runId: ids[runName]!, nameId, ...ends, ...values } });
}

async function predict(runName: string, split: 'VALID' | 'HOLDOUT', imageIds: string[], seed = 1) {
  await putPredictions(db, ids[runName]!, drawnPredictions(seed, imageIds, vocab, { split }));
}

async function board(query: Partial<LeaderboardQuery> = {}, first = 100): Promise<LeaderboardEntry[]> {
  return [...(await readLeaderboard(db, { experimentId, ...query }, { first })).items];
}
const names = (entries: readonly LeaderboardEntry[]) => entries.map((e) => nameOf(e.runId ?? e.ensembleId));

beforeAll(async () => {
  database = await testDatabase();
  db = database.prisma;
  const images = [
    ...all.map((id, i) => image('TRAIN', id, vocab[i % 2]!)),
    ...all.map((id, i) => image('HOLDOUT', id, vocab[i % 2]!)),
  ];
  experimentId = await experimentOf(db, await readyDataset(db, 'paddy', manifest(images)));
  await run('good', { objectiveValue: 0.1, objectiveStep: 12, architecture: 'vit_small_patch16_224' });
  await run('best', { objectiveValue: 0.05, objectiveStep: 7 });
  await run('twin', { objectiveValue: 0.1, objectiveStep: 3 });
  await run('other split', { objectiveValue: 0.2, config: { seed: 2 } });
  await run('training', { objectiveValue: 0.3, status: 'RUNNING', config: { seed: 2 } });
  await run('alone', { objectiveValue: 0.4, config: { seed: null } });
  await run('nan', { objectiveValue: null });
  await run('probe', { objectiveValue: 0.01, kind: 'MEMORY_PROBE' });
  await summary('nan', 'valid/error_rate', { min: null, max: null, last: Number.NaN });
  await summary('good', 'valid/accuracy', { min: 0.2, max: 0.9, last: Number.NaN });
  await summary('best', 'valid/accuracy', { min: 0.1, max: 0.95, last: 0.3 });
  await summary('nan', 'valid/accuracy', { min: null, max: null, last: Number.NaN });
  await summary('good', 'train/loss', { min: 0.4, max: 1, last: 1 });
  await summary('good', 'valid/loss', { min: 0.3, max: 1, last: 1 });
  for (const name of ['best', 'good', 'twin']) await predict(name, 'VALID', ['1.jpg', '2.jpg']);
  await predict('other split', 'VALID', ['1.jpg', '3.jpg']);
  const rowsHash = (await db.predictionSet.findFirstOrThrow({ where: { runId: ids.best! } })).rowsHash;
  await ensemble(
    'ensemble',
    ['best', 'good'],
    [
      { split: 'VALID', rowsHash, errorRate: 0.07 },
      { split: 'HOLDOUT', rowsHash: 'h', errorRate: 0.5 },
    ],
  );
  await ensemble('held out', ['good', 'other split'], [{ split: 'HOLDOUT', rowsHash: 'h', errorRate: 0.01 }]);
  await ensemble('unscored', ['alone'], []);
});
afterAll(() => database.drop());

describe('a leaderboard on VALID', () => {
  const valid = (query: Partial<LeaderboardQuery> = {}) => board({ split: 'VALID', ...query });

  it('ranks runs and ensembles by their best value, without probes and what has no finite value', async () => {
    const entries = await valid();
    expect(names(entries)).toEqual(['best', 'ensemble', 'good', 'twin', 'other split', 'training', 'alone']);
    expect(entries.map((e) => e.rank)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(entries[0]).toMatchObject({ value: 0.05, step: 7, split: 'VALID', ensembleId: null, runId: ids.best });
    expect(entries[1]).toMatchObject({ value: 0.07, step: null, split: 'VALID', runId: null });
  });

  it('says which entries were scored on other images than the one above', async () => {
    const entries = await valid();
    const comparable = Object.fromEntries(entries.map((e) => [nameOf(e.runId ?? e.ensembleId), e.comparable]));
    expect(comparable).toEqual({
      best: true, // nothing above
      ensemble: true,
      good: true,
      twin: true,
      'other split': false, // as many images, others
      training: true, // no predictions yet, but the same seed
      alone: false, // nothing known of its split
    });
    const hash = Object.fromEntries(entries.map((e) => [nameOf(e.runId ?? e.ensembleId), e.splitHash]));
    expect(hash.best).toMatch(/^[0-9a-f]{64}$/);
    expect([hash.ensemble, hash.good, hash.twin]).toEqual([hash.best, hash.best, hash.best]);
    expect(hash['other split']).not.toBe(hash.best);
    expect([hash.training, hash.alone]).toEqual([null, null]);
  });

  it('tells the score of the predictions it keeps, which need not be those of the best epoch', async () => {
    const kept = await db.predictionSet.findMany({ where: { split: 'VALID' } });
    const entries = await valid();
    for (const { runId, predictionValue } of entries.filter((e) => e.runId)) {
      expect(predictionValue).toBe(kept.find((set) => set.runId === runId)?.errorRate ?? null);
    }
    expect(entries[0]!.predictionValue).not.toBe(entries[0]!.value);
    expect(entries[1]).toMatchObject({ value: 0.07, predictionValue: 0.07 });
    expect((await board({ metric: 'train/loss' }))[0]!.predictionValue).toBeNull();
  });

  it('leaves ensembles out when asked to', async () => {
    expect(names(await valid({ includeEnsembles: false }))).toEqual([
      ...['best', 'good', 'twin', 'other split', 'training', 'alone'],
    ]);
  });

  it('keeps what a filter keeps, ensembles by all their members', async () => {
    expect(names(await valid({ filter: 'name in (best, good)' }))).toEqual(['best', 'ensemble', 'good']);
    expect(names(await board({ filter: 'arch like vit*' }))).toEqual(['good']);
    await expect(board({ filter: 'arch likes vit*' })).rejects.toThrow('filter: position 6: ');
  });

  it('gives the same entries in pages of any size', async () => {
    const whole = await board();
    for (const first of [1, 2, 3, 5, 8]) {
      const seen: LeaderboardEntry[] = [];
      let after: string | undefined;
      do {
        const page = await readLeaderboard(db, { experimentId }, { first, after });
        expect(page.hasPreviousPage).toBe(after !== undefined);
        expect(page.items.length).toBeGreaterThan(0);
        seen.push(...page.items);
        after = page.hasNextPage ? page.items.at(-1)!.cursor : undefined;
      } while (after !== undefined);
      expect(seen).toEqual(whole);
    }
  });
});

describe('a leaderboard in another order', () => {
  let own: string;
  /** By rank: the first is scored on HOLDOUT, the others follow by the objective. */
  const ranking = ['scored', 'fast', 'mix', 'slow', 'twin of slow', 'waiting'];
  beforeAll(async () => {
    const images = [image('TRAIN', '1.jpg', 'blast'), ...all.map((id, i) => image('HOLDOUT', id, vocab[i % 2]!))];
    own = await experimentOf(db, await readyDataset(db, 'ordered', manifest(images)), { name: 'ordered' });
    const figures: Record<string, [value: number, seconds: number | null, memory: bigint | null, day: number]> = {
      scored: [0.9, 30, 4_000_000_000n, 5],
      fast: [0.1, 10.5, 9_007_199_254_740_991n, 4],
      slow: [0.3, 1e-7, 1n, 3],
      'twin of slow': [0.3, 30, 4_000_000_000n, 2],
      waiting: [0.5, null, null, 1],
    };
    for (const [name, [objectiveValue, trainSeconds, peakMemory, day]] of Object.entries(figures)) {
      ids[name] = await testRun(db, own, { name, objectiveValue });
      const createdAt = new Date(Date.UTC(2026, 0, day));
      await db.run.update({ where: { id: ids[name] }, data: { trainSeconds, peakMemory, createdAt } });
    }
    await predict('scored', 'HOLDOUT', all);
    ids.mix = testId('ensemble');
    await insertEnsemble(
      db,
      {
        id: ids.mix,
        name: 'mix',
        experimentId: own,
        method: 'MEAN',
        createdAt: new Date(Date.UTC(2026, 1)),
        selection: null,
      },
      {
        members: [{ runId: ids.fast!, weight: 1 }],
        scores: [{ split: 'VALID', rowsHash: 'h', errorRate: 0.2, accuracy: 0.8, logLoss: 1 }],
        input: {},
      },
    );
  });

  it.for<[LeaderboardOrder, string[]]>([
    [{ field: 'SCORE' }, ranking],
    [{ field: 'SCORE', direction: 'ASC' }, ranking],
    [{ field: 'SCORE', direction: 'DESC' }, ['scored', 'waiting', 'slow', 'twin of slow', 'mix', 'fast']],
    [{ field: 'PREDICTION_VALUE' }, ['scored', 'mix', 'fast', 'slow', 'twin of slow', 'waiting']],
    [{ field: 'PREDICTION_VALUE', direction: 'DESC' }, ['scored', 'mix', 'fast', 'slow', 'twin of slow', 'waiting']],
    [{ field: 'TRAIN_SECONDS', direction: 'ASC' }, ['slow', 'fast', 'scored', 'twin of slow', 'mix', 'waiting']],
    [{ field: 'TRAIN_SECONDS' }, ['scored', 'twin of slow', 'fast', 'slow', 'mix', 'waiting']],
    [{ field: 'PEAK_MEMORY' }, ['fast', 'scored', 'twin of slow', 'slow', 'mix', 'waiting']],
    [{ field: 'IMAGES_PER_SECOND' }, ['mix', 'scored', 'fast', 'slow', 'twin of slow', 'waiting']],
    [{ field: 'CREATED_AT' }, ['mix', 'scored', 'fast', 'slow', 'twin of slow', 'waiting']],
    [{ field: 'NAME', direction: 'ASC' }, ['fast', 'mix', 'scored', 'slow', 'twin of slow', 'waiting']],
    [{ field: 'NAME', direction: 'DESC' }, ['waiting', 'twin of slow', 'slow', 'scored', 'mix', 'fast']],
  ])('%o meets every entry once, each with its rank by score', async ([orderBy, expected]) => {
    for (const first of [1, 2, 4, 100]) {
      const seen: LeaderboardEntry[] = [];
      for (let after: string | undefined; ; after = seen.at(-1)!.cursor) {
        const page = await readLeaderboard(db, { experimentId: own, orderBy }, { first, after });
        seen.push(...page.items);
        expect(await page.count()).toBe(6);
        if (!page.hasNextPage) break;
      }
      expect(names(seen)).toEqual(expected);
      expect(seen.map((entry) => ranking[entry.rank - 1])).toEqual(names(seen));
      const unlike = await readLeaderboard(db, { experimentId: own, orderBy }, { first: 100 });
      expect(seen.map((entry) => entry.comparable)).toEqual(unlike.items.map((entry) => entry.comparable));
    }
  });

  it('by the score of predictions takes what is scored on the hold-out first; what has no predictions comes last', async () => {
    const orderBy = { field: 'PREDICTION_VALUE' } as const;
    const { items } = await readLeaderboard(db, { experimentId: own, orderBy }, { first: 100 });
    expect(items.map((entry) => [nameOf(entry.runId ?? entry.ensembleId), entry.split])).toEqual([
      ['scored', 'HOLDOUT'],
      ...['mix', 'fast', 'slow', 'twin of slow', 'waiting'].map((name) => [name, 'VALID']),
    ]);
    expect(items.map(({ predictionValue }) => predictionValue !== null)).toEqual([true, true, ...Array(4).fill(false)]);
  });

  it('refuses cursors of other orders, and forged ones', async () => {
    const read = (orderBy: LeaderboardOrder, after: string) =>
      readLeaderboard(db, { experimentId: own, orderBy }, { first: 2, after });
    const { items } = await readLeaderboard(db, { experimentId: own, orderBy: { field: 'NAME' } }, { first: 1 });
    const cursor = items[0]!.cursor;
    for (const [orderBy, after] of [
      [{ field: 'SCORE' }, cursor],
      [{ field: 'NAME', direction: 'ASC' }, cursor],
      [{ field: 'CREATED_AT' }, cursor],
      [{ field: 'CREATED_AT' }, encodeCursor(['CREATED_AT DESC', 0, 'yesterday', 'run_1'])],
      [{ field: 'CREATED_AT' }, encodeCursor(['CREATED_AT DESC', 0, null, 'run_1'])],
      [{ field: 'PEAK_MEMORY' }, encodeCursor(['PEAK_MEMORY DESC', 0, 'x', 'run_1'])],
      [{ field: 'PEAK_MEMORY' }, encodeCursor(['PEAK_MEMORY DESC', -1, 2, 'run_1'])],
      [{ field: 'PREDICTION_VALUE' }, encodeCursor(['PREDICTION_VALUE DESC', 0, 0.1, 'run_1'])],
      [{ field: 'PREDICTION_VALUE' }, encodeCursor(['PREDICTION_VALUE ASC', 0, 'x', 'run_1'])],
      [{ field: 'NAME' }, encodeCursor(['NAME DESC', 0, 'a\0', 'run_1'])],
    ] as const) {
      await expect(read(orderBy, after)).rejects.toThrow('is no cursor of this list');
    }
    await expect(
      read({ field: 'PEAK_MEMORY' }, encodeCursor(['PEAK_MEMORY DESC', 0, 1e308, 'x'])),
    ).resolves.toBeTruthy();
  });

  it('counts what a filter keeps', async () => {
    const query = { experimentId: own, filter: 'name like *slow', orderBy: { field: 'PEAK_MEMORY' } } as const;
    const page = await readLeaderboard(db, query, { first: 1 });
    expect([page.items[0]?.rank, await page.count()]).toEqual([2, 2]);
  });
});

describe('a leaderboard in the order of predictions', () => {
  let own: string;
  beforeAll(async () => {
    const images = all.map((id, i) => image('TRAIN', id, vocab[i % 2]!));
    own = await experimentOf(db, await readyDataset(db, 'kept', manifest(images)), { name: 'kept' });
    /** Of each image the probability of its label: half the images are wrong where it is small. */
    const predicted = async (name: string, objectiveValue: number, right: number | null) => {
      ids[name] = await testRun(db, own, { name, objectiveValue });
      if (right === null) return;
      const table = all.flatMap((_, i) => {
        const own = i < right ? 0.9 : 0.2;
        return i % 2 ? [1 - own, own] : [own, 1 - own];
      });
      await putPredictions(
        db,
        ids[name],
        drawnPredictions(1, all, vocab, { split: 'VALID', probabilities: new Float32Array(table) }),
      );
    };
    await predicted('early best', 0.05, 1);
    await predicted('late best', 0.25, 3);
    await predicted('in training', 0.1, null);
    await predicted('same', 0.3, 3);
    ids.mixed = testId('ensemble');
    await insertEnsemble(
      db,
      { id: ids.mixed, name: 'mixed', experimentId: own, method: 'MEAN', createdAt: new Date(), selection: null },
      {
        members: [{ runId: ids['late best']!, weight: 1 }],
        scores: [{ split: 'VALID', rowsHash: 'h', errorRate: 0.5, accuracy: 0.5, logLoss: 0.6 }],
        input: {},
      },
    );
  });

  const ranking = ['early best', 'in training', 'late best', 'same', 'mixed'];
  const best = ['late best', 'same', 'mixed', 'early best', 'in training'];
  it.for<[OrderDirection | null, string | null, string[]]>([
    [null, null, best],
    ['ASC', 'valid/error_rate', best],
    ['DESC', null, ['early best', 'mixed', 'late best', 'same', 'in training']],
  ])(
    '%o puts runs and ensembles on one scale, in pages of any size; ranks stay',
    async ([direction, metric, expected]) => {
      const query = { experimentId: own, metric, orderBy: { field: 'PREDICTION_VALUE', direction } } as const;
      for (const first of [1, 2, 3, 100]) {
        const seen: LeaderboardEntry[] = [];
        for (let after: string | undefined; ; after = seen.at(-1)!.cursor) {
          const page = await readLeaderboard(db, query, { first, after });
          seen.push(...page.items);
          if (!page.hasNextPage) break;
        }
        expect(names(seen)).toEqual(expected);
        expect(seen.map(({ rank }) => ranking[rank - 1])).toEqual(expected);
        const values = Object.fromEntries(seen.map((e) => [nameOf(e.runId ?? e.ensembleId), e.predictionValue]));
        expect(values).toEqual({ 'late best': 0.25, same: 0.25, mixed: 0.5, 'early best': 0.75, 'in training': null });
      }
    },
  );

  it('is the order of ids where a metric has no score', async () => {
    const objective = { metric: 'valid/f1', direction: 'DESC' as const };
    const unscored = await experimentOf(db, null, { name: 'unscored', objective });
    const runs = await Promise.all([0.1, 0.9].map((objectiveValue) => testRun(db, unscored, { objectiveValue })));
    const orderBy = { field: 'PREDICTION_VALUE' } as const;
    const { items } = await readLeaderboard(db, { experimentId: unscored, orderBy }, { first: 5 });
    expect(items.map(({ runId, predictionValue }) => [runId, predictionValue])).toEqual(
      runs.sort().map((id) => [id, null]),
    );
  });
});

describe('a leaderboard by another metric', () => {
  it('takes the largest value of accuracy, its ensembles included, and never a NaN', async () => {
    const entries = await board({ metric: 'valid/accuracy' });
    expect(names(entries)).toEqual(['best', 'ensemble', 'good']);
    expect(entries.map((e) => e.value)).toEqual([0.95, 1 - 0.07, 0.9]);
    expect(entries[0]!.step).toBe(20);
  });

  it('pages downwards too', async () => {
    const whole = await board({ metric: 'valid/accuracy' });
    const page = await readLeaderboard(
      db,
      { experimentId, metric: 'valid/accuracy' },
      { first: 2, after: whole[1]!.cursor },
    );
    expect(page.items).toEqual(whole.slice(2));
  });

  it('calls loss log_loss too', async () => {
    const entries = await board({ metric: 'valid/log_loss' });
    expect(names(entries)).toContain('good');
    expect(entries).toEqual(await board({ metric: 'valid/loss' }));
    expect(await board({ metric: 'train/log_loss' })).toEqual(await board({ metric: 'train/loss' }));
  });

  it('has no ensembles for what they have no score of', async () => {
    expect(await board({ metric: 'train/loss' })).toMatchObject([{ runId: ids.good, value: 0.4, split: 'TRAIN' }]);
    expect(await board({ metric: 'never/logged' })).toEqual([]);
    for (const metric of ['constructor', '__proto__', 'valid/toString']) expect(await board({ metric })).toEqual([]);
  });
});

describe('a leaderboard on HOLDOUT', () => {
  beforeAll(async () => {
    await predict('good', 'HOLDOUT', all, 5);
    await predict('best', 'HOLDOUT', all, 6);
  });

  it('scores stored predictions instead of epochs', async () => {
    const scores = new Map(
      (await db.predictionSet.findMany({ where: { split: 'HOLDOUT', run: { experimentId } } })).map((set) => [
        set.runId,
        set,
      ]),
    );
    const entries = await board({ split: 'HOLDOUT', includeEnsembles: false });
    expect(entries.map((e) => e.value)).toEqual([...scores.values()].map((s) => s.errorRate).sort());
    expect(entries.every((e) => e.split === 'HOLDOUT' && e.step === null && e.comparable)).toBe(true);
    const byLoss = await board({ metric: 'holdout/log_loss', includeEnsembles: false });
    for (const { runId, value } of byLoss) expect(value).toBe(scores.get(runId!)!.logLoss);
    expect(names(await board({ split: 'HOLDOUT' }))).toEqual(expect.arrayContaining(['ensemble', 'held out', 'good']));
  });

  it('refuses splits and metrics that have no score', async () => {
    await expect(board({ split: 'TEST' })).rejects.toThrow(
      'split: TEST has no labels to rank by; use VALID or HOLDOUT',
    );
    await expect(board({ metric: 'holdout/f1' })).rejects.toThrow('metric: HOLDOUT is scored from stored predictions');
    await expect(board({ experimentId: 'exp_missing' })).rejects.toThrow('there is no experiment exp_missing');
  });
});

describe('a leaderboard of a data set with a hold-out', () => {
  it('is on HOLDOUT; what has no score there follows, so that a run in training shows', async () => {
    const entries = await board();
    const onHoldout = entries.filter((e) => e.split === 'HOLDOUT');
    expect(names(onHoldout)).toEqual(names(await board({ split: 'HOLDOUT' })));
    expect(names(onHoldout)).toEqual(expect.arrayContaining(['good', 'best', 'ensemble', 'held out']));
    expect(names(entries.slice(onHoldout.length))).toEqual(['twin', 'other split', 'training', 'alone']);
    expect(entries.map((e) => e.rank)).toEqual(entries.map((_, i) => i + 1));
    expect(entries[onHoldout.length]).toMatchObject({ split: 'VALID', value: 0.1, comparable: false });
  });

  it('keeps to the split that is asked for, by name or by the metric', async () => {
    for (const query of [{ split: 'VALID' }, { metric: 'valid/error_rate' }] as const) {
      expect((await board(query)).every((e) => e.split === 'VALID')).toBe(true);
    }
  });

  it('stays by the objective where predictions have no such score', async () => {
    const { datasetId } = await db.experiment.findUniqueOrThrow({ where: { id: experimentId } });
    const objective = { metric: 'valid/f1', direction: 'DESC' as const };
    const own = await experimentOf(db, datasetId, { name: 'by f1', objective });
    const runId = await testRun(db, own, { objectiveValue: 0.5 });
    const { items } = await readLeaderboard(db, { experimentId: own }, { first: 5 });
    expect(items).toMatchObject([{ runId, split: 'VALID', value: 0.5 }]);
  });

  it('refuses a cursor of another ranking', async () => {
    const last = (await board()).at(-1)!.cursor;
    await expect(readLeaderboard(db, { experimentId, split: 'VALID' }, { first: 5, after: last })).rejects.toThrow(
      'after: ',
    );
  });
});

describe('entries scored on as many images', () => {
  it('do not compare when labels are others, though images are the same', async () => {
    const images = ['1.jpg', '2.jpg'].map((id) => image('HOLDOUT', id, 'blast'));
    const labels = ['blast', 'hispa', 'tungro'].map((label) => image('TRAIN', `${label}.jpg`, label));
    const own = await experimentOf(db, await readyDataset(db, 'labels', manifest([...labels, ...images])), {
      name: 'labels',
    });
    const scored = async (of: string[], values: number[], config = {}) => {
      const runId = await testRun(db, own, { config });
      const probabilities = new Float32Array(values);
      const more = { split: 'HOLDOUT', probabilities } as const;
      await putPredictions(db, runId, drawnPredictions(1, ['1.jpg', '2.jpg'], of, more));
      return runId;
    };
    const three = await scored(['blast', 'hispa', 'tungro'], [0.5, 0.3, 0.2, 0.5, 0.3, 0.2]);
    const again = await scored(['blast', 'hispa', 'tungro'], [0.4, 0.3, 0.3, 0.4, 0.3, 0.3]);
    const two = await scored(['blast', 'hispa'], [0.2, 0.8, 0.2, 0.8]);
    const { items } = await readLeaderboard(db, { experimentId: own, split: 'HOLDOUT' }, { first: 5 });
    expect(items.map((e) => [e.runId, e.comparable])).toEqual([
      [three, true],
      [again, true],
      [two, false],
    ]);
    expect(items[0]!.splitHash).toBe(items[1]!.splitHash);
    expect(items[0]!.splitHash).not.toBe(items[2]!.splitHash);
  });

  it('compare before predictions are stored when their splits are drawn alike', async () => {
    const own = await experimentOf(db, null, { name: 'recipes' });
    const live = (value: number, config: TestRun['config'] & object) =>
      testRun(db, own, { status: 'RUNNING', objectiveValue: value, config });
    await live(0.1, { seed: 1, splitSeed: 7 });
    await live(0.2, { seed: 2, splitSeed: 7 });
    await live(0.3, { seed: 7 });
    await live(0.4, { seed: 7, splitSeed: 0 });
    await live(0.5, { seed: 0, labels: ['a', 'b'] });
    await live(0.6, { seed: 0, labels: ['b', 'a'] });
    await live(0.7, { seed: 0, labels: ['b', 'c'] });
    await live(0.8, { seed: 0, labels: ['b', 'c'], validFraction: 0.3 });
    const { items } = await readLeaderboard(db, { experimentId: own }, { first: 9 });
    expect(items.map((e) => e.comparable)).toEqual([true, true, true, false, false, true, false, false]);
  });
});

it('follows an objective whose larger values are better', async () => {
  const objective = { metric: 'valid/odd', direction: 'DESC' as const };
  const own = await experimentOf(db, null, { name: 'larger', objective });
  const low = await testRun(db, own, { objectiveValue: -1 });
  const high = await testRun(db, own, { objectiveValue: 3 });
  const entries = (await readLeaderboard(db, { experimentId: own }, { first: 1 })).items;
  expect(entries).toMatchObject([{ runId: high, value: 3 }]);
  const rest = await readLeaderboard(db, { experimentId: own }, { first: 5, after: entries[0]!.cursor });
  expect(rest.items).toMatchObject([{ runId: low, rank: 2 }]);
});

it('finds the top of thousands of runs by the index, without reading them all', async () => {
  const own = await experimentOf(db, null, { name: 'large' });
  const config = { seed: 1 };
  const random = (i: number) => ((i * 7919) % 5000) / 5000;
  await db.run.createMany({
    data: Array.from({ length: 5000 }, (_, i) => ({
      ...{ id: testId('run'), name: `run ${i}`, kind: 'TRAINED' as const, status: 'SUCCEEDED' as const, config },
      ...{ experimentId: own, architecture: 'x', objectiveValue: random(i) },
    })),
  });
  await database.pool.query('analyze run');
  let query = Prisma.empty;
  const watched = new Proxy(db, {
    get: (target, key) => {
      if (key !== '$queryRaw') return Reflect.get(target, key);
      return (sql: Prisma.Sql, ...values: unknown[]) => {
        if (sql instanceof Prisma.Sql) query = sql;
        return target.$queryRaw(sql, ...values);
      };
    },
  });
  const top = (await readLeaderboard(watched, { experimentId: own }, { first: 20 })).items;
  expect(top.map((e) => e.value)).toEqual(Array.from({ length: 20 }, (_, i) => i / 5000));
  const rows = await db.$queryRaw<{ 'QUERY PLAN': string }[]>(
    Prisma.sql`explain (analyze, costs off, timing off, summary off) ${query}`,
  );
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  expect(plan).toContain('run_experiment_id_objective_value_id_idx');
  // No step of the plan handles more than the page and what shares its last value.
  const handled = [...plan.matchAll(/actual rows=(\d+)/g)].map((match) => Number(match[1]));
  expect(Math.max(...handled)).toBeLessThan(30);
});
