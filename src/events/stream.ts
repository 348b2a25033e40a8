import type { Database } from '../db/database.ts';
import type { RunEvent, RunEventKind } from '../domain/runEvent.ts';
import { missing, refuse } from '../errors.ts';
import { type EventScope, headsAt, readEvents, runsPerRead } from '../store/event.ts';
import { coalesce, isUrgent } from './coalesce.ts';
import { persist } from './persist.ts';
import { type Base, type Cursor, Positions } from './positions.ts';
import type { Topic } from './topic.ts';
import { batchLength } from './weight.ts';

/** An event with the cursor to resume after it. */
export interface StreamedEvent extends RunEvent {
  readonly cursor: string;
}

export interface RunEventBatch {
  /** Resumes after everything up to here, also after events that were filtered out. */
  readonly cursor: string;
  /** Empty: a heartbeat. */
  readonly events: readonly StreamedEvent[];
}

interface StreamOptions {
  readonly db: Database;
  readonly join: () => { topic: Topic; leave: () => void };
  readonly scope: EventScope;
  /** Events behind it; null: all. */
  readonly after: Cursor | null;
  /** null: all. */
  readonly kinds: ReadonlySet<RunEventKind> | null;
  /** Milliseconds between batches; 0: none, and events as they are. */
  readonly pauseMs: number;
  readonly heartbeatMs: number;
}

/** Events per batch: the event loop gets a turn between batches. */
const batchSize = 500;

/**
 * The iterator of one subscriber. `return()` settles promptly also while `next()` waits for events: graphql-ws calls it when
 * the client is gone, and a bare generator would not run its `finally` before the next event.
 */
export function streamEvents(options: StreamOptions): AsyncIterableIterator<RunEventBatch, undefined> {
  const leaving = new AbortController();
  const generator = generate(options, leaving.signal);
  const iterator: AsyncIterableIterator<RunEventBatch, undefined> = {
    next: () => generator.next(),
    return: () => {
      leaving.abort();
      return generator.return(undefined);
    },
    throw: (error) => {
      leaving.abort();
      return generator.throw(error);
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}

async function* generate(options: StreamOptions, signal: AbortSignal): AsyncGenerator<RunEventBatch, undefined> {
  const { pauseMs, heartbeatMs, scope } = options;
  const { topic, leave } = options.join();
  try {
    await topic.begin(signal);
    if (signal.aborted) return;
    if (topic.missing) throw refuse('NOT_FOUND', missing('run', scope.runId!), ['runId']);
    const positions = await open(options, signal);
    // Registered first, then replay up to where the topic stands now; from there on its ring has everything.
    let live = topic.end;
    yield* replay(options, positions, topic, signal);
    let sentAt = Date.now();
    while (!signal.aborted && !topic.closed) {
      if (live < topic.start) {
        // Too slow for the ring: what it lost is in the log.
        live = topic.end;
        yield* replay(options, positions, topic, signal);
      } else if (live === topic.end) {
        if (topic.ended) return;
        await topic.news(live, sentAt + heartbeatMs - Date.now(), signal);
      } else {
        if (pauseMs) await pause(topic, live, sentAt + pauseMs, signal);
        if (live < topic.start) continue;
        const next = topic.slice(live, batchSize);
        const events = next.slice(0, batchLength(next));
        live += events.length;
        const batch = makeBatch(options, positions, events);
        if (topic.base && topic.base.at <= live && topic.base.base !== positions.base)
          positions.rebase(topic.base.base);
        if (batch) {
          yield batch;
          sentAt = Date.now();
        }
      }
      if (Date.now() - sentAt >= heartbeatMs && !signal.aborted) {
        yield { cursor: positions.cursor(), events: [] };
        sentAt = Date.now();
      }
    }
  } finally {
    leave();
  }
  return;
}

/** Waits until `until`, but not while something urgent is there. */
async function pause(topic: Topic, from: number, until: number, signal: AbortSignal): Promise<void> {
  let seen = from;
  while (!signal.aborted && !topic.closed) {
    if (topic.ended || seen < topic.start || topic.slice(seen, topic.end - seen).some(isUrgent)) return;
    seen = topic.end;
    const left = until - Date.now();
    if (left <= 0) return;
    await topic.news(seen, left, signal);
  }
}

/** The positions of a cursor: what its snapshots show is looked up. */
async function open({ db, scope, after }: StreamOptions, signal: AbortSignal): Promise<Positions> {
  const layers = [];
  for (const { base: snapshot, through } of after?.layers ?? []) {
    const heads = await persist(() => headsAt(db.prisma, scope, snapshot), signal);
    if (!heads) {
      const message = 'the cursor is from before the database was moved or restored; subscribe again without it';
      throw refuse('INVALID', message, ['after']);
    }
    layers.push({ base: { snapshot, heads }, through });
  }
  return new Positions(layers, Object.entries(after?.own ?? {}));
}

/** Everything in the log from the subscriber's positions up to where the topic stands now, run by run in the order of ids. */
async function* replay(
  options: StreamOptions,
  positions: Positions,
  topic: Topic,
  signal: AbortSignal,
): AsyncGenerator<RunEventBatch> {
  const { db } = options;
  const base: Base | undefined = topic.base?.base;
  if (base) positions.begin(base);
  const behind = [...topic.heads()].sort(([a], [b]) => (a < b ? -1 : 1));
  while (behind.length && !signal.aborted) {
    const wanted = behind.slice(0, runsPerRead).flatMap(([runId, through]) => {
      const after = positions.after(runId);
      return after < through ? [{ runId, after, through }] : [];
    });
    const events = await persist(() => readEvents(db.prisma, wanted, batchSize), signal, Number.POSITIVE_INFINITY);
    for (let done = 0, length: number; done < events.length && !signal.aborted; done += length) {
      length = batchLength(events.slice(done));
      const batch = makeBatch(options, positions, events.slice(done, done + length));
      if (batch) yield batch;
    }
    if (!events.length) {
      // These are done (or were deleted in the meantime).
      const [last] = behind.splice(0, runsPerRead).at(-1)!;
      if (base) positions.reach(last);
    }
  }
  if (base && !signal.aborted) positions.rebase(base);
}

/** Moves the positions past `events` and makes a batch of those not seen yet and asked for; null when that leaves none. */
function makeBatch(
  { kinds, pauseMs }: StreamOptions,
  positions: Positions,
  events: readonly RunEvent[],
): RunEventBatch | null {
  const fresh = events.filter(({ runId, seq }) => seq > positions.after(runId));
  const wanted = kinds ? fresh.filter(({ payload: { kind } }) => kind === 'PRUNED' || kinds.has(kind)) : fresh;
  const shown = pauseMs ? coalesce(wanted) : wanted;
  const before = positions.copy();
  for (const event of fresh) positions.pass(event);
  if (!shown.length) return null;
  const cursor = positions.cursor();
  return {
    cursor,
    events: shown.map((event, i) =>
      withCursor(event, () => (i === shown.length - 1 ? cursor : cursorAt(before, shown, i))),
    ),
  };
}

function cursorAt(before: Positions, events: readonly RunEvent[], index: number): string {
  const positions = before.copy();
  for (const event of events.slice(0, index + 1)) positions.pass(event);
  return positions.cursor();
}

/** The cursor is made when it is asked for. */
function withCursor(event: RunEvent, cursor: () => string): StreamedEvent {
  return Object.defineProperty({ ...event }, 'cursor', { get: cursor, enumerable: false }) as StreamedEvent;
}
