import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type WebSocket from 'ws';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { drawnPredictions, experimentOf } from '../support/catalogue.ts';
import { eventually } from '../support/eventually.ts';
import { attemptAt, epoch, leaves, points, queuedRun, testImages, vocab } from './fixtures.ts';
import { type Batch, eventsOf, type Followed, follow, stepsOf, typesOf } from './follow.ts';

let server: ApiServer;
let experimentId: string;
beforeAll(async () => {
  server = await apiServer();
  experimentId = await experimentOf(server.context.db.prisma, await leaves(server.context, 'leaves'));
});
afterAll(() => server.close());

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

test('nothing is left behind by clients who leave while nothing happens', async () => {
  await eventually(() => expect(server.openStreams()).toBe(0));
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
  await eventually(() => expect(server.openStreams()).toBe(4));
  socket!.terminate();
  await eventually(() => expect(server.openStreams()).toBe(0));
});
