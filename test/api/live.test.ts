import type { Client } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type WebSocket from 'ws';
import { heartbeatWorker } from '../../src/commands/worker.ts';
import type { DeviceReading } from '../../src/store/worker.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { drawnPredictions, experimentOf } from '../support/catalogue.ts';
import { attemptAt, epoch, leaves, points, queuedRun, testImages, vocab } from './fixtures.ts';

let server: ApiServer;
let datasetId: string;
let experimentId: string;
beforeAll(async () => {
  server = await apiServer();
  datasetId = await leaves(server.context, 'leaves');
  experimentId = await experimentOf(server.context.db.prisma, datasetId);
});
afterAll(() => server.close());

interface Followed<T> {
  /** What came so far. */
  readonly values: T[];
  /** Settles when enough has come. */
  until(enough: (values: T[]) => boolean): Promise<T[]>;
  /** Rejects with what the server refused. */
  readonly ended: Promise<void>;
  stop(): void;
}

/** Subscribes and keeps the values of the one field asked for. */
// biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
function follow<T = any>(client: Client, query: string, variables: Record<string, unknown> = {}): Followed<T> {
  const values: T[] = [];
  let stop = () => {};
  const ended = new Promise<void>((resolve, reject) => {
    stop = client.subscribe<Record<string, T>>(
      { query, variables },
      {
        next: ({ data, errors }) => {
          if (errors) reject(errors);
          else values.push(Object.values(data!)[0]!);
        },
        error: reject,
        complete: resolve,
      },
    );
  });
  ended.catch(() => {});
  return {
    values,
    ended,
    stop,
    until: async (enough) => {
      await vi.waitFor(() => expect(enough(values)).toBe(true), { timeout: 20_000, interval: 20 });
      return values;
    },
  };
}

interface Batch {
  readonly cursor: string;
  readonly events: readonly { readonly __typename: string; readonly cursor: string; readonly series?: unknown }[];
}

const runEvents = `subscription ($id: ID!, $after: String, $kinds: [RunEventKind!], $rate: Float) {
  runEvents(runId: $id, after: $after, kinds: $kinds, maxStepRateHz: $rate) {
    cursor serverTime
    events {
      __typename cursor runId at
      ... on RunStatusChanged { status attempt failure { code } }
      ... on RunProgressed { progress { phase epoch etaSeconds } }
      ... on EpochCompleted { epoch { index errorRate validLoss { value nonFinite } } }
      ... on MetricsLogged { series { name points { step value { value } } } }
      ... on MemorySampled { point { used peak } }
      ... on LogLine { line stream }
      ... on PredictionsStored { predictions { split rowCount } }
    }
  }
}`;

const eventsOf = (batches: readonly Batch[]) => batches.flatMap(({ events }) => events);
const typesOf = (batches: readonly Batch[]) => eventsOf(batches).map(({ __typename }) => __typename);
/** Steps of every metric point, in the order they came. */
const stepsOf = (batches: readonly Batch[]) =>
  eventsOf(batches).flatMap(({ series = [] }) =>
    (series as { points: { step: number }[] }[]).flatMap((one) => one.points.map(({ step }) => step)),
  );

async function runningRun() {
  const runId = await queuedRun(server.context, experimentId);
  return { runId, attempt: await attemptAt(server.context, runId) };
}

describe('runEvents', () => {
  test('replays every kind of event, goes live, and ends with the run', async () => {
    const { runId, attempt } = await runningRun();
    await attempt.tell([
      points(1, { 'train/loss': 1 }),
      { kind: 'memory', point: { step: 1, used: 3e9, peak: 4e9, deviceUsed: null, deviceTotal: null } },
      { kind: 'log', line: 'hello', stream: 'stderr' },
    ]);
    const stream = follow<Batch>(server.connect(), runEvents, { id: runId, rate: null });
    await stream.until((batches) => eventsOf(batches).length === 4);
    const progress = {
      phase: 'UNFROZEN',
      epoch: 1,
      epochs: 2,
      batch: 0,
      batches: 9,
      imagesPerSecond: 5,
      etaSeconds: 60,
    } as const;
    await attempt.tell([{ kind: 'progress', progress }, epoch(0, 0.5, { validLoss: Number.NaN })]);
    const predictions = drawnPredictions(1, testImages, vocab);
    await attempt.tell([{ kind: 'predictions', predictions }]);
    await attempt.succeed();
    await stream.ended;
    expect(eventsOf(stream.values)).toMatchObject([
      { __typename: 'RunStatusChanged', status: 'RUNNING', attempt: 1, failure: null, runId },
      { __typename: 'MetricsLogged', series: [{ name: 'train/loss', points: [{ step: 1, value: { value: 1 } }] }] },
      { __typename: 'MemorySampled', point: { used: 3e9, peak: 4e9 } },
      { __typename: 'LogLine', line: 'hello', stream: 'stderr' },
      { __typename: 'RunProgressed', progress: { phase: 'UNFROZEN', epoch: 1, etaSeconds: 60 } },
      {
        __typename: 'EpochCompleted',
        epoch: { index: 0, errorRate: 0.5, validLoss: { value: null, nonFinite: 'NAN' } },
      },
      { __typename: 'PredictionsStored', predictions: { split: 'TEST', rowCount: 4 } },
      { __typename: 'RunStatusChanged', status: 'SUCCEEDED' },
    ]);
  });

  test('resumes over dropped sockets without a gap and without a duplicate', async () => {
    const { runId, attempt } = await runningRun();
    const received: number[] = [];
    let after: string | null = null;
    let told = 0;
    for (let round = 0; round < 4; round++) {
      const client = server.connect();
      let socket: WebSocket | undefined;
      client.on('connected', (connected) => {
        socket = connected as WebSocket;
      });
      const stream: Followed<Batch> = follow(client, runEvents, { id: runId, after, kinds: ['METRICS'], rate: null });
      for (let i = 0; i < 5; i++) await attempt.tell([points(++told, { 'train/loss': told })]);
      await stream.until((batches) => stepsOf(batches).length >= 3);
      socket!.terminate();
      await expect(stream.ended).rejects.toBeDefined();
      // Resume behind some event of a batch, not only behind whole batches.
      const events = eventsOf(stream.values).slice(0, 3);
      received.push(...stepsOf([{ cursor: '', events }]));
      after = events[2]!.cursor;
      await attempt.tell([points(++told, { 'train/loss': told })]);
    }
    await attempt.succeed();
    const rest = follow<Batch>(server.connect(), runEvents, { id: runId, after, kinds: ['METRICS'], rate: null });
    await rest.ended;
    received.push(...stepsOf(rest.values));
    expect(received).toEqual(Array.from({ length: told }, (_, i) => i + 1));
  });

  test('thins step events without losing a point, and lets epochs pass at once', async () => {
    const { runId, attempt } = await runningRun();
    const steps = Array.from({ length: 300 }, (_, i) => i + 1);
    await attempt.tell(steps.map((step) => points(step, { 'train/loss': step })));
    await attempt.tell([epoch(0, 0.5)]);
    await attempt.succeed();
    const stream = follow<Batch>(server.connect(), runEvents, { id: runId, rate: 1 });
    await stream.ended;
    expect(stepsOf(stream.values)).toEqual(steps);
    const types = typesOf(stream.values);
    expect(types.filter((type) => type === 'MetricsLogged').length).toBeLessThan(10);
    expect(types.filter((type) => type === 'EpochCompleted').length).toBe(1);
    expect(types.filter((type) => type === 'RunStatusChanged').length).toBe(2);
  });

  test('brings only the kinds asked for, and heartbeats while nothing happens', async () => {
    const { runId, attempt } = await runningRun();
    const stream = follow<Batch>(server.connect(), runEvents, { id: runId, kinds: ['EPOCH'] });
    await attempt.tell([points(1, { 'train/loss': 1 }), epoch(0, 0.5)]);
    const batches = await stream.until((all) => all.some(({ events }) => !events.length) && eventsOf(all).length > 0);
    expect(typesOf(batches)).toEqual(['EpochCompleted']);
    stream.stop();
  });

  test.for([
    [{ id: 'run_00000000000000000000000000' }, 'there is no run', 'runId'],
    [{ after: 'nonsense' }, '"nonsense" is no cursor', 'after'],
    [{ rate: 0.01 }, 'must be between 0.1 and 100', 'maxStepRateHz'],
  ] as const)('refuses %j by the argument’s name', async ([variables, message, path]) => {
    const { runId } = await runningRun();
    const stream = follow(server.connect(), runEvents, { id: runId, ...variables });
    await expect(stream.ended).rejects.toMatchObject([
      {
        message: expect.stringContaining(message),
        extensions: { code: 'BAD_USER_INPUT', problems: [{ path: [path] }] },
      },
    ]);
  });
});

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

describe('deviceMemory', () => {
  const deviceMemory = `subscription ($id: ID) { deviceMemory(workerId: $id) {
    id online devices { name kind memoryUsed memoryTotal processes { pid memory run { id } } }
  } }`;

  test('comes at first and with every report of the worker, with the runs of its processes', async () => {
    const { runId, attempt } = await runningRun();
    const { workerId } = attempt;
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

test('nothing is left behind by clients who leave while nothing happens', async () => {
  await vi.waitFor(() => expect(server.openStreams()).toBe(0), { timeout: 20_000 });
  const { runId } = await runningRun();
  const client = server.connect();
  let socket: WebSocket | undefined;
  client.on('connected', (connected) => {
    socket = connected as WebSocket;
  });
  const streams = Array.from({ length: 5 }, () => follow<Batch>(client, runEvents, { id: runId }));
  for (const stream of streams) await stream.until((batches) => batches.length > 0);
  expect(server.openStreams()).toBe(5);
  streams[0]!.stop();
  await vi.waitFor(() => expect(server.openStreams()).toBe(4), { timeout: 20_000 });
  socket!.terminate();
  await vi.waitFor(() => expect(server.openStreams()).toBe(0), { timeout: 20_000 });
});

test('queries and mutations run over a socket too', async () => {
  const stream = follow(server.connect(), '{ experiment(name: "paddy") { id } }');
  await stream.ended;
  expect(stream.values).toEqual([{ id: experimentId }]);
});
