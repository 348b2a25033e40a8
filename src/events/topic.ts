import type { Database } from '../db/database.ts';
import { isTerminal } from '../domain/run.ts';
import type { RunEvent } from '../domain/runEvent.ts';
import { type EventHeads, type EventScope, eventHeads, readEvents, runsPerRead } from '../store/event.ts';
import { persist } from './persist.ts';
import type { Base } from './positions.ts';
import { Ring } from './ring.ts';

const pageSize = 1000;
/** Milliseconds before a failed read is tried again. */
const retryDelay = 200;

/**
 * The live end of one run's or one experiment's events, read from the log once for all its subscribers: on every wake-up,
 * whatever is new is appended to a ring.
 */
export class Topic {
  readonly #db: Database;
  readonly #scope: EventScope;
  readonly #onReadFailure: (error: unknown) => void;
  /** Last number of each run that is in the ring, or was. */
  readonly #heads = new Map<string, number>();
  readonly #ring = new Ring();
  #base: { readonly base: Base; readonly at: number } | undefined;
  /** Runs to look at; `all` asks for the list of runs too. */
  #dirty: Set<string> | 'all' = new Set();
  #reading = false;
  #failing = false;
  readonly #closing = new AbortController();
  #retry: NodeJS.Timeout | undefined;
  readonly #waiting = new Set<() => void>();
  readonly #started: Promise<void>;
  #ended = false;
  #missing = false;

  /** @param onReadFailure told of the first of several failures in a row */
  constructor(db: Database, scope: EventScope, onReadFailure: (error: unknown) => void) {
    this.#db = db;
    this.#scope = scope;
    this.#onReadFailure = onReadFailure;
    this.#started = this.#start();
    // Whoever subscribes sees the failure; without subscribers nobody needs to.
    this.#started.catch(() => {});
  }

  /** Settles when the topic knows where the log ends, or when the signal aborts. Fails when the database stays away. */
  async begin(signal: AbortSignal): Promise<void> {
    const left = once(signal);
    await Promise.race([this.#started, left.aborted]).finally(left.forget);
  }

  /** Positions in the appended sequence: `end` is that of the next event to come, `start` of the oldest still kept. */
  get end(): number {
    return this.#ring.end;
  }
  get start(): number {
    return this.#ring.start;
  }

  /** What it holds, and for how many that wait for more. */
  get usage(): { readonly events: number; readonly waiting: number } {
    return { events: this.end - this.start, waiting: this.#waiting.size };
  }

  /** No event will come any more: the run has ended and its last event was appended. Never true for an experiment. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Nobody looks for events any more. */
  get closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** There is no such run; an experiment without runs is not missing. */
  get missing(): boolean {
    return this.#missing;
  }

  heads(): Map<string, number> {
    return new Map(this.#heads);
  }

  /** A snapshot whose events come before position `at`. Of experiments only, and of those that have runs. */
  get base(): { readonly base: Base; readonly at: number } | undefined {
    return this.#base;
  }

  /** Appended events from position `from`, which must not be before `start`. */
  slice(from: number, limit: number): RunEvent[] {
    return this.#ring.slice(from, limit);
  }

  /** Looks for new events of a run, or of every run. */
  wake(runId?: string): void {
    if (runId === undefined) this.#dirty = 'all';
    else if (this.#dirty !== 'all') this.#dirty.add(runId);
    void this.#read();
  }

  /** Settles when there is news after position `from`, after `timeout` milliseconds, or when the signal aborts. */
  async news(from: number, timeout: number, signal: AbortSignal): Promise<void> {
    if (this.end > from || this.#ended || this.closed || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const settle = () => {
        clearTimeout(timer);
        this.#waiting.delete(settle);
        signal.removeEventListener('abort', settle);
        resolve();
      };
      const timer = setTimeout(settle, timeout);
      this.#waiting.add(settle);
      signal.addEventListener('abort', settle);
    });
  }

  close(): void {
    this.#closing.abort();
    clearTimeout(this.#retry);
    this.#settleWaiting();
  }

  #settleWaiting(): void {
    for (const settle of [...this.#waiting]) settle();
  }

  async #start(): Promise<void> {
    this.#reading = true;
    try {
      const found = await persist(() => eventHeads(this.#db.prisma, this.#scope), this.#closing.signal);
      for (const { runId, seq, status } of found.heads) {
        this.#heads.set(runId, seq);
        this.#ended = this.#scope.runId !== undefined && isTerminal(status);
      }
      this.#missing = this.#scope.runId !== undefined && !this.#heads.size;
      this.#rebase(found);
    } finally {
      this.#reading = false;
    }
    void this.#read();
  }

  async #read(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    try {
      while (!this.closed && (this.#dirty === 'all' || this.#dirty.size)) {
        const asked = this.#dirty;
        this.#dirty = new Set();
        if (asked === 'all') await this.#appendAll();
        else await this.#appendRuns([...asked]);
        this.#failing = false;
      }
    } catch (error) {
      if (!this.#failing) this.#onReadFailure(error);
      this.#failing = true;
      // The database is away: once it is back, every run is looked at.
      this.#dirty = 'all';
      if (!this.closed) this.#retry = setTimeout(() => void this.#read(), retryDelay);
    } finally {
      this.#reading = false;
    }
  }

  /** Looks at every run. */
  async #appendAll(): Promise<void> {
    const found = await eventHeads(this.#db.prisma, this.#scope);
    const behind = found.heads.filter(({ runId, seq }) => seq > (this.#heads.get(runId) ?? 0));
    await this.#appendRuns(behind.map(({ runId }) => runId));
    this.#rebase(found);
  }

  async #appendRuns(runIds: readonly string[]): Promise<void> {
    for (let i = 0; i < runIds.length; i += runsPerRead) await this.#append(runIds.slice(i, i + runsPerRead));
  }

  /** Notes that everything of `found` has been appended, where that tells more than the base before. */
  #rebase({ heads, snapshot }: EventHeads): void {
    if (this.#scope.runId !== undefined || snapshot === null) return; // The cursor of one run is a number.
    const before = this.#base?.base.heads;
    if (heads.every(({ runId, seq }) => before?.get(runId) === seq)) return;
    const base = { snapshot, heads: new Map(heads.map(({ runId, seq }) => [runId, seq])) };
    this.#base = { base, at: this.end };
  }

  async #append(runIds: readonly string[]): Promise<void> {
    for (let full = true; full && !this.closed; ) {
      const positions = runIds.map((runId) => ({ runId, after: this.#heads.get(runId) ?? 0 }));
      const events = await readEvents(this.#db.prisma, positions, pageSize);
      full = events.length === pageSize;
      for (const { runId, seq, payload } of events) {
        this.#heads.set(runId, seq);
        if (this.#scope.runId !== undefined && payload.kind === 'STATUS') this.#ended = isTerminal(payload.status);
      }
      this.#ring.append(events);
      if (events.length) this.#settleWaiting();
    }
  }
}

/** The signal's abort as a promise, until it is forgotten. */
function once(signal: AbortSignal): { aborted: Promise<void>; forget: () => void } {
  let settle = () => {};
  const aborted = new Promise<void>((resolve) => {
    settle = resolve;
  });
  signal.addEventListener('abort', settle);
  if (signal.aborted) settle();
  return { aborted, forget: () => signal.removeEventListener('abort', settle) };
}
