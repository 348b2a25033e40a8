/**
 * Prepared images on disk, so that later epochs and runs skip decoding. Shared by every thread and process that uses the
 * same directory: entries appear whole (written aside, then renamed), carry a checksum, and are only ever replaced by the
 * same bytes. Reading renews an entry's time, and when the directory outgrows its limit the longest unused go first.
 * Nothing here fails a run: a full or unwritable disk ends the writing with one warning, a damaged entry is made again.
 */

import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { messageOf } from '../errors.ts';
import { type CacheFiles, nodeFiles } from './cacheFiles.ts';
import type { PreparedImage } from './itemTransform.ts';

/** State that the threads of one process share. */
export interface CacheCounters {
  /** [bytes written since the last sweep, 1 while a thread sweeps, 1 once writing has ended] */
  readonly words: BigInt64Array;
}

export interface DiskCacheOptions {
  readonly directory: string;
  /** 0 turns the cache off. */
  readonly limitBytes: number;
  readonly counters?: CacheCounters;
  /** Called once, by the thread that met the problem. */
  readonly warn: (message: string) => void;
  readonly files?: CacheFiles;
}

export interface DiskCache {
  /** undefined where there is no intact entry. Its data is valid until the next read: every read uses the same memory. */
  read(key: string): PreparedImage | undefined;
  write(key: string, image: PreparedImage): void;
}

const magic = 0x31475352; // 'RSG1'
const headerBytes = 28;
const stages = ['item', 'rows', 'source'] as const;
const entrySuffix = '.rgb';
/** A file written aside this long ago belongs to a process that died. */
const abandonedMs = 3_600_000;

export function createCacheCounters(): CacheCounters {
  return { words: new BigInt64Array(new SharedArrayBuffer(24)) };
}

export function openDiskCache(options: DiskCacheOptions): DiskCache {
  const { directory, limitBytes, warn, files = nodeFiles } = options;
  const { words } = options.counters ?? createCacheCounters();
  /** Written between two sweeps at most: what one process can overshoot while others write too. */
  const allowance = Math.floor(limitBytes / 16);
  let swept = false;
  // Fresh memory for each image would cost as much as reading it: page faults, and a lock that all threads take.
  let memory = Buffer.alloc(0);
  const room = (bytes: number): Buffer => {
    if (memory.length < bytes) memory = Buffer.allocUnsafeSlow(bytes);
    return memory.subarray(0, bytes);
  };
  let serial = 0;

  const pathOf = (key: string) => join(directory, key.slice(0, 2), `${key}${entrySuffix}`);

  const give = (message: string) => {
    if (Atomics.exchange(words, 2, 1n) === 0n) warn(message);
  };

  /** Removes the longest unused entries until one more allowance fits. One thread of the process at a time. */
  const sweep = () => {
    if (Atomics.compareExchange(words, 1, 0n, 1n) !== 0n) return;
    try {
      Atomics.store(words, 0, 0n);
      const entries = listEntries(directory, files);
      let total = entries.reduce((sum, entry) => sum + entry.size, 0);
      if (total <= limitBytes - allowance) return;
      entries.sort((a, b) => a.mtimeMs - b.mtimeMs);
      for (const entry of entries) {
        if (total <= limitBytes - 2 * allowance) break;
        if (removeQuietly(entry.path, files)) total -= entry.size;
      }
    } finally {
      Atomics.store(words, 1, 0n);
    }
  };

  return {
    read(key) {
      if (limitBytes === 0) return undefined;
      const path = pathOf(key);
      let bytes: Buffer;
      try {
        bytes = files.read(path, room);
      } catch {
        return undefined;
      }
      const image = decodeEntry(bytes);
      if (!image) {
        removeQuietly(path, files);
        return undefined;
      }
      try {
        files.touch(path);
      } catch {
        // Removed meanwhile, or another user's file: its age is then a little off.
      }
      return image;
    },

    write(key, image) {
      const size = headerBytes + image.data.length;
      if (size > allowance || Atomics.load(words, 2) !== 0n) return;
      const path = pathOf(key);
      const aside = `${path}.${process.pid}-${threadTag}-${serial++}.tmp`;
      try {
        files.makeFolder(join(directory, key.slice(0, 2)));
        if (!swept || Atomics.load(words, 0) + BigInt(size) > BigInt(allowance)) {
          sweep();
          swept = true;
        }
        files.write(aside, [headerOf(image), image.data]);
        files.rename(aside, path);
        Atomics.add(words, 0, BigInt(size));
      } catch (error) {
        removeQuietly(aside, files);
        give(`the image cache in ${directory} takes no more images, decoding goes on without it: ${messageOf(error)}`);
      }
    },
  };
}

/** Tells apart the threads of a process in names of files written aside. */
const threadTag = Math.random().toString(36).slice(2, 10);

function headerOf(image: PreparedImage): Buffer {
  const header = Buffer.alloc(headerBytes);
  const words = [magic, stages.indexOf(image.stage), image.width, image.height, image.sourceWidth, image.sourceHeight];
  words.forEach((value, i) => {
    header.writeUInt32LE(value, i * 4);
  });
  header.writeUInt32LE(checksum(header, image.data), headerBytes - 4);
  return header;
}

function decodeEntry(bytes: Buffer): PreparedImage | undefined {
  if (bytes.length < headerBytes || bytes.readUInt32LE(0) !== magic) return undefined;
  const [stage, width, height, sourceWidth, sourceHeight, sum] = [4, 8, 12, 16, 20, 24].map((at) =>
    bytes.readUInt32LE(at),
  ) as [number, number, number, number, number, number];
  const data = bytes.subarray(headerBytes);
  if (data.length !== width * height * 3 || checksum(bytes.subarray(0, headerBytes), data) !== sum) return undefined;
  return { stage: stages[stage]!, width, height, sourceWidth, sourceHeight, data };
}

/** Of everything but the checksum itself. */
function checksum(header: Buffer, data: Uint8Array): number {
  return crc32(data, crc32(header.subarray(0, headerBytes - 4)));
}

interface Entry {
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
}

/** All entries; files left aside by dead processes are removed on the way. */
function listEntries(directory: string, files: CacheFiles): Entry[] {
  const list = (path: string) => {
    try {
      return files.list(path);
    } catch {
      return [];
    }
  };
  const folders = list(directory).filter((name) => /^[0-9a-f]{2}$/.test(name));
  return folders.flatMap((folder) =>
    list(join(directory, folder)).flatMap((name): Entry[] => {
      const path = join(directory, folder, name);
      try {
        const { size, mtimeMs } = files.stat(path);
        if (name.endsWith(entrySuffix)) return [{ path, size, mtimeMs }];
        if (name.endsWith('.tmp') && Date.now() - mtimeMs > abandonedMs) files.unlink(path);
      } catch {
        // Another process removed it first.
      }
      return [];
    }),
  );
}

function removeQuietly(path: string, files: CacheFiles): boolean {
  try {
    files.unlink(path);
    return true;
  } catch {
    return false;
  }
}
