/** What every kind of archive is read as: entries one after the other, with their bytes only when asked for. */

import type { Budget } from './limits.ts';

export interface ArchiveEntry {
  /** As it is written there; undefined when its bytes are no text. */
  readonly name: string | undefined;
  /** `special`: a device, a pipe, or what only some programs know. */
  readonly kind: 'file' | 'folder' | 'link' | 'special';
  /** Bytes when unpacked, as the archive says. */
  readonly size: number;
  /** Why the bytes of a file are not to be had. */
  readonly problem?: string | undefined;
  /** The bytes of a file, to be read before the next entry is asked for, or not at all. Throws DamagedEntryError. */
  readonly content: () => AsyncIterable<Uint8Array>;
}

/** How an archive is read. */
export interface ReadOptions {
  /** Is told of everything that is unpacked. */
  readonly budget: Budget;
  /** Bytes of the archive that have been dealt with since the last call. */
  readonly onRead: (bytes: number) => void;
}
