/** What the pages of runs and machines ask for. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { heartbeatWorker } from '../../src/commands/worker.ts';
import { putPredictions } from '../../src/store/prediction.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { drawnPredictions, experimentOf, image } from '../support/catalogue.ts';
import { attemptAt, leaves, points, problemsOfQuery, queuedRun, vocab } from './fixtures.ts';
import { type Batch, eventsOf, follow } from './follow.ts';

let server: ApiServer;
let experimentId: string;
beforeAll(async () => {
  server = await apiServer();
  const holdout = Array.from({ length: 12 }, (_, i) => image('HOLDOUT', `${500 + i}.jpg`, vocab[i % 3]!));
  experimentId = await experimentOf(server.context.db.prisma, await leaves(server.context, 'leaves', holdout));
});
afterAll(() => server.close());

const problemsOf = (query: string, variables: object) => problemsOfQuery(server, query, variables);

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

test('a log is read from both ends, searched, and goes on with the events', async () => {
  const runId = await queuedRun(server.context, experimentId);
  const attempt = await attemptAt(server.context, runId);
  const line = (i: number) =>
    ({ kind: 'log', stream: 'stdout', line: `Line ${i} 100%${i === 7 ? ' \\n_odd' : ''}` }) as const;
  await attempt.tell([line(1), points(1, { lr: 1 }), line(2), line(3)]);
  await attempt.tell([line(4), line(5), line(6), line(7)]);
  await attempt.succeed();
  const query = `query ($id: ID!, $after: Long, $before: Long, $first: Int, $last: Int, $search: String) { run(id: $id) {
    logs(afterSeq: $after, beforeSeq: $before, first: $first, last: $last, search: $search) {
      nodes { seq line } hasNextPage hasPreviousPage lastSeq
    }
  } }`;
  const read = async (args: object) => {
    const { nodes, ...rest } = (await server.ask(query, { id: runId, ...args })).run.logs;
    expect(rest.lastSeq).toBe(7);
    return [nodes.map(({ seq }: { seq: number }) => seq).join(''), rest.hasNextPage, rest.hasPreviousPage];
  };
  for (const [args, seqs, next, previous] of [
    [{}, '1234567', false, false],
    [{ first: 2 }, '12', true, false],
    [{ first: 2, after: 2 }, '34', true, false],
    [{ first: 9, after: 2, before: 6 }, '345', false, false],
    [{ last: 3 }, '567', false, true],
    [{ last: 3, before: 5 }, '234', false, true],
    [{ last: 3, before: 4 }, '123', false, false],
    [{ last: 3, first: 1 }, '567', false, true],
    [{ search: 'LINE 3' }, '3', false, false],
    [{ search: '\\N_O' }, '7', false, false],
    [{ search: '%', last: 1 }, '7', false, true],
    [{ search: '_', last: 2 }, '7', false, false],
    [{ search: 'nothing' }, '', false, false],
    [{ after: Number.MAX_SAFE_INTEGER, before: -Number.MAX_SAFE_INTEGER }, '', false, false],
  ] as const) {
    expect(await read(args)).toEqual([seqs, next, previous]);
  }
  expect(await problemsOf(query, { id: runId, last: 0 })).toMatchObject([{ code: 'LIMIT_EXCEEDED', path: ['last'] }]);
  expect(await problemsOf(query, { id: runId, first: 1001 })).toMatchObject([{ path: ['first'] }]);
  const lines =
    'subscription ($id: ID!) { runEvents(runId: $id, kinds: [LOG]) { events { ... on LogLine { seq line } } } }';
  const stream = follow<Batch>(server.connect(), lines, { id: runId });
  await stream.ended;
  expect(eventsOf(stream.values)).toEqual((await server.ask(query, { id: runId })).run.logs.nodes);
});

test('devices tell of the last hour, thinned to the most memory in use', async () => {
  let now = Date.UTC(2026, 0, 1);
  const context = { ...server.context, now: () => new Date(now) };
  const attempt = await attemptAt(context, await queuedRun(context, experimentId));
  await context.db.prisma.attempt.updateMany({ where: { workerId: attempt.workerId }, data: { pid: 11 } });
  const device = { name: 'cpu', kind: 'CPU', memoryTotal: 64e9, temperature: null } as const;
  /** Bytes in use, minute by minute; two more after two hours. */
  const used = [1e9, 5e9, 2e9, null, 3e9, 4e9];
  const beat = async (memoryUsed: number | null) => {
    const processes = [
      { pid: 11, memory: 2 ** 40 },
      { pid: 12, memory: 7 },
    ];
    const devices = [0, 1].map((index) => ({
      ...device,
      index,
      memoryUsed,
      utilization: 0.5,
      processes: index ? [] : processes,
    }));
    await heartbeatWorker(context, { workerId: attempt.workerId, devices, attempts: [] });
  };
  const query = `query ($id: ID!, $maxPoints: Int) { node(id: $id) { ... on Worker { devices { history(maxPoints: $maxPoints) {
    at memoryUsed runMemory utilization
  } } } } }`;
  const histories = async (maxPoints: number) =>
    (await server.ask(query, { id: attempt.workerId, maxPoints })).node.devices.map(
      ({ history }: { history: unknown }) => history,
    );
  const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
  for (const [minute, value] of used.slice(0, 4).entries()) {
    now = Date.UTC(2026, 0, 1, 0, minute);
    await beat(value);
    await beat(9e9); // at the same moment: the first stays
  }
  const [first, second] = await histories(1800);
  expect(first).toEqual(
    used.slice(0, 4).map((memoryUsed, i) => ({ at: at(i), memoryUsed, runMemory: 2 ** 40, utilization: 0.5 })),
  );
  expect(second.map(({ runMemory }: { runMemory: number }) => runMemory)).toEqual([0, 0, 0, 0]);
  expect((await histories(2))[0]).toMatchObject([{ at: at(1), memoryUsed: 5e9 }]);
  now = Date.UTC(2026, 0, 1, 1, 2);
  await beat(3e9);
  expect((await histories(300))[0]).toMatchObject([{ at: at(2) }, { at: at(3) }, { at: at(62), memoryUsed: 3e9 }]);
  expect(await problemsOf(query, { id: attempt.workerId, maxPoints: 1801 })).toMatchObject([{ path: ['maxPoints'] }]);
});
