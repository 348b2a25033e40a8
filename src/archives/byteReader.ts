import { ArchiveError } from './errors.ts';

/** Takes a stream of chunks apart. Keeps one chunk at a time, or what `read` is asked for. */
export class ByteReader {
  /** Bytes taken so far. */
  position = 0;
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next bytes, all of them. @throws ArchiveError when there are fewer */
  async read(length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for await (const part of this.chunks(length)) parts.push(part);
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  /** The next bytes as they come, `length` in all. @throws ArchiveError when there are fewer */
  async *chunks(length: number): AsyncGenerator<Uint8Array> {
    for (let left = length; left > 0; ) {
      if (!this.#rest.length && !(await this.#next())) throw new ArchiveError('is cut off: its end is missing');
      const part = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(part.length);
      this.position += part.length;
      left -= part.length;
      yield part;
    }
  }

  async skip(length: number): Promise<void> {
    for await (const _ of this.chunks(length));
  }

  /** Reads to the end of the source. */
  async drain(): Promise<void> {
    do this.position += this.#rest.length;
    while (await this.#next());
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }

  async #next(): Promise<boolean> {
    const { done, value } = await this.#source.next();
    this.#rest = done ? new Uint8Array(0) : value;
    return !done;
  }
}
