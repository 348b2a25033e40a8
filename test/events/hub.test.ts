import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { beginAttempt, settleAttempt } from '../../src/commands/attempt.ts';
import { recordEvents } from '../../src/commands/recordEvents.ts';
import { startRun } from '../../src/commands/run.ts';
import { registerWorker } from '../../src/commands/worker.ts';
import { createListener, type Listener } from '../../src/db/listener.ts';
import { createRandom } from '../../src/domain/random.ts';
import type { RunEvent } from '../../src/domain/runEvent.ts';
import type { TrainerEvent } from '../../src/domain/trainer.ts';
import { UserInputError } from '../../src/errors.ts';
import { createRunEventHub, type RunEventHub, type SubscribeOptions } from '../../src/events/hub.ts';
import type { AttemptToken } from '../../src/store/attempt.ts';
import { readEvents } from '../../src/store/event.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { epoch, smallConfig, trainableExperiment } from '../support/runs.ts';

let ctx: TestContext;
let workerId: string;
beforeAll(async () => {
  ctx = await testContext();
  workerId = await registerWorker(ctx, { host: 'here', pid: 1, version: '0', engine: 'auto', devices: [] });
});
afterAll(() => ctx.close());

let listener: Listener;
let hub: RunEventHub;
let experimentId: string;
beforeEach(async () => {
  listener = createListener(ctx.url);
  hub = createRunEventHub(ctx.db, listener);
  await listener.ready();
  experimentId = await trainableExperiment(ctx);
});
afterEach(async () => {
  hub.close();
  await listener.close();
});

const queued = () => startRun(ctx, { experimentId, config: smallConfig });
async function running(): Promise<AttemptToken> {
  const runId = await queued();
  return { runId, attempt: (await beginAttempt(ctx, { runId, workerId, redelivered: false }))!.attempt };
}
const point = (step: number): TrainerEvent => ({
  kind: 'metrics',
  points: [{ name: 'train/loss', step, value: step }],
});
const log = (line: string): TrainerEvent => ({ kind: 'log', stream: 'trainer', line });
const progress = (batch: number): TrainerEvent => ({
  kind: 'progress',
  progress: { phase: 'FROZEN', epoch: 0, epochs: 1, batch, batches: 9, imagesPerSecond: null, etaSeconds: null },
});
const memory = (peak: number): TrainerEvent => ({
  kind: 'memory',
  point: { step: 1, used: 1, peak, deviceUsed: null, deviceTotal: null },
});
const finish = (token: AttemptToken) =>
  settleAttempt(ctx, token, { status: 'SUCCEEDED', imagesPerSecond: 1, peakMemory: 1, trainSeconds: 1 });
const stored = (runId: string) => readEvents(ctx.db.prisma, [{ runId, after: 0 }], 100_000);

/** Everything of a stream until it ends or `until` says so. */
async function collect(options: SubscribeOptions, until: (events: readonly RunEvent[]) => boolean = () => false) {
  const events: RunEvent[] = [];
  let cursor = '';
  for await (const batch of hub.subscribe(options)) {
    events.push(...batch.events.map((event) => ({ ...event })));
    cursor = batch.cursor;
    if (until(events)) break;
  }
  return { events, cursor };
}

describe('the stream of a run', () => {
  test('of one that has ended: all of it, then the end', async () => {
    const token = await running();
    await recordEvents(
      ctx,
      token,
      Array.from({ length: 1200 }, (_, i) => point(i + 1)),
    );
    await finish(token);
    const { events } = await collect({ runId: token.runId });
    expect(events).toEqual(await stored(token.runId));
    expect(events.at(-1)?.payload).toMatchObject({ kind: 'STATUS', status: 'SUCCEEDED' });
  });

  test('replays, goes on live, and ends after the last event', async () => {
    const token = await running();
    await recordEvents(ctx, token, [log('before')]);
    const stream = collect({ runId: token.runId });
    for (let i = 0; i < 30; i++) await recordEvents(ctx, token, [point(i)]);
    await finish(token);
    expect((await stream).events).toEqual(await stored(token.runId));
  });

  test('resumes after the cursor of a batch or of any event in it; at the end there is nothing', async () => {
    const token = await running();
    await recordEvents(ctx, token, [log('a'), log('b'), log('c')]);
    await finish(token);
    const all = await stored(token.runId);
    const stream = hub.subscribe({ runId: token.runId });
    const batch = (await stream.next()).value!;
    await stream.return!();
    for (const [i, event] of batch.events.entries()) {
      const rest = await collect({ runId: token.runId, after: event.cursor });
      expect(rest.events).toEqual(all.slice(i + 1));
    }
    expect((await collect({ runId: token.runId, after: batch.cursor })).events).toEqual([]);
  });

  test('gives only the kinds asked for, and its cursor moves past the others', async () => {
    const token = await running();
    await recordEvents(ctx, token, [log('a'), point(1), { kind: 'epoch', epoch: epoch(0) }, point(2)]);
    await finish(token);
    const { events } = await collect({ runId: token.runId, kinds: ['EPOCH', 'STATUS'] });
    expect(events.map((e) => e.payload.kind)).toEqual(['STATUS', 'STATUS', 'EPOCH', 'STATUS']);
  });

  test('of no such run: NOT_FOUND; with a cursor that is none: INVALID', async () => {
    await expect(hub.subscribe({ runId: 'run_none' }).next()).rejects.toMatchObject({
      problems: [{ code: 'NOT_FOUND', path: ['runId'] }],
    });
    for (const after of [
      '',
      'x',
      Buffer.from('[1]').toString('base64url'),
      Buffer.from('{"a":-1}').toString('base64url'),
    ]) {
      expect(() => hub.subscribe({ runId: 'run_none', after })).toThrow(UserInputError);
    }
  });
});

describe('leaving', () => {
  test('return() settles while the stream waits for events, and nothing is left behind', async () => {
    const token = await running();
    const stream = hub.subscribe({ runId: token.runId });
    await stream.next();
    const waiting = stream.next();
    expect(await stream.return!()).toEqual({ done: true, value: undefined });
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test('closing the hub ends every stream', async () => {
    const token = await running();
    const streams = [hub.subscribe({ runId: token.runId }), hub.subscribe({ experimentId })];
    for (const stream of streams) await stream.next();
    const waiting = streams.map((stream) => stream.next());
    hub.close();
    expect(await Promise.all(waiting)).toEqual(streams.map(() => ({ done: true, value: undefined })));
  });
});

test('silence gives heartbeats with the cursor, also while filtered events pass by', async () => {
  const quick = createRunEventHub(ctx.db, listener, { pollMs: 2000, heartbeatMs: 50 });
  const token = await running();
  const stream = quick.subscribe({ runId: token.runId, kinds: ['STATUS'] });
  const first = (await stream.next()).value!;
  expect(first.events).toHaveLength(2);
  await recordEvents(ctx, token, [log('unheard')]);
  for (;;) {
    const beat = (await stream.next()).value!;
    expect(beat.events).toEqual([]);
    if (beat.cursor !== first.cursor) break; // past the log line
  }
  quick.close();
});

test('without any NOTIFY the slow poll finds what is new', async () => {
  const deaf = createListener(ctx.url);
  const polling = createRunEventHub(ctx.db, { ...deaf, listen: () => () => {} }, { pollMs: 50, heartbeatMs: 60_000 });
  const token = await running();
  const stream = polling.subscribe({ experimentId });
  await stream.next();
  await recordEvents(ctx, token, [log('found')]);
  expect((await stream.next()).value?.events).toMatchObject([{ payload: { kind: 'LOG', line: 'found' } }]);
  const later = await running(); // a run that did not exist
  const { events } = (await stream.next()).value!;
  expect(events[0]).toMatchObject({ runId: later.runId, seq: 1 });
  polling.close();
  await deaf.close();
});

describe('with a step rate', () => {
  test('progress and memory are coalesced, points merged; epochs, states and lines never drop', async () => {
    const token = await running();
    await recordEvents(ctx, token, [
      ...[progress(1), point(1), memory(5), log('one'), progress(2), point(2), memory(9), point(3), memory(7)],
      ...[{ kind: 'epoch', epoch: epoch(0) } as const, point(4), progress(3), log('two')],
    ]);
    await finish(token);
    const { events } = await collect({ runId: token.runId, maxStepRateHz: 1 });
    expect(events.map((e) => e.payload)).toMatchObject([
      { kind: 'STATUS', status: 'QUEUED' },
      { kind: 'STATUS', status: 'RUNNING' },
      { kind: 'METRICS', points: [{ step: 1 }] },
      { kind: 'LOG', line: 'one' },
      { kind: 'METRICS', points: [{ step: 2 }, { step: 3 }] },
      { kind: 'MEMORY', point: { peak: 9 } },
      { kind: 'EPOCH' },
      { kind: 'METRICS', points: [{ step: 4 }] },
      { kind: 'PROGRESS', progress: { batch: 3 } },
      { kind: 'LOG', line: 'two' },
      { kind: 'STATUS', status: 'SUCCEEDED' },
    ]);
  });

  test('resuming after any event of a batch misses no point, line, epoch or state', async () => {
    const token = await running();
    const random = createRandom(5, 'coalesce');
    const makers = [
      progress,
      point,
      memory,
      (i: number) => log(`line ${i}`),
      (i: number) => ({ kind: 'epoch', epoch: epoch(i) }) as const,
    ];
    const events = Array.from({ length: 60 }, (_, i) => makers[Math.min(random.integer(12), 4) % 5]!(i));
    await recordEvents(ctx, token, events);
    await finish(token);
    const facts = (list: readonly RunEvent[]) =>
      list.flatMap(({ payload }) => {
        if (payload.kind === 'METRICS') return payload.points.map((p) => `point ${p.step}`);
        if (payload.kind === 'PROGRESS' || payload.kind === 'MEMORY') return [];
        return [payload.kind === 'LOG' ? payload.line : JSON.stringify(payload)];
      });
    const all = facts(await stored(token.runId));
    const stream = hub.subscribe({ runId: token.runId, maxStepRateHz: 1 });
    const batch = (await stream.next()).value!;
    await stream.return!();
    for (let i = 0; i < batch.events.length; i++) {
      const rest = await collect({ runId: token.runId, after: batch.events[i]!.cursor, maxStepRateHz: 1 });
      expect([...facts(batch.events.slice(0, i + 1)), ...facts(rest.events)]).toEqual(all);
    }
  });

  test('an epoch does not wait for the rate', async () => {
    const token = await running();
    const stream = hub.subscribe({ runId: token.runId, maxStepRateHz: 0.001 });
    await stream.next();
    const next = stream.next();
    await recordEvents(ctx, token, [progress(1)]);
    await recordEvents(ctx, token, [{ kind: 'epoch', epoch: epoch(0) }]);
    expect((await next).value?.events.map((e) => e.payload.kind)).toEqual(['PROGRESS', 'EPOCH']);
    await stream.return!();
  });
});

/**
 * Runs commit side by side in random batches; readers of single runs and of the experiment leave and resume at random; the
 * LISTEN connection is killed again and again. Every reader must end with exactly what the database holds.
 */
test('under random commits, reconnects and killed connections every subscriber gets exactly the log', async () => {
  const random = createRandom(11, 'hub');
  const tokens = [await running(), await running(), await running()];
  const total = 400;
  let writing = true;

  const writers = tokens.map(async (token, t) => {
    for (let done = 0; done < total; ) {
      const count = Math.min(total - done, 1 + random.integer(12));
      const batch = Array.from({ length: count }, (_, i) => point(t * 10_000 + done + i));
      await retry(() => recordEvents(ctx, token, batch));
      done += count;
    }
    await retry(() => finish(token));
  });
  let kills = 0;
  const killer = (async () => {
    while (writing) {
      const { rowCount } = await retry(() =>
        ctx.db.pool.query(`select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid() and query like 'listen%'`),
      );
      kills += rowCount ?? 0;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  const expected = tokens.length * (total + 3);
  const readers = Array.from({ length: 8 }, async (_, r) => {
    const scope: SubscribeOptions = r % 2 ? { experimentId } : { runId: tokens[r % 3]!.runId };
    const wanted = r % 2 ? expected : total + 3;
    const seen: RunEvent[] = [];
    let after: string | undefined;
    while (seen.length < wanted) {
      const pages = 1 + random.integer(6);
      let page = 0;
      for await (const batch of hub.subscribe({ ...scope, after })) {
        // Sometimes only a part of the batch arrived before the reader left.
        const taken = random.integer(4) === 0 ? random.integer(batch.events.length + 1) : batch.events.length;
        seen.push(...batch.events.slice(0, taken).map((event) => ({ ...event })));
        if (taken < batch.events.length) {
          if (taken > 0) after = batch.events[taken - 1]!.cursor;
          break;
        }
        after = batch.cursor;
        if (++page === pages || seen.length >= wanted) break;
      }
    }
    return seen;
  });
  await Promise.all(writers);
  const results = await Promise.all(readers);
  writing = false;
  await killer;
  expect(kills).toBeGreaterThan(0);

  const logs = new Map<string, RunEvent[]>();
  for (const { runId } of tokens) logs.set(runId, await stored(runId));
  for (const [r, seen] of results.entries()) {
    for (const { runId } of r % 2 ? tokens : [tokens[r % 3]!]) {
      expect(seen.filter((event) => event.runId === runId)).toEqual(logs.get(runId));
    }
    expect(seen.length).toBe(r % 2 ? expected : total + 3);
  }
});

async function retry<T>(work: () => Promise<T>): Promise<T> {
  for (let left = 20; ; left--) {
    try {
      return await work();
    } catch (error) {
      if (!left) throw error;
    }
  }
}
