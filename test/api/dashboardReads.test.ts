/** What the pages of the dashboard ask for. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { putPredictions } from '../../src/store/prediction.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { drawnPredictions, experimentOf, image } from '../support/catalogue.ts';
import { attemptAt, leaves, points, queuedRun, vocab } from './fixtures.ts';

let server: ApiServer;
let experimentId: string;
beforeAll(async () => {
  server = await apiServer();
  const holdout = Array.from({ length: 12 }, (_, i) => image('HOLDOUT', `${500 + i}.jpg`, vocab[i % 3]!));
  experimentId = await experimentOf(server.context.db.prisma, await leaves(server.context, 'leaves', holdout));
});
afterAll(() => server.close());

/** Problems of a query's arguments: code, path and message. */
async function problemsOf(query: string, variables: object): Promise<unknown> {
  const { errors } = await server.send(query, variables);
  expect(errors).toHaveLength(1);
  expect(errors[0]!.extensions).toMatchObject({ code: 'BAD_USER_INPUT' });
  return errors[0]!.extensions!.problems;
}

test('predictions are chosen by label and by right or wrong, and walked from the worst on', async () => {
  const runId = await queuedRun(server.context, experimentId);
  const imageIds = Array.from({ length: 12 }, (_, i) => `${500 + i}.jpg`);
  await putPredictions(server.context.db.prisma, runId, drawnPredictions(4, imageIds, vocab, { split: 'HOLDOUT' }));
  const query = `query ($id: ID!, $first: Int, $after: String, $label: String, $wrong: Boolean, $order: PredictionOrder! = LOSS_DESC) {
    run(id: $id) { predictions { vocab score { errorRate } rows(first: $first, after: $after, orderBy: $order, label: $label, wrong: $wrong) {
      totalCount nodes { imageId label predicted probabilities thumbnailUrl } pageInfo { endCursor hasNextPage }
    } } }
  }`;
  type Row = { imageId: string; label: string; predicted: string; probabilities: number[] };
  const rowsOf = async (variables: object) => (await server.ask(query, { id: runId, ...variables })).run.predictions[0];
  const seen: Row[] = [];
  for (let after: string | null = null; ; ) {
    const { rows } = await rowsOf({ first: 5, after });
    seen.push(...rows.nodes);
    expect(rows.totalCount).toBe(12);
    if (!rows.pageInfo.hasNextPage) break;
    after = rows.pageInfo.endCursor;
  }
  const ofTruth = seen.map(({ label, probabilities }) => probabilities[vocab.indexOf(label)]!);
  expect(ofTruth).toEqual(ofTruth.toSorted((a, b) => a - b));
  expect(new Set(seen.map(({ imageId }) => imageId))).toEqual(new Set(imageIds));
  const wrong = await rowsOf({ wrong: true });
  expect(wrong.rows.totalCount).toBe(seen.filter(({ label, predicted }) => label !== predicted).length);
  expect(wrong.score.errorRate).toBeCloseTo(wrong.rows.totalCount / 12);
  expect((await rowsOf({ label: 'hispa', order: 'IMAGE_ID' })).rows.nodes).toHaveLength(4);
  expect((await rowsOf({ label: '' })).rows).toMatchObject({ totalCount: 0, nodes: [] });
  expect(await problemsOf(query, { id: runId, after: 'WzBd' })).toMatchObject([{ code: 'INVALID', path: ['after'] }]);
});

describe('a range of steps', () => {
  const query = `query ($id: ID!, $from: Long, $to: Long, $after: Long) { run(id: $id) {
    metricHistory(fromStep: $from, toStep: $to, afterStep: $after, maxPoints: 3) { total downsampled points { step } }
    memory(fromStep: $from, toStep: $to) { points { step } }
  } }`;

  test('shows more the shorter it is', async () => {
    const runId = await queuedRun(server.context, experimentId);
    const attempt = await attemptAt(server.context, runId);
    for (let step = 0; step < 20; step++) {
      const memory = { step, used: 1e9, peak: 2e9, deviceUsed: null, deviceTotal: null };
      await attempt.tell([points(step, { 'train/loss': step }), { kind: 'memory', point: memory }]);
    }
    const steps = async (range: object) => {
      const { run } = await server.ask(query, { id: runId, ...range });
      const of = ({ points }: { points: { step: number }[] }) => points.map(({ step }) => step);
      return { ...run.metricHistory[0], points: run.metricHistory.flatMap(of), memory: of(run.memory) };
    };
    expect(await steps({})).toMatchObject({ total: 20, downsampled: true, points: [0, 19] });
    expect(await steps({ from: 4, to: 6 })).toEqual({
      total: 3,
      downsampled: false,
      points: [4, 5, 6],
      memory: [4, 5, 6],
    });
    expect(await steps({ from: 4, to: 6, after: 5 })).toMatchObject({ total: 1, points: [6] });
    expect(await steps({ from: 18, after: 2 })).toMatchObject({ points: [18, 19], memory: [18, 19] });
    expect(await steps({ from: 20 })).toEqual({ points: [], memory: [] });
    const furthest = Number.MAX_SAFE_INTEGER;
    expect(await steps({ from: -furthest, to: furthest, after: -furthest })).toMatchObject({ total: 20 });
    expect(await steps({ after: furthest })).toMatchObject({ points: [] });
  });

  test('must not end before it begins', async () => {
    const runId = await queuedRun(server.context, experimentId);
    const message = 'must not be below fromStep (5), got 4';
    for (const field of ['metricHistory(fromStep: 5, toStep: 4) { name }', 'memory(fromStep: 5, toStep: 4) { unit }']) {
      expect(await problemsOf(`query ($id: ID!) { run(id: $id) { ${field} } }`, { id: runId })).toEqual([
        { code: 'INVALID', path: ['toStep'], message },
      ]);
    }
  });
});
