import { lease } from '../domain/lease.ts';
import type { AttemptToken } from '../store/attempt.ts';

/**
 * Why an attempt ends before its trainer has. `cancel` and `timeout` are asked for politely first, and so is `drain` (the worker
 * stops, the run goes back to the queue), for a checkpoint; after `lost` (somebody else has taken over), `unconfirmed` (somebody else may
 * take over, for the database has not answered) and `unstored` (what the trainer tells cannot be stored) the trainer is killed at once.
 */
export type EndReason = 'cancel' | 'timeout' | 'drain' | 'lost' | 'unconfirmed' | 'unstored';

/** Whether a trainer may not compute a moment longer. */
export function isUrgent(reason: EndReason): boolean {
  return reason === 'lost' || reason === 'unconfirmed' || reason === 'unstored';
}

/** Two clocks, for one may stand while a machine sleeps, and the other be set. Milliseconds. */
export interface Moment {
  readonly monotonic: number;
  readonly wall: number;
}

export function moment(): Moment {
  return { monotonic: performance.now(), wall: Date.now() };
}

/** An attempt this worker has in hand. */
export class HeldAttempt {
  readonly token: AttemptToken;
  /** Process id of its trainer, while there is one. */
  pid: number | undefined;
  /** The engine that its newest trainer has opened. */
  engine: string | undefined;
  readonly #ending = new AbortController();
  readonly #fenced = new AbortController();
  /** What the config of its run allows all attempts together. */
  readonly maxSeconds: number | null;
  #confirmed: Moment;
  /** On the monotonic clock. */
  #deadline = Number.POSITIVE_INFINITY;
  #lost = false;
  #unstored: { readonly error: unknown } | undefined;

  /** @param asked when the database was asked for the attempt */
  constructor(token: AttemptToken, maxSeconds: number | null, asked: Moment) {
    this.token = token;
    this.maxSeconds = maxSeconds;
    this.#confirmed = asked;
  }

  /** The database has confirmed that it is this worker's, `asked` at that moment. */
  confirm(asked: Moment): void {
    this.#confirmed = asked;
  }

  /** @param spent seconds that earlier attempts of the run have taken */
  startClock(spent: number): void {
    if (this.maxSeconds !== null) this.#deadline = performance.now() + (this.maxSeconds - spent) * 1000;
  }

  /** Ends it when it has gone on for too long. */
  check(): void {
    const now = moment();
    const unconfirmed = Math.max(now.monotonic - this.#confirmed.monotonic, now.wall - this.#confirmed.wall);
    if (unconfirmed > lease.unconfirmed) this.end('unconfirmed');
    else if (now.monotonic > this.#deadline) this.end('timeout');
  }

  /** Aborts with an EndReason, the first. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** Aborts when an urgent reason comes, also after it was asked to end in order. */
  get fenced(): AbortSignal {
    return this.#fenced.signal;
  }

  get reason(): EndReason | undefined {
    return this.#ending.signal.reason as EndReason | undefined;
  }

  /** Nothing of it will be stored any more. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Set when something that the trainer told could not be stored: the attempt is incomplete, however its trainer ends. */
  get unstored(): { readonly error: unknown } | undefined {
    return this.#unstored;
  }

  /** Ends it because something could not be stored. */
  giveUp(error: unknown): void {
    this.#unstored = { error };
    this.end('unstored');
  }

  /** The first reason counts; being lost overrides all. */
  end(reason: EndReason): void {
    if (reason === 'lost') this.#lost = true;
    this.#ending.abort(reason);
    if (isUrgent(reason)) this.#fenced.abort();
  }
}
