import { afterAll, beforeAll, expect, test } from 'vitest';
import { createListener, type Listener } from '../../src/db/listener.ts';
import { createRandom, type Random } from '../../src/domain/random.ts';
import { createRunEventHub, type RunEventHub } from '../../src/events/hub.ts';
import { appendEvents, eventHeads, headsAt } from '../../src/store/event.ts';
import { pruneRun } from '../../src/store/retention.ts';
import { queuedRun } from '../api/fixtures.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { trainableExperiment } from '../support/runs.ts';

let ctx: TestContext;
let listener: Listener;
let hub: RunEventHub;
beforeAll(async () => {
  ctx = await testContext();
  listener = createListener(ctx.url);
  hub = createRunEventHub(ctx.db, listener, { pollMs: 20, heartbeatMs: 50 });
});
afterAll(async () => {
  hub.close();
  await listener.close();
  await ctx.close();
});

const line = (text: string) => ({ kind: 'LOG', line: text, stream: 'trainer' }) as const;
const append = (runId: string, from: number, count: number) => {
  const payloads = Array.from({ length: count }, (_, i) => line(`${from + i}`));
  return appendEvents(ctx.db.prisma, runId, payloads, new Date());
};
async function queuedRuns(experimentId: string, count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, () => queuedRun(ctx, experimentId)));
}

interface Read {
  /** `run number`, in the order they came. */
  readonly seen: string[];
  cursor: string | null;
  longest: number;
}

/** Reads until a heartbeat says that there is no more, or until `leave` says after how many events of a batch to go. */
async function read(experimentId: string, into: Read, leave: (events: number) => number | null = () => null) {
  for await (const batch of hub.subscribe({ experimentId, after: into.cursor })) {
    const taken = leave(batch.events.length);
    for (const event of batch.events.slice(0, taken ?? batch.events.length)) {
      into.seen.push(`${event.runId} ${event.seq}`);
      into.cursor = event.cursor;
      into.longest = Math.max(into.longest, event.cursor.length);
    }
    if (taken !== null) return;
    into.cursor = batch.cursor;
    if (!batch.events.length) return;
  }
}
const nothing = (): Read => ({ seen: [], cursor: null, longest: 0 });

/** Every event of the experiment once, each run's in order. */
function expectAll({ seen }: Read, counts: ReadonlyMap<string, number>): void {
  for (const [runId, count] of counts) {
    const own = seen.filter((event) => event.startsWith(runId)).map((event) => Number(event.split(' ')[1]));
    expect(own).toEqual(Array.from({ length: count }, (_, i) => i + 1));
  }
  expect(seen.length).toBe([...counts.values()].reduce((sum, count) => sum + count, 0));
}

test('those of an experiment do not grow with its runs, not even within a replay of all of them', async () => {
  const experimentId = await trainableExperiment(ctx);
  const runIds = await queuedRuns(experimentId, 400);
  for (const runId of runIds) await append(runId, 1, 3);
  const reader = nothing();
  await read(experimentId, reader);
  expectAll(reader, new Map(runIds.map((runId) => [runId, 3])));
  expect(reader.longest).toBeLessThan(2500); // 400 runs by number: 20 000
  expect(reader.cursor!.length).toBeLessThan(300);
});

test.for([1, 2])(
  'whoever leaves anywhere, also within a replay, goes on without loss and without duplicate, seed %i',
  async (seed) => {
    const random = createRandom(seed, 'cursors');
    const experimentId = await trainableExperiment(ctx);
    const counts = new Map<string, number>();
    const write = async (own: Random, events: number) => {
      for (const runId of await queuedRuns(experimentId, 8)) counts.set(runId, 0);
      for (const [runId, before] of counts) {
        const count = own.integer(events);
        if (count === 0) continue;
        await append(runId, before + 1, count);
        counts.set(runId, before + count);
      }
    };
    for (let i = 0; i < 6; i++) await write(random, 40);
    const readers = Array.from({ length: 4 }, nothing);
    for (let round = 0; round < 8; round++) {
      await write(random, 8);
      for (const reader of readers) {
        await read(experimentId, reader, (events) => (random.integer(3) ? random.integer(events + 1) : null));
      }
    }
    for (const reader of readers) {
      await read(experimentId, reader);
      await read(experimentId, reader); // behind the end there is nothing
      expectAll(reader, counts);
    }
  },
);

test('an event whose transaction was open at that time is not taken for seen', async () => {
  const experimentId = await trainableExperiment(ctx);
  const [slow, quick] = (await queuedRuns(experimentId, 2)) as [string, string];
  const reader = nothing();
  let appended = () => {};
  const isAppended = new Promise<void>((resolve) => {
    appended = resolve;
  });
  let commit = () => {};
  const mayCommit = new Promise<void>((resolve) => {
    commit = resolve;
  });
  const open = ctx.db.prisma.$transaction(
    async (tx) => {
      await appendEvents(tx, slow, [line('slow')], new Date());
      appended();
      await mayCommit;
    },
    { timeout: 60_000 },
  );
  await isAppended;
  await append(quick, 1, 2);
  await read(experimentId, reader);
  await append(quick, 3, 1);
  await read(experimentId, reader);
  expect(reader.seen).toEqual([`${quick} 1`, `${quick} 2`, `${quick} 3`]);
  commit();
  await open;
  await read(experimentId, reader);
  expectAll(
    reader,
    new Map([
      [slow, 1],
      [quick, 3],
    ]),
  );
});

/** A transaction that has its number, and appends to a run when it is told to. */
async function openTransaction(runId: string, count: number): Promise<() => Promise<void>> {
  let go = () => {};
  const told = new Promise<void>((resolve) => {
    go = resolve;
  });
  let done: Promise<void> | undefined;
  await new Promise<void>((begun, failed) => {
    done = ctx.db.prisma.$transaction(
      async (tx) => {
        await tx.$queryRaw`select pg_current_xact_id()::text`;
        begun();
        await told;
        await appendEvents(tx, runId, Array(count).fill(line('late')), new Date());
      },
      { timeout: 60_000 },
    );
    done.catch(failed);
  });
  return () => {
    go();
    return done!;
  };
}

test('what a snapshot has shown is found again, in whatever order transactions began and wrote', async () => {
  const random = createRandom(3, 'snapshots');
  const experimentId = await trainableExperiment(ctx);
  const runIds = await queuedRuns(experimentId, 2);
  const open: (() => Promise<void>)[] = [];
  const finish = async () => open.splice(random.integer(open.length), 1)[0]!();
  const shown: { readonly snapshot: string; readonly heads: Map<string, number> }[] = [];
  for (let step = 0; step < 150; step++) {
    if (open.length === 4 || (open.length && random.integer(2))) await finish();
    else open.push(await openTransaction(runIds[random.integer(2)]!, 1 + random.integer(3)));
    const { heads, snapshot } = await eventHeads(ctx.db.prisma, { experimentId });
    const written = heads.filter(({ seq }) => seq > 0);
    shown.push({ snapshot: snapshot!, heads: new Map(written.map(({ runId, seq }) => [runId, seq])) });
  }
  while (open.length) await finish();
  for (const { snapshot, heads } of shown) {
    expect(await headsAt(ctx.db.prisma, { experimentId }, snapshot)).toEqual(heads);
  }
});

test('what was seen before it was pruned stays seen; who had seen less is told', async () => {
  const experimentId = await trainableExperiment(ctx);
  const [runId] = (await queuedRuns(experimentId, 1)) as [string];
  await append(runId, 1, 5);
  const [whole, part] = [nothing(), nothing()];
  await read(experimentId, whole);
  await read(experimentId, part, () => 2);
  const finishedAt = new Date();
  await ctx.db.prisma.run.update({ where: { id: runId }, data: { status: 'SUCCEEDED', finishedAt } });
  const later = new Date(finishedAt.getTime() + 1000);
  await ctx.db.prisma.$transaction((tx) => pruneRun(tx, runId, later, later));
  await read(experimentId, whole);
  await read(experimentId, part);
  expect(whole.seen.length).toBe(5);
  expect(part.seen).toEqual([1, 2, 4, 5].map((seq) => `${runId} ${seq}`)); // number 4 is PRUNED now
});

test('those from before there were snapshots go on being read', async () => {
  const experimentId = await trainableExperiment(ctx);
  const runIds = await queuedRuns(experimentId, 2);
  for (const runId of runIds) await append(runId, 1, 3);
  const cursor = Buffer.from(JSON.stringify({ [runIds[0]!]: 2 })).toString('base64url');
  const reader = { ...nothing(), cursor };
  await read(experimentId, reader);
  expect(reader.seen.sort()).toEqual([`${runIds[0]} 3`, `${runIds[1]} 1`, `${runIds[1]} 2`, `${runIds[1]} 3`].sort());
});

test('one of another database is refused with what to do; what is none is refused at once', async () => {
  const experimentId = await trainableExperiment(ctx);
  const runIds = await queuedRuns(experimentId, 1);
  await append(runIds[0]!, 1, 1);
  const reader = nothing();
  await read(experimentId, reader);
  const parts = JSON.parse(Buffer.from(reader.cursor!, 'base64url').toString());
  const [layer] = parts.layers as [[string, null]];
  const [cluster, snapshot] = layer[0].split('/') as [string, string];
  const subscribe = (value: object) => {
    const after = Buffer.from(JSON.stringify(value)).toString('base64url');
    return hub.subscribe({ experimentId, after });
  };
  const foreign = `${BigInt(cluster) + 1n}/${snapshot}`;
  await expect(subscribe({ ...parts, layers: [[foreign, null]] }).next()).rejects.toMatchObject({
    problems: [{ code: 'INVALID', path: ['after'], message: expect.stringContaining('subscribe again without it') }],
  });
  const bad = ['', '1', '1/', `${cluster}/9:5:`, `${cluster}/5:9:9`, `${cluster}/5:9:6,6`, `${cluster}/5:9:7,`, 7];
  for (const value of bad) expect(() => subscribe({ ...parts, layers: [[value, null]] })).toThrow('is no cursor');
  expect(() => subscribe({ ...parts, layers: [[layer[0], 7]] })).toThrow('is no cursor');
  expect(() => subscribe({ ...parts, layers: Array(5).fill(layer) })).toThrow('is no cursor');
  expect(() => subscribe({ ...parts, own: { run_1: -1 } })).toThrow('is no cursor');
  expect(() => subscribe({ ...parts, more: 1 })).toThrow('is no cursor');
});
