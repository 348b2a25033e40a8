import { afterAll, beforeAll, expect, it } from 'vitest';
import { listPredictionRows } from '../../src/commands/predictionRows.ts';
import { predictedLabels } from '../../src/ensembles/labels.ts';
import type { RowChoice } from '../../src/ensembles/rows.ts';
import {
  getPredictionSets,
  type PredictionRow,
  type PredictionSet,
  putPredictions,
} from '../../src/store/prediction.ts';
import { drawnPredictions, experimentOf, image, manifest, readyDataset, testRun } from '../support/catalogue.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';

const vocab = ['blast', 'hispa', 'tungro'];
/** Not in the order in which they are stored; the last two have labels that nobody knows, and that the run does not. */
const ids = ['7.jpg', '10.jpg', '3.jpg', '2.jpg', '5.jpg', '4.jpg', '9.jpg', '8.jpg', '6.jpg', 'gone.jpg', '1.jpg'];
const labels: Readonly<Record<string, string | null>> = Object.fromEntries(
  ids.map((id, i) => [id, id === 'gone.jpg' ? null : id === '1.jpg' ? 'rust' : vocab[i % 3]!]),
);
const predictions = drawnPredictions(9, ids, vocab, { split: 'HOLDOUT' });
const expected = ids.map((imageId, i) => {
  const probabilities = Array.from(predictions.probabilities.subarray(i * 3, i * 3 + 3));
  return { imageId, label: labels[imageId]!, predicted: predictedLabels(predictions)[i]!, probabilities };
});
const byId = expected.toSorted((a, b) => (a.imageId < b.imageId ? -1 : 1));

let ctx: TestContext;
let set: PredictionSet;
beforeAll(async () => {
  ctx = await testContext();
  const images = [
    ...vocab.map((label) => image('TRAIN', `${label}.jpg`, label)),
    ...ids.flatMap((id) => (labels[id] === null ? [] : [image('HOLDOUT', id, labels[id]!)])),
  ];
  const dataset = await readyDataset(ctx.db.prisma, 'paddy', manifest(images));
  const runId = await testRun(ctx.db.prisma, await experimentOf(ctx.db.prisma, dataset));
  const id = await putPredictions(ctx.db.prisma, runId, predictions);
  set = (await getPredictionSets(ctx.db.prisma, [id])).get(id)!;
});
afterAll(() => ctx.close());

/** Every row of a choice, read in pages of `first`. */
async function every(choice: RowChoice, first = 4): Promise<PredictionRow[]> {
  const rows: PredictionRow[] = [];
  for (let after: string | undefined; ; after = rows.at(-1)!.cursor) {
    const page = await listPredictionRows(ctx, set, { first, after }, choice);
    rows.push(...page.items);
    if (!page.hasNextPage) {
      expect(page.totalCount).toBe(rows.length);
      return rows;
    }
  }
}

it('come by image id, with the truth and the place of the image', async () => {
  for (const first of [1, 3, 100]) {
    const rows = await every({ orderBy: 'IMAGE_ID' }, first);
    expect(
      rows.map(({ imageId, label, predicted, probabilities }) => ({ imageId, label, predicted, probabilities })),
    ).toEqual(byId);
  }
  const rows = await every({ orderBy: 'IMAGE_ID' });
  for (const { imageId, confidence, probabilities, sample } of rows) {
    expect(confidence).toBe(Math.max(...probabilities));
    expect(sample === null).toBe(imageId === 'gone.jpg');
  }
  const [byPosition] = await ctx.db.prisma.$queryRaw<{ ids: string[] }[]>`
    select array_agg(image_id order by position) as ids from dataset_image where position = any(${rows.flatMap((row) => row.sample?.position ?? [])})`;
  expect(byPosition!.ids.toSorted()).toEqual(rows.flatMap((row) => (row.sample ? row.imageId : [])).toSorted());
});

it('come by confidence, and the worst first', async () => {
  const confidences = (rows: readonly PredictionRow[]) => rows.map((row) => row.confidence);
  const up = await every({ orderBy: 'CONFIDENCE_ASC' });
  expect(confidences(up)).toEqual(confidences(up).toSorted((a, b) => a - b));
  expect((await every({ orderBy: 'CONFIDENCE_DESC' })).map((row) => row.imageId)).toEqual(
    up.map((row) => row.imageId).reverse(),
  );
  const worst = await every({ orderBy: 'LOSS_DESC' });
  expect(worst[0]).toMatchObject({ imageId: '1.jpg', label: 'rust' });
  expect(worst.at(-1)).toMatchObject({ imageId: 'gone.jpg', label: null });
  const ofTruth = worst.slice(1, -1).map((row) => row.probabilities[vocab.indexOf(row.label!)]!);
  expect(ofTruth).toEqual(ofTruth.toSorted((a, b) => a - b));
  expect(new Set(worst.map((row) => row.imageId))).toEqual(new Set(ids));
});

it('are chosen by true label, predicted label, and whether they are wrong', async () => {
  const isWrong = ({ label, predicted }: { label: string | null; predicted: string }) => label !== predicted;
  const cases: [Partial<RowChoice>, (row: (typeof byId)[number]) => boolean][] = [
    [{ label: 'hispa' }, (row) => row.label === 'hispa'],
    [{ predicted: 'blast' }, (row) => row.predicted === 'blast'],
    [{ label: 'hispa', predicted: 'blast' }, (row) => row.label === 'hispa' && row.predicted === 'blast'],
    [{ wrong: true }, (row) => row.label !== null && isWrong(row)],
    [{ wrong: false }, (row) => row.label !== null && !isWrong(row)],
    [{ label: 'tungro', wrong: true }, (row) => row.label === 'tungro' && isWrong(row)],
    [{ label: 'constructor' }, () => false],
    [{ predicted: 'rust' }, () => false],
  ];
  for (const [choice, keeps] of cases) {
    const chosen = byId.filter(keeps).map((row) => row.imageId);
    const rows = await every({ orderBy: 'IMAGE_ID', ...choice }, 2);
    expect(rows.map((row) => row.imageId)).toEqual(chosen);
    const worst = await every({ orderBy: 'LOSS_DESC', ...choice }, 2);
    expect(worst.map((row) => row.imageId).toSorted()).toEqual(chosen.toSorted());
  }
});

it('refuse cursors of another order or choice, and pages of more than 1000', async () => {
  const row = expected.find(({ label, predicted }) => label === predicted)!;
  const page = await every({ orderBy: 'IMAGE_ID' });
  const after = page.find(({ imageId }) => imageId === row.imageId)!.cursor;
  for (const choice of [{ orderBy: 'LOSS_DESC' }, { orderBy: 'IMAGE_ID', wrong: true }] as const) {
    await expect(listPredictionRows(ctx, set, { first: 2, after }, choice)).rejects.toThrow('after: ');
  }
  for (const odd of ['', 'x', 'WzFd', 'WyJJTUFHRV9JRCIsOTldxx']) {
    await expect(listPredictionRows(ctx, set, { first: 2, after: odd })).rejects.toThrow('is no cursor of this list');
  }
  await expect(listPredictionRows(ctx, set, { first: 1001 })).rejects.toThrow('first: must be between 1 and 1000');
});

it('are none of an empty set', async () => {
  const runId = await testRun(ctx.db.prisma, await experimentOf(ctx.db.prisma, null, { name: 'collects' }));
  const id = await putPredictions(ctx.db.prisma, runId, drawnPredictions(1, [], vocab));
  const empty = (await getPredictionSets(ctx.db.prisma, [id])).get(id)!;
  for (const orderBy of ['IMAGE_ID', 'LOSS_DESC'] as const) {
    expect(await listPredictionRows(ctx, empty, { first: 5 }, { orderBy })).toMatchObject({ items: [], totalCount: 0 });
  }
});
