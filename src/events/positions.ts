/**
 * How far a reader has come: the last sequence number of each run it has seen. One number for all runs would not do: runs
 * commit side by side, and a later commit may carry a smaller number. The map grows by about 45 bytes per run.
 */

import { malformedCursor } from '../domain/cursor.ts';
import type { RunEvent } from '../domain/runEvent.ts';

export class Positions {
  readonly #seen: Map<string, number>;

  constructor(seen: Iterable<readonly [string, number]> = []) {
    this.#seen = new Map(seen);
  }

  /** Reads what `cursor` wrote. */
  static parse(cursor: string): Positions {
    let seen: unknown;
    try {
      seen = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    } catch {
      throw malformedCursor(cursor);
    }
    const fits =
      typeof seen === 'object' &&
      seen !== null &&
      !Array.isArray(seen) &&
      Object.values(seen).every((seq) => Number.isSafeInteger(seq) && seq >= 0);
    if (!fits) throw malformedCursor(cursor);
    return new Positions(Object.entries(seen as Record<string, number>));
  }

  after(runId: string): number {
    return this.#seen.get(runId) ?? 0;
  }

  /** Moves on past an event; never back. */
  pass({ runId, seq }: Pick<RunEvent, 'runId' | 'seq'>): void {
    this.#seen.set(runId, Math.max(seq, this.after(runId)));
  }

  copy(): Positions {
    return new Positions(this.#seen);
  }

  cursor(): string {
    return Buffer.from(JSON.stringify(Object.fromEntries(this.#seen))).toString('base64url');
  }
}
