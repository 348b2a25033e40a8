/** What a child writes, as lines of bounded length and number: it may be a flood, one endless line or no text at all. */

import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** UTF-16 units of a line that are kept. */
const longestLine = 4_000;
/** Of all output of one child. */
const budget = { lines: 50_000, units: 8 * 2 ** 20 };

/** The lines of a stream, without their ends; of those that are too long the beginning. A carriage return ends a line, too. */
export async function* outputLines(stream: Readable): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let cut = 0;
  let returned = false;
  const finish = () => {
    const line = cut ? `${rest}… (${cut} more characters)` : rest;
    rest = '';
    cut = 0;
    return line;
  };
  const add = (text: string) => {
    const room = longestLine - rest.length;
    rest += text.slice(0, room);
    cut += Math.max(0, text.length - room);
  };
  for await (const chunk of stream) {
    let text = decoder.write(chunk as Buffer);
    if (returned && text.startsWith('\n')) text = text.slice(1);
    if (text) returned = text.endsWith('\r');
    const pieces = text.split(/\r\n|\n|\r/);
    for (const piece of pieces.slice(0, -1)) {
      add(piece);
      yield finish();
    }
    add(pieces.at(-1)!);
  }
  add(decoder.end());
  if (rest || cut) yield finish();
}

/** Decides which lines are kept, and tells once how many were not. */
export class OutputBudget {
  #lines = 0;
  #units = 0;
  #dropped = 0;

  take(line: string): boolean {
    if (this.#dropped > 0 || this.#lines >= budget.lines || this.#units + line.length > budget.units) {
      this.#dropped++;
      return false;
    }
    this.#lines++;
    this.#units += line.length;
    return true;
  }

  /** The line to put in place of those that were not kept; null when all were. */
  remark(): string | null {
    return this.#dropped ? `${this.#dropped} more lines of output were not kept: it had written enough` : null;
  }
}
