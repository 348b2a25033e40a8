import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { beginAttempt, settleAttempt } from '../../src/commands/attempt.ts';
import { recordEvents } from '../../src/commands/recordEvents.ts';
import { startRun } from '../../src/commands/run.ts';
import { registerWorker } from '../../src/commands/worker.ts';
import { createRandom, type Random } from '../../src/domain/random.ts';
import type { RunEventPayload } from '../../src/domain/runEvent.ts';
import type { TrainerEvent } from '../../src/domain/trainer.ts';
import { readEvents } from '../../src/store/event.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { type EventServer, eventServer } from '../support/eventServer.ts';
import { subscribeRaw } from '../support/rawSubscription.ts';
import { epoch, smallConfig, trainableExperiment } from '../support/runs.ts';

let ctx: TestContext;
let workerId: string;
beforeAll(async () => {
  ctx = await testContext();
  workerId = await registerWorker(ctx, { host: 'here', pid: 1, version: '0', engine: 'auto', devices: [] });
});
afterAll(() => ctx.close());

const runsPerCase = 4;
const eventsPerRun = 250;
const readersPerCase = 10;
const turmoils = 12;

const fields = `{ cursor events {
  __typename cursor runId
  ... on RunStatusChanged { status attempt }
  ... on RunProgressed { progress { batch } }
  ... on EpochCompleted { epoch { index } }
  ... on MetricsLogged { series { points { step } } }
  ... on MemorySampled { point { peak } }
  ... on LogLine { line }
} }`;
const queries = {
  run: `subscription ($id: ID!, $after: String, $rate: Float) { runEvents(runId: $id, after: $after, maxStepRateHz: $rate) ${fields} }`,
  experiment: `subscription ($id: ID!, $after: String, $rate: Float) { experimentEvents(experimentId: $id, after: $after, maxStepRateHz: $rate) ${fields} }`,
};

// biome-ignore lint/suspicious/noExplicitAny: one of several types, by __typename
type Event = { readonly __typename: string; readonly cursor: string; readonly runId: string } & Record<string, any>;
interface Batch {
  readonly cursor: string;
  readonly events: readonly Event[];
}

/** What an event says, in words that API and database have in common. */
function sent(event: Event): string {
  switch (event.__typename) {
    case 'RunStatusChanged':
      return `STATUS ${event.status} ${event.attempt}`;
    case 'RunProgressed':
      return `PROGRESS ${event.progress.batch}`;
    case 'EpochCompleted':
      return `EPOCH ${event.epoch.index}`;
    case 'MetricsLogged':
      return `METRICS ${event.series.flatMap(({ points }: { points: { step: number }[] }) => points.map(({ step }) => step))}`;
    case 'MemorySampled':
      return `MEMORY ${event.point.peak}`;
    default:
      return `LOG ${event.line}`;
  }
}

function stored(payload: RunEventPayload): string {
  switch (payload.kind) {
    case 'STATUS':
      return `STATUS ${payload.status} ${payload.attempt}`;
    case 'PROGRESS':
      return `PROGRESS ${payload.progress.batch}`;
    case 'EPOCH':
      return `EPOCH ${payload.epoch.index}`;
    case 'METRICS':
      return `METRICS ${payload.points.map(({ step }) => step)}`;
    case 'MEMORY':
      return `MEMORY ${payload.point.peak}`;
    case 'LOG':
      return `LOG ${payload.line}`;
    default:
      throw new Error(`nobody wrote ${payload.kind}`);
  }
}

/** What a rate leaves whole: every point on its own, no progress, no memory. */
const kept = (facts: readonly string[]) =>
  facts.flatMap((fact) => {
    if (fact.startsWith('PROGRESS') || fact.startsWith('MEMORY')) return [];
    return fact.startsWith('METRICS') ? fact.slice(8).split(',') : [fact];
  });

function randomEvent(random: Random, run: number, i: number): TrainerEvent {
  const phase = { phase: 'FROZEN', epoch: 0, epochs: 1, batches: 9, imagesPerSecond: null, etaSeconds: null } as const;
  switch (random.integer(8)) {
    case 0:
      return { kind: 'progress', progress: { ...phase, batch: i } };
    case 1:
      return { kind: 'memory', point: { step: i, used: 1, peak: i, deviceUsed: null, deviceTotal: null } };
    case 2:
      return { kind: 'epoch', epoch: epoch(i) };
    case 3:
    case 4:
      return { kind: 'log', stream: 'trainer', line: `${run}:${i} ${'x'.repeat(random.integer(2000))}` };
    default:
      return { kind: 'metrics', points: [{ name: 'train/loss', step: i, value: i }] };
  }
}

/** How many events are committed, and who waits for how many. */
class Commits {
  #count = 0;
  #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  get count(): number {
    return this.#count;
  }

  /** Settles when so many are committed. */
  reached(count: number): Promise<void> {
    if (this.#count >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ count, resolve }));
  }

  add(count: number): void {
    this.#count += count;
    for (const { count: wanted, resolve } of this.#waiting) if (wanted <= this.#count) resolve();
    this.#waiting = this.#waiting.filter(({ count: wanted }) => wanted > this.#count);
  }
}

/**
 * Random events are committed to several runs side by side. Meanwhile connections of the database are ended (LISTEN, pools of server
 * and writers), and the server is stopped and started again. Subscribers of one run or of the experiment read over real sockets; each
 * leaves again and again (closes, destroys its socket, completes, in the middle of a batch) or does not read for a while, and goes on
 * behind the cursor of what it has taken. Each must end with exactly what the database holds.
 */
test.for([1, 2, 3, 4])('every subscriber gets exactly the log, seed %i', async (seed) => {
  const random = createRandom(seed, 'event stream');
  const total = runsPerCase * eventsPerRun;
  const experimentId = await trainableExperiment(ctx);
  const commits = new Commits();
  const runIds: string[] = [];
  for (let i = 0; i < runsPerCase; i++) {
    runIds.push(await retry(() => startRun(ctx, { experimentId, config: smallConfig })));
  }

  async function write(runId: string, index: number): Promise<void> {
    const own = createRandom(seed, 'writer', index);
    const { attempt } = (await retry(() => beginAttempt(ctx, { runId, workerId, redelivered: false })))!;
    const token = { runId, attempt };
    for (let done = 0; done < eventsPerRun; ) {
      const count = Math.min(eventsPerRun - done, 1 + own.integer(12));
      const events = Array.from({ length: count }, (_, i) => randomEvent(own, index, done + i));
      await retry(() => recordEvents(ctx, token, events));
      done += count;
      commits.add(count);
    }
    const done = { status: 'SUCCEEDED', imagesPerSecond: 1, peakMemory: 1, trainSeconds: 1 } as const;
    await retry(() => settleAttempt(ctx, token, done));
  }

  let server: EventServer = await eventServer(ctx);
  const port = Number(new URL(server.url).port);
  const done = { ended: 0, restarts: 0, sessions: 0 };
  let starting = Promise.resolve();

  async function turmoil(): Promise<void> {
    for (let i = 1; i <= turmoils; i++) {
      await commits.reached(Math.floor((i * total) / (turmoils + 1)));
      if (random.integer(4) === 0) {
        starting = server.stop().then(async () => {
          server = await retry(() => eventServer(ctx, { port }));
        });
        await starting;
        done.restarts++;
      } else {
        const whose = random.integer(2) ? "query like 'listen%'" : 'true';
        const { rowCount } = await retry(() =>
          ctx.db.pool.query(
            `select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend' and ${whose}
             order by random() limit 3`,
          ),
        );
        done.ended += rowCount ?? 0;
      }
    }
  }

  const readers = Array.from({ length: readersPerCase }, (_, r) => {
    const runId = r % 2 ? undefined : runIds[r % runsPerCase];
    return { runId, rate: r % 5 === 4 ? 50 : null, seen: new Map<string, string[]>(), over: false };
  });
  let expected = Number.POSITIVE_INFINITY;

  async function read(reader: (typeof readers)[number], own: Random): Promise<void> {
    const { runId, rate, seen } = reader;
    let after: string | null = null;
    let count = 0;
    const take = (events: readonly Event[]) => {
      for (const event of events) {
        const facts = seen.get(event.runId) ?? [];
        seen.set(event.runId, facts);
        facts.push(sent(event));
        count++;
        after = event.cursor;
      }
    };
    while (!reader.over) {
      await starting.catch(() => {});
      done.sessions++;
      const batches = 1 + own.integer(8);
      const way = own.integer(5);
      let left = false;
      let came = 0;
      let silence = 0;
      const variables = { id: runId ?? experimentId, after, rate };
      const session = subscribeRaw<Batch>(server.url, runId ? queries.run : queries.experiment, variables, {
        next: ({ cursor, events }) => {
          if (left) return;
          const last = ++came >= batches;
          if (last && way === 0 && events.length > 0) take(events.slice(0, own.integer(events.length + 1)));
          else {
            take(events);
            after = cursor;
          }
          silence = events.length ? 0 : silence + 1;
          // A rate joins events, so that there are fewer; a full silence is what tells of the end.
          if (rate === null ? count >= expected && silence > 0 : expected !== Number.POSITIVE_INFINITY && silence > 5) {
            reader.over = true;
          }
          if (last || reader.over) leave();
          else if (way === 4 && came === 1) {
            session.socket.pause();
            void commits.reached(Math.min(total, commits.count + own.integer(200))).then(() => session.socket.resume());
          }
        },
        // Of a run: everything was delivered.
        complete: () => {
          if (left) return;
          reader.over = true;
          leave();
        },
        // Its connection to the database was ended.
        error: () => leave(),
      });
      const leave = () => {
        left = true;
        if (way === 1) session.socket.terminate();
        else if (way === 2) {
          session.complete();
          session.socket.close();
        } else session.socket.close();
        session.socket.resume();
      };
      await session.closed;
    }
  }

  onTestFailed(() => console.error({ seed, expected, committed: commits.count, ...done, readers }));
  const reading = Promise.all(readers.map((reader, r) => read(reader, createRandom(seed, 'reader', r))));
  await Promise.all([turmoil(), ...runIds.map(write)]);

  const log = new Map<string, string[]>();
  for (const runId of runIds) {
    const events = await retry(() => readEvents(ctx.db.prisma, [{ runId, after: 0 }], 100_000));
    log.set(
      runId,
      events.map(({ payload }) => stored(payload)),
    );
  }
  expected = [...log.values()].flat().length;
  await reading;
  await server.stop();

  expect(done.ended + done.restarts).toBeGreaterThanOrEqual(turmoils);
  expect(done.sessions).toBeGreaterThan(readersPerCase * 2);
  for (const { runId, rate, seen } of readers) {
    const see = rate === null ? (facts: readonly string[]) => facts : kept;
    for (const id of runId ? [runId] : runIds) expect(see(seen.get(id) ?? [])).toEqual(see(log.get(id)!));
    expect([...seen.keys()].sort()).toEqual((runId ? [runId] : [...runIds]).sort());
  }
});

/** Work on a database whose connections are ended under it. */
async function retry<T>(work: () => Promise<T>): Promise<T> {
  for (let left = 30; ; left--) {
    try {
      return await work();
    } catch (error) {
      if (!left) throw error;
    }
  }
}
