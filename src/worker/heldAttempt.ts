import type { AttemptToken } from '../store/attempt.ts';

/**
 * Why an attempt ends before its trainer has. `cancel` and `timeout` are asked for politely first, and so is `drain` (the worker
 * stops, the run goes back to the queue), for a checkpoint; after `lost` (somebody else has taken over) and `unstored` (what the
 * trainer tells cannot be stored) the trainer is killed at once.
 */
export type EndReason = 'cancel' | 'timeout' | 'drain' | 'lost' | 'unstored';

/** An attempt this worker has in hand. */
export class HeldAttempt {
  readonly token: AttemptToken;
  /** Process id of its trainer, while there is one. */
  pid: number | undefined;
  /** The engine that its newest trainer has opened. */
  engine: string | undefined;
  readonly #ending = new AbortController();
  /** What the config of its run allows all attempts together. */
  readonly maxSeconds: number | null;
  #lost = false;
  #unstored: { readonly error: unknown } | undefined;

  constructor(token: AttemptToken, maxSeconds: number | null) {
    this.token = token;
    this.maxSeconds = maxSeconds;
  }

  /** Aborts with an EndReason. */
  get signal(): AbortSignal {
    return this.#ending.signal;
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
    this.#ending.abort('unstored' satisfies EndReason);
  }

  /** The first reason counts; being lost overrides all. */
  end(reason: EndReason): void {
    if (reason === 'lost') this.#lost = true;
    this.#ending.abort(reason);
  }
}
