import { HubError } from './errors.ts';
import { type HubTiming, pauseBefore } from './timing.ts';

/** Statuses after which the same request may succeed. */
const passing = new Set([408, 425, 429, 500, 502, 503, 504]);

/** An answer that another try may not get. */
class TransientError extends HubError {
  /** Milliseconds the server asks to wait; null: it does not say. */
  readonly wait: number | null;

  constructor(message: string, wait: number | null) {
    super(message, { retryable: true });
    this.wait = wait;
  }
}

/** Throws a TransientError for statuses that pass. */
export function refuseTransient(what: string, { status, headers }: { status: number; headers: Headers }): void {
  if (!passing.has(status)) return;
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  throw new TransientError(`${what}: the server answers ${status}`, Number.isFinite(seconds) ? seconds * 1000 : null);
}

/**
 * Repeats `attempt` while it throws retryable HubErrors, with longer and longer pauses. Tries that got further (`progress` grew)
 * are not counted; `note` is told of every try that another one follows.
 */
export async function withRetries<T>(
  { tries, pause }: HubTiming,
  signal: AbortSignal,
  attempt: () => Promise<T>,
  {
    progress = () => 0,
    note,
  }: { readonly progress?: () => number; readonly note?: ((line: string) => void) | undefined } = {},
): Promise<T> {
  for (let failures = 1, before = progress(); ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof HubError) || !error.retryable) throw error;
      if (progress() > before) failures = 1;
      before = progress();
      if (failures >= tries) throw error;
      const wait = pauseBefore(failures, error instanceof TransientError ? error.wait : null);
      note?.(`${error.message}; trying again in ${Math.ceil(wait / 1000)} s`);
      await pause(wait, signal);
      signal.throwIfAborted();
    }
  }
}
