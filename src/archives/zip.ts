/** Entries of a zip archive, by its central directory. Each is compared with its own header: who lies in one of the two is left out. */

import type { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import * as yauzl from 'yauzl';
import { messageOf } from '../errors.ts';
import type { ArchiveEntry, ReadOptions } from './archive.ts';
import { ArchiveError, DamagedEntryError } from './errors.ts';

/** Kinds of file in the upper half of the attributes, where Unix programs write them; 0 where nothing is said. */
const fileKinds = new Map<number, ArchiveEntry['kind']>([
  [0, 'file'],
  [0o100000, 'file'],
  [0o040000, 'folder'],
  [0o120000, 'link'],
]);
const usesUtf8 = 0x800;
const sizesFollow = 0x8;
/** Says of a 32-bit size that the real one is elsewhere. */
const elsewhere = 0xffffffff;

/** @throws ArchiveError when it is damaged, encrypted, or packed in a way that is not read */
export async function* readZip(file: string, options: ReadOptions): AsyncGenerator<ArchiveEntry> {
  const zip = await whole(() => yauzl.openPromise(file, { lazyEntries: true, decodeStrings: false, autoClose: false }));
  try {
    const entries = zip.eachEntry();
    for (;;) {
      const { done, value: entry } = await whole(() => entries.next());
      if (done) return;
      const name = nameOf(entry);
      if (entry.isEncrypted()) {
        throw new ArchiveError(`is encrypted (${name ?? 'its first file'}); make it without a password`);
      }
      if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8) {
        throw new ArchiveError(
          `packs ${name ?? 'a file'} by method ${entry.compressionMethod}; stored and deflated files can be read`,
        );
      }
      const kind = kindOf(entry, name);
      const problem = kind === 'file' ? await contradiction(zip, entry) : undefined;
      yield { name, kind, size: entry.uncompressedSize, problem, content: () => readEntry(zip, entry, options) };
      options.onRead(entry.compressedSize);
    }
  } finally {
    zip.close();
  }
}

async function whole<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new ArchiveError(`is damaged or cut off: ${messageOf(error)}`, { cause: error });
  }
}

/** Most programs write UTF-8, whether they say so or not; what is none is read as zip's first code page. */
function nameOf({ fileNameRaw, generalPurposeBitFlag, extraFields }: yauzl.Entry): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(fileNameRaw);
  } catch {
    if (generalPurposeBitFlag & usesUtf8) return undefined;
    return yauzl.getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, true);
  }
}

function kindOf({ externalFileAttributes }: yauzl.Entry, name: string | undefined): ArchiveEntry['kind'] {
  const kind = fileKinds.get((externalFileAttributes >>> 16) & 0o170000) ?? 'special';
  return kind === 'file' && name?.endsWith('/') ? 'folder' : kind;
}

/** How the header before the bytes disagrees with the directory; undefined when it does not. */
async function contradiction(zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<string | undefined> {
  const lie = (what: string) => `the archive contradicts itself about its ${what}`;
  try {
    const local = await zip.readLocalFileHeaderPromise(entry);
    if (!local.fileName.equals(entry.fileNameRaw)) return lie('name');
    if (local.compressionMethod !== entry.compressionMethod) return lie('compression');
    if (local.generalPurposeBitFlag & sizesFollow) return undefined;
    if (local.crc32 !== entry.crc32) return lie('checksum');
    const differs = (a: number, b: number) => a !== elsewhere && a !== b;
    if (differs(local.compressedSize, entry.compressedSize)) return lie('size');
    if (differs(local.uncompressedSize, entry.uncompressedSize)) return lie('size');
    return undefined;
  } catch (error) {
    return `its place in the archive cannot be read: ${messageOf(error)}`;
  }
}

async function* readEntry(zip: yauzl.ZipFile, entry: yauzl.Entry, { budget }: ReadOptions): AsyncGenerator<Uint8Array> {
  let stream: Readable | undefined;
  let checksum = 0;
  try {
    stream = await zip.openReadStreamPromise(entry);
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      budget.take(chunk.length);
      checksum = crc32(chunk, checksum);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof ArchiveError) throw error;
    throw new DamagedEntryError(`is damaged in the archive: ${messageOf(error)}`, { cause: error });
  } finally {
    stream?.destroy();
  }
  if (checksum !== entry.crc32) throw new DamagedEntryError('is damaged in the archive: its checksum is wrong');
}
