import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { score } from '../../src/ensembles/score.ts';
import {
  getPredictionSets,
  type PredictionSet,
  predictionSetsOfRuns,
  putPredictions,
  readImageIds,
  readPredictions,
} from '../../src/store/prediction.ts';
import { readMatrixRows } from '../../src/store/predictionMatrix.ts';
import type { Queryable } from '../../src/store/queryable.ts';
import { drawnPredictions, experimentOf, image, manifest, readyDataset, testRun } from '../support/catalogue.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

let database: TestDatabase;
let db: Queryable;
let runId: string;
beforeAll(async () => {
  database = await testDatabase();
  db = database.prisma;
});
afterAll(() => database.drop());

const vocab = ['blast', 'hispa', 'tungro'];
const ids = Array.from({ length: 7 }, (_, i) => `${i}.jpg`);

beforeAll(async () => {
  const images = [
    ...ids.map((id, i) => image('TRAIN', id, vocab[i % 3]!)),
    ...ids.map((id) => image('TEST', id, null)),
    ...ids.map((id, i) => image('HOLDOUT', id, vocab[i % 2]!)),
  ];
  const dataset = await readyDataset(db, 'paddy', manifest(images));
  const experiment = await experimentOf(db, dataset);
  runId = await testRun(db, experiment);
});
beforeEach(async () => {
  await db.predictionSet.deleteMany();
});

async function stored(id: string): Promise<PredictionSet> {
  return (await getPredictionSets(db, [id])).get(id)!;
}

describe('a prediction set', () => {
  it('comes back as it was, to the bit', async () => {
    const predictions = drawnPredictions(1, ids, vocab);
    const id = await putPredictions(db, runId, predictions);
    expect(await readPredictions(db, id)).toEqual(predictions.probabilities);
    expect(await readImageIds(db, id)).toEqual(ids);
    expect(await stored(id)).toMatchObject({
      runId,
      split: 'TEST',
      kind: 'TTA',
      rowCount: 7,
      vocab,
      passes: 4,
      beta: 0.25,
    });
  });

  it('is cut into chunks of at most 1 MiB of whole rows, and any rows can be read alone', async () => {
    const wide = Array.from({ length: 300 }, (_, i) => `label ${i}`);
    const many = Array.from({ length: 2000 }, (_, i) => `${i}.jpg`);
    const predictions = drawnPredictions(2, many, wide);
    const id = await putPredictions(db, runId, predictions);
    const chunks = await db.predictionChunk.findMany({ where: { setId: id }, orderBy: { position: 'asc' } });
    expect(chunks.map((chunk) => chunk.data.length)).toEqual([873 * 1200, 873 * 1200, 254 * 1200]);
    expect(await readPredictions(db, id)).toEqual(predictions.probabilities);

    for (const [start, end] of [
      [0, 1],
      [872, 874],
      [100, 1999],
      [2000, 2000],
    ] as const) {
      const rows = predictions.probabilities.subarray(start * 300, end * 300);
      expect(await readMatrixRows(db, id, 300, start, end)).toEqual(rows);
    }
  });

  it('takes a view into a larger buffer for the rows it shows', async () => {
    const { probabilities } = drawnPredictions(3, ids, vocab);
    const larger = new Float32Array(100).fill(7);
    larger.set(probabilities, 13);
    const id = await putPredictions(db, runId, {
      ...drawnPredictions(3, ids, vocab),
      probabilities: larger.subarray(13, 13 + probabilities.length),
    });
    expect(await readPredictions(db, id)).toEqual(probabilities);
  });

  it('has a hash of its content and one of its images in any order', async () => {
    const first = await stored(await putPredictions(db, runId, drawnPredictions(4, ids, vocab)));
    const again = await stored(await putPredictions(db, runId, drawnPredictions(4, ids, vocab)));
    const other = await stored(await putPredictions(db, runId, drawnPredictions(5, ids, vocab)));
    const turned = await stored(await putPredictions(db, runId, drawnPredictions(4, [...ids].reverse(), vocab)));
    const fewer = await stored(await putPredictions(db, runId, drawnPredictions(4, ids.slice(1), vocab)));
    expect(again.contentHash).toBe(first.contentHash);
    expect(new Set([first, other, turned, fewer].map((set) => set.contentHash)).size).toBe(4);
    expect([again, other, turned].map((set) => set.rowsHash)).toEqual(Array(3).fill(first.rowsHash));
    expect(fewer.rowsHash).not.toBe(first.rowsHash);
  });

  it('replaces the one an earlier attempt stored', async () => {
    const first = await putPredictions(db, runId, drawnPredictions(6, ids, vocab));
    const plain = await putPredictions(
      db,
      runId,
      drawnPredictions(6, ids, vocab, { kind: 'PLAIN', beta: null, passes: 0 }),
    );
    const second = await putPredictions(db, runId, drawnPredictions(7, ids, vocab));
    const sets = await predictionSetsOfRuns(db, [runId, 'run_missing']);
    expect(sets.get(runId)!.map((set) => set.id)).toEqual([plain, second]);
    expect(sets.get('run_missing')).toEqual([]);
    expect(await db.predictionChunk.count({ where: { setId: first } })).toBe(0);
  });

  it('refuses a matrix that does not fit its images and labels', async () => {
    const predictions = { ...drawnPredictions(8, ids, vocab), imageIds: ids.slice(1) };
    await expect(putPredictions(db, runId, predictions)).rejects.toThrow('6 images x 3 labels');
  });
});

describe('its score', () => {
  const columns = async (id: string) => {
    const { errorRate, accuracy, logLoss } = await db.predictionSet.findUniqueOrThrow({ where: { id } });
    return { errorRate, accuracy, logLoss };
  };

  it('is taken against the labels of TRAIN for VALID, and kept for the leaderboard', async () => {
    const rows = ['5.jpg', '0.jpg', '3.jpg', '1.jpg'];
    const predictions = drawnPredictions(10, rows, vocab, { split: 'VALID' });
    const id = await putPredictions(db, runId, predictions);
    const labels = { '5.jpg': 'tungro', '0.jpg': 'blast', '3.jpg': 'blast', '1.jpg': 'hispa' };
    const expected = score(predictions, new Map(Object.entries(labels)));
    const { errorRate, accuracy, logLoss } = expected;
    expect(await columns(id)).toEqual({ errorRate, accuracy, logLoss });
  });

  it('is null without labels, with unknown images, and with labels outside of the vocabulary', async () => {
    const none = { errorRate: null, accuracy: null, logLoss: null };
    const unscored = [
      drawnPredictions(11, ids, vocab),
      drawnPredictions(11, ['new.jpg'], vocab, { split: 'VALID' }),
      drawnPredictions(11, ids, ['blast', 'tungro'], { split: 'HOLDOUT' }),
      drawnPredictions(11, [], vocab, { split: 'HOLDOUT', kind: 'PLAIN' }),
    ];
    for (const predictions of unscored) {
      const id = await putPredictions(db, runId, predictions);
      expect(await columns(id)).toEqual(none);
    }
  });
});
