/** What an archive may unpack to: counted while reading, never taken from what it says of itself. */

import { ArchiveError } from './errors.ts';

export interface ArchiveLimits {
  /** Bytes of all files together. */
  readonly totalBytes: number;
  /** Bytes of one file: a larger one is left out. */
  readonly entryBytes: number;
  /** Files, folders and whatever else it holds. */
  readonly entries: number;
  /** Unpacked bytes per byte of the archive, beyond the first `freeBytes`. Pictures are packed already: theirs is near 1, that of a bomb near 1000. */
  readonly ratio: number;
  /** Unpacked bytes for which no ratio is asked. */
  readonly freeBytes: number;
}

export const defaultArchiveLimits: ArchiveLimits = {
  totalBytes: 40 * 2 ** 30,
  entryBytes: 128 * 2 ** 20,
  entries: 500_000,
  ratio: 100,
  freeBytes: 64 * 2 ** 20,
};

/** Folders around a file, and bytes of one part of a path and of the whole. */
export const nameLimits = { depth: 16, partBytes: 255, bytes: 2048 };

/** Counts what one archive has unpacked to. */
export class Budget {
  #bytes = 0;
  #entries = 0;
  readonly #limits: ArchiveLimits;
  readonly #archiveBytes: number;

  constructor(limits: ArchiveLimits, archiveBytes: number) {
    this.#limits = limits;
    this.#archiveBytes = archiveBytes;
  }

  /** @throws ArchiveError when it is too much */
  take(bytes: number): void {
    const { totalBytes, freeBytes, ratio } = this.#limits;
    this.#bytes += bytes;
    if (this.#bytes > totalBytes) throw new ArchiveError(`unpacks to more than ${totalBytes} bytes`);
    if (this.#bytes > freeBytes + ratio * this.#archiveBytes) {
      throw new ArchiveError(`unpacks to more than ${ratio} times its ${this.#archiveBytes} bytes, as no pictures do`);
    }
  }

  /** @throws ArchiveError when there are too many */
  takeEntry(): void {
    if (++this.#entries > this.#limits.entries) {
      throw new ArchiveError(`holds more than ${this.#limits.entries} files and folders`);
    }
  }
}
