import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';

/** The file operations of the disk cache, apart so that tests can fill the disk. All throw what node:fs throws. */
export interface CacheFiles {
  /** Reads a whole file into what `room` gives for its size. */
  read(path: string, room: (bytes: number) => Buffer): Buffer;
  /** Creates a file of these parts, one after the other. */
  write(path: string, parts: readonly Uint8Array[]): void;
  rename(from: string, to: string): void;
  unlink(path: string): void;
  makeFolder(path: string): void;
  list(path: string): string[];
  stat(path: string): { readonly size: number; readonly mtimeMs: number };
  /** Sets its time to now. */
  touch(path: string): void;
}

export const nodeFiles: CacheFiles = {
  read(path, room) {
    const file = openSync(path, 'r');
    try {
      const bytes = room(fstatSync(file).size);
      let filled = 0;
      for (let read = -1; read !== 0 && filled < bytes.length; filled += read) {
        read = readSync(file, bytes, filled, bytes.length - filled, null);
      }
      return bytes.subarray(0, filled);
    } finally {
      closeSync(file);
    }
  },
  write(path, parts) {
    const file = openSync(path, 'wx');
    try {
      for (const part of parts) writeFileSync(file, part);
    } finally {
      closeSync(file);
    }
  },
  rename: renameSync,
  unlink: unlinkSync,
  makeFolder: (path) => mkdirSync(path, { recursive: true }),
  list: (path) => readdirSync(path),
  stat: (path) => statSync(path),
  touch(path) {
    const now = new Date();
    utimesSync(path, now, now);
  },
};
