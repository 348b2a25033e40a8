import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { heartbeatWorker } from '../../src/commands/worker.ts';
import type { DeviceReading } from '../../src/store/worker.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { drawnPredictions, experimentOf } from '../support/catalogue.ts';
import { attemptAt, epoch, leaves, points, queuedRun, vocab } from './fixtures.ts';
import { type Batch, eventsOf, follow, typesOf } from './follow.ts';

let server: ApiServer;
let datasetId: string;
let experimentId: string;
beforeAll(async () => {
  server = await apiServer();
  datasetId = await leaves(server.context, 'leaves');
  experimentId = await experimentOf(server.context.db.prisma, datasetId);
});
afterAll(() => server.close());

describe('experimentEvents', () => {
  const experimentEvents = `subscription ($id: ID!, $after: String) {
    experimentEvents(experimentId: $id, after: $after, kinds: [EPOCH]) {
      cursor events { __typename runId cursor ... on EpochCompleted { epoch { index } } }
    }
  }`;

  test('follow every run, those started later included, and resume behind all of them', async () => {
    const own = await experimentOf(server.context.db.prisma, datasetId, { name: 'followed' });
    const first = await queuedRun(server.context, own);
    const one = await attemptAt(server.context, first);
    await one.tell([epoch(0, 0.5)]);
    const stream = follow<Batch>(server.connect(), experimentEvents, { id: own });
    await stream.until((batches) => eventsOf(batches).length === 1);
    const later = await queuedRun(server.context, own);
    const two = await attemptAt(server.context, later);
    await two.tell([epoch(0, 0.4)]);
    await one.tell([epoch(1, 0.3)]);
    const batches = await stream.until((all) => eventsOf(all).length === 3);
    const seen = eventsOf(batches) as unknown as { runId: string; epoch: { index: number }; cursor: string }[];
    expect(new Set(seen.map(({ runId, epoch: { index } }) => `${runId} ${index}`))).toEqual(
      new Set([`${first} 0`, `${first} 1`, `${later} 0`]),
    );
    stream.stop();
    const resumed = follow<Batch>(server.connect(), experimentEvents, { id: own, after: seen[2]!.cursor });
    await two.tell([epoch(1, 0.2)]);
    const rest = await resumed.until((all) => eventsOf(all).length > 0);
    expect(eventsOf(rest)).toMatchObject([{ runId: later, epoch: { index: 1 } }]);
    resumed.stop();
  });

  test('refuse an unknown experiment', async () => {
    const stream = follow(server.connect(), experimentEvents, { id: 'exp_none' });
    await expect(stream.ended).rejects.toMatchObject([{ message: 'experimentId: there is no experiment exp_none' }]);
  });
});

describe('a cursor read with an object', () => {
  test('goes on behind everything that had happened to a run, at its end too', async () => {
    const runId = await queuedRun(server.context, experimentId);
    const read = async () => (await server.ask('query ($id: ID!) { run(id: $id) { eventCursor } }', { id: runId })).run;
    const before = await read();
    const attempt = await attemptAt(server.context, runId);
    await attempt.tell([epoch(0, 0.5)]);
    const after = await read();
    await attempt.tell([epoch(1, 0.4)]);
    await attempt.succeed();
    const query = `subscription ($id: ID!, $after: String) { runEvents(runId: $id, after: $after) { events { __typename cursor } } }`;
    for (const [cursor, types] of [
      [before.eventCursor, 'RunStatusChanged EpochCompleted EpochCompleted RunStatusChanged'],
      [after.eventCursor, 'EpochCompleted RunStatusChanged'],
      [(await read()).eventCursor, ''],
    ]) {
      const stream = follow<Batch>(server.connect(), query, { id: runId, after: cursor });
      await stream.ended;
      expect(typesOf(stream.values).join(' ')).toBe(types);
    }
  });

  test('goes on behind everything that had happened to the runs of an experiment', async () => {
    const own = await experimentOf(server.context.db.prisma, datasetId, { name: 'read first' });
    const [one, two] = [await queuedRun(server.context, own), await queuedRun(server.context, own)];
    const [first, second] = [await attemptAt(server.context, one), await attemptAt(server.context, two)];
    await first.tell([epoch(0, 0.5)]);
    await second.tell([epoch(0, 0.5)]);
    for (const experiment of [
      (await server.ask('query ($id: ID!) { experiment(id: $id) { eventCursor } }', { id: own })).experiment,
      (await server.ask('query ($id: ID!) { run(id: $id) { experiment { eventCursor } } }', { id: one })).run
        .experiment,
      (await server.ask('{ experiments(search: "READ FIRST") { nodes { eventCursor } } }')).experiments.nodes[0],
    ]) {
      const late = await queuedRun(server.context, own);
      await (await attemptAt(server.context, late)).tell([epoch(0, 0.1)]);
      const query = `subscription ($id: ID!, $after: String) {
        experimentEvents(experimentId: $id, after: $after, kinds: [EPOCH]) { events { __typename runId cursor } }
      }`;
      const stream = follow<Batch>(server.connect(), query, { id: own, after: experiment.eventCursor });
      await stream.until((batches) => eventsOf(batches).some((event) => 'runId' in event && event.runId === late));
      stream.stop();
      expect(JSON.stringify(eventsOf(stream.values))).not.toContain(one);
      expect(JSON.stringify(eventsOf(stream.values))).not.toContain(two);
    }
  });
});

describe('leaderboardUpdates', () => {
  test('come at first and after every change, read anew each time', async () => {
    const own = await experimentOf(server.context.db.prisma, datasetId, { name: 'ranked' });
    const query = `subscription ($id: ID!) { leaderboardUpdates(experimentId: $id) {
      edges { rank node { value { value } run { id status } } }
    } }`;
    const runId = await queuedRun(server.context, own);
    const stream = follow(server.connect(), query, { id: own });
    await stream.until((boards) => boards.length > 0);
    expect(stream.values).toEqual([{ edges: [] }]);
    const attempt = await attemptAt(server.context, runId);
    await attempt.tell([points(1, { 'valid/error_rate': 0.5 }), epoch(0, 0.5)]);
    await stream.until((boards) => boards.at(-1).edges[0]?.node.value.value === 0.5);
    expect(stream.values.at(-1).edges[0].node.run).toEqual({ id: runId, status: 'RUNNING' });
    await attempt.succeed();
    await stream.until((boards) => boards.at(-1).edges[0]?.node.run.status === 'SUCCEEDED');
    stream.stop();
  });
});

test('leaderboardUpdates take the arguments of the leaderboard', async () => {
  const own = await experimentOf(server.context.db.prisma, datasetId, { name: 'ranked by name' });
  for (const [name, value] of [
    ['a', 0.1],
    ['b', 0.2],
    ['c', 0.3],
  ] as const) {
    const attempt = await attemptAt(server.context, await queuedRun(server.context, own, name));
    await attempt.tell([points(1, { 'train/loss': value })]);
  }
  const query = `subscription ($id: ID!, $first: Int) { leaderboardUpdates(
    experimentId: $id, metric: "train/loss", filter: "not name = b", orderBy: { field: NAME }, includeEnsembles: false, first: $first
  ) { totalCount edges { rank node { split run { name } } } } }`;
  const stream = follow(server.connect(), query, { id: own, first: 1000 });
  await stream.until((boards) => boards.length > 0);
  expect(stream.values[0]).toEqual({
    totalCount: 2,
    edges: [
      { rank: 2, node: { split: 'TRAIN', run: { name: 'c' } } },
      { rank: 1, node: { split: 'TRAIN', run: { name: 'a' } } },
    ],
  });
  stream.stop();
  await expect(follow(server.connect(), query, { id: own, first: 1001 }).ended).rejects.toMatchObject([
    { message: expect.stringContaining('first: must be between 1 and 1000, got 1001') },
  ]);
});

test('leaderboardUpdates in the order of predictions follow each set that is stored', async () => {
  const own = await experimentOf(server.context.db.prisma, datasetId, { name: 'ranked by predictions' });
  const [early, late] = await Promise.all(
    ['early', 'late'].map(async (name) => attemptAt(server.context, await queuedRun(server.context, own, name))),
  );
  await early!.tell([points(1, { 'valid/error_rate': 0.1 })]);
  await late!.tell([points(1, { 'valid/error_rate': 0.2 })]);
  const query = `subscription ($id: ID!) { leaderboardUpdates(experimentId: $id, orderBy: { field: PREDICTION_VALUE }) {
    edges { rank node { predictionValue { value } run { name } } }
  } }`;
  const stream = follow(server.connect(), query, { id: own });
  // biome-ignore lint/suspicious/noExplicitAny: JSON
  const rows = ({ edges }: any) =>
    // biome-ignore lint/suspicious/noExplicitAny: JSON
    edges.map(({ rank, node }: any) => [rank, node.run.name, node.predictionValue?.value ?? null]);
  /** Of the images 100.jpg and 101.jpg the first `right` are told apart. */
  const stored = (right: number) => {
    const probabilities = new Float32Array([
      right > 0 ? 1 : 0,
      0,
      right > 0 ? 0 : 1,
      0,
      right > 1 ? 1 : 0,
      right > 1 ? 0 : 1,
    ]);
    const predictions = drawnPredictions(1, ['100.jpg', '101.jpg'], vocab, { split: 'VALID', probabilities });
    return [{ kind: 'predictions', predictions } as const];
  };
  await late!.tell(stored(2));
  const first = await stream.until((boards) => rows(boards.at(-1))[0]?.[2] === 0);
  expect(rows(first.at(-1))).toEqual([
    [2, 'late', 0],
    [1, 'early', null],
  ]);
  await early!.tell(stored(1));
  const last = await stream.until((boards) => rows(boards.at(-1))[1]?.[2] === 0.5);
  expect(rows(last.at(-1))).toEqual([
    [2, 'late', 0],
    [1, 'early', 0.5],
  ]);
  stream.stop();
});

describe('deviceMemory', () => {
  const deviceMemory = `subscription ($id: ID) { deviceMemory(workerId: $id) {
    id online devices { name kind memoryUsed memoryTotal processes { pid memory run { id } } }
  } }`;

  test('comes at first and with every report of the worker, with the runs of its processes', async () => {
    const runId = await queuedRun(server.context, experimentId);
    const { workerId } = await attemptAt(server.context, runId);
    await server.context.db.prisma.attempt.updateMany({ where: { runId }, data: { pid: 99 } });
    const stream = follow(server.connect(), deviceMemory, { id: workerId });
    await stream.until((workers) => workers.length > 0);
    expect(stream.values[0]).toEqual({ id: workerId, online: true, devices: [] });
    const device: DeviceReading = {
      ...{
        index: 0,
        name: 'a GPU',
        kind: 'CUDA',
        memoryTotal: 8e9,
        memoryUsed: 3e9,
        utilization: 0.5,
        temperature: 60,
      },
      processes: [
        { pid: 99, memory: 2e9 },
        { pid: 1, memory: 1e9 },
      ],
    };
    await heartbeatWorker(server.context, { workerId, devices: [device], attempts: [] });
    await stream.until((workers) => workers.at(-1).devices.length === 1);
    expect(stream.values.at(-1).devices[0]).toEqual({
      ...{ name: 'a GPU', kind: 'CUDA', memoryUsed: 3e9, memoryTotal: 8e9 },
      processes: [
        { pid: 99, memory: 2e9, run: { id: runId } },
        { pid: 1, memory: 1e9, run: null },
      ],
    });
    stream.stop();
  });

  test('refuses an unknown worker', async () => {
    const stream = follow(server.connect(), deviceMemory, { id: 'wrk_none' });
    await expect(stream.ended).rejects.toMatchObject([{ message: 'workerId: there is no worker wrk_none' }]);
  });
});

test('queries and mutations run over a socket too', async () => {
  const stream = follow(server.connect(), '{ experiment(name: "paddy") { id } }');
  await stream.ended;
  expect(stream.values).toEqual([{ id: experimentId }]);
});
