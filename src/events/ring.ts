import type { RunEvent } from '../domain/runEvent.ts';
import { weight } from './weight.ts';

/** Events, and about how many bytes of them, kept for readers that are a little behind; those further behind read the log. */
const mostEvents = 2048;
const mostBytes = 8 * 2 ** 20;

/** The newest of a sequence of events. Positions count from the first that was ever appended. */
export class Ring {
  readonly #events: RunEvent[] = [];
  #bytes = 0;
  #end = 0;

  /** Position of the next event to come. */
  get end(): number {
    return this.#end;
  }
  /** Position of the oldest that is kept. */
  get start(): number {
    return this.#end - this.#events.length;
  }

  append(events: readonly RunEvent[]): void {
    this.#events.push(...events);
    this.#end += events.length;
    for (const event of events) this.#bytes += weight(event);
    let dropped = 0;
    while (this.#events.length - dropped > mostEvents || (this.#bytes > mostBytes && dropped < this.#events.length)) {
      this.#bytes -= weight(this.#events[dropped]!);
      dropped++;
    }
    this.#events.splice(0, dropped);
  }

  /** At most `limit` events from position `from` on, which must not be before `start`. */
  slice(from: number, limit: number): RunEvent[] {
    const offset = from - this.start;
    return this.#events.slice(offset, offset + limit);
  }
}
