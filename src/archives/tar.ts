/**
 * Entries of a tar archive: ustar, pax and GNU's long names (POSIX.1-2017, pax; the GNU tar manual, "Basic Tar Format"). Written
 * here because what libraries keep in memory of a header is as long as the archive says.
 */

import { createReadStream } from 'node:fs';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { messageOf } from '../errors.ts';
import type { ArchiveEntry, ReadOptions } from './archive.ts';
import { ByteReader } from './byteReader.ts';
import { ArchiveError } from './errors.ts';

const block = 512;
/** Bytes of an extended header. */
const longestHeader = 2 ** 20;

type PaxKey = 'path' | 'size' | 'sparse';
type PaxRecords = Map<PaxKey, string>;

const kinds: Readonly<Record<string, ArchiveEntry['kind']>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'link',
  '5': 'folder',
};

/** @throws ArchiveError when it is damaged or cut off */
export async function* readTar(
  file: string,
  { gzip }: { readonly gzip: boolean },
  options: ReadOptions,
): AsyncGenerator<ArchiveEntry> {
  const reader = new ByteReader(unpackedBytes(file, gzip, options));
  try {
    /** Of the global header, and of the headers that go before one entry. */
    const common: PaxRecords = new Map();
    let own: PaxRecords = new Map();
    for (;;) {
      const header = await readHeader(reader);
      if (!header) break;
      const { type, size } = header;
      if ('xgLK'.includes(type)) {
        const text = await readLong(reader, size);
        if (type === 'L') own.set('path', text.replace(/\0.*$/s, ''));
        if (type === 'x' || type === 'g') readPax(text, type === 'g' ? common : own);
        continue;
      }
      const records = new Map([...common, ...own]);
      own = new Map();
      yield* readEntry(reader, header, records);
    }
    // What follows the end is none of the archive's; but a checksum of gzip may come there.
    await reader.drain();
  } finally {
    await reader.close();
  }
}

async function* unpackedBytes(
  file: string,
  gzip: boolean,
  { budget, onRead }: ReadOptions,
): AsyncGenerator<Uint8Array> {
  const source = createReadStream(file);
  source.on('data', (chunk) => onRead(chunk.length));
  const stream: Readable = gzip ? pipeline(source, createGunzip(), () => {}) : source;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      budget.take(chunk.length);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof ArchiveError) throw error;
    throw new ArchiveError(`is damaged or cut off: ${messageOf(error)}`, { cause: error });
  } finally {
    source.destroy();
  }
}

interface Header {
  readonly name: string | undefined;
  readonly type: string;
  /** Bytes that follow, without padding. */
  readonly size: number;
}

/** Undefined at the end of the archive, which two blocks of zeros mark. */
async function readHeader(reader: ByteReader): Promise<Header | undefined> {
  const bytes = await reader.read(block);
  if (bytes.every((byte) => byte === 0)) {
    await reader.read(block);
    return undefined;
  }
  const given = parseNumber(bytes.subarray(148, 156));
  const sum = bytes.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0x20 : byte), 0);
  if (given !== sum) throw new ArchiveError(`is damaged: a header before byte ${reader.position} has a wrong checksum`);
  const prefix = text(bytes.subarray(257, 263)) === 'ustar' ? text(bytes.subarray(345, 500)) : '';
  const name = text(bytes.subarray(0, 100));
  return {
    name: prefix === undefined || name === undefined ? undefined : prefix ? `${prefix}/${name}` : name,
    type: String.fromCharCode(bytes[156]!),
    size: parseNumber(bytes.subarray(124, 136)),
  };
}

async function* readEntry(
  reader: ByteReader,
  header: Header,
  records: Readonly<PaxRecords>,
): AsyncGenerator<ArchiveEntry> {
  const name = records.get('path') ?? header.name;
  const size = records.has('size') ? decimal(records.get('size')!) : header.size;
  const kind = kinds[header.type] ?? 'special';
  // Links, folders and devices have no bytes, whatever their size says; of what is not known they are skipped.
  const length = /[1-6]/.test(header.type) ? 0 : size;
  const end = reader.position + length;
  yield {
    name,
    kind: kind === 'file' && name?.endsWith('/') ? 'folder' : kind,
    size: length,
    problem: records.has('sparse') ? 'is stored with holes; make the archive without --sparse' : undefined,
    content: () => reader.chunks(length),
  };
  await reader.skip(end + padding(length) - reader.position);
}

async function readLong(reader: ByteReader, size: number): Promise<string> {
  if (size > longestHeader) throw new ArchiveError(`has a header of ${size} bytes; at most ${longestHeader} are read`);
  const bytes = await reader.read(size);
  await reader.skip(padding(size));
  const decoded = decode(bytes);
  if (decoded === undefined) throw new ArchiveError('has a header that is not UTF-8 text');
  return decoded;
}

/** Records `LENGTH KEY=VALUE\n`; the length is in bytes and counts itself. An empty value takes the key back. */
function readPax(headerText: string, records: PaxRecords): void {
  let rest = Buffer.from(headerText);
  while (rest.length) {
    const [start, digits] = /^(\d{1,7}) /.exec(rest.subarray(0, 8).toString('latin1')) ?? [];
    const length = Number(digits);
    const record = rest.subarray(start?.length ?? 0, length - 1).toString();
    const split = record.indexOf('=');
    if (!start || length > rest.length || rest[length - 1] !== 0x0a || split < 1) {
      throw new ArchiveError('is damaged: an extended header has no sense');
    }
    const key = keyOf(record.slice(0, split));
    const value = record.slice(split + 1);
    if (key !== undefined && value) records.set(key, value);
    else if (key !== undefined) records.delete(key);
    rest = rest.subarray(length);
  }
}

/** A key whose record is needed later: others are not kept, for an archive may have any number of them. */
function keyOf(name: string): PaxKey | undefined {
  if (name.startsWith('GNU.sparse.')) return 'sparse';
  return name === 'path' || name === 'size' ? name : undefined;
}

/** Octal digits, or with the first bit set a number to base 256. */
function parseNumber(field: Uint8Array): number {
  if (field[0]! & 0x80) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, field[0]! & 0x7f);
    return sized(value);
  }
  const digits = Buffer.from(field)
    .toString('latin1')
    .replace(/[\0 ]+$/, '')
    .trimStart();
  if (!/^[0-7]*$/.test(digits)) throw new ArchiveError('is damaged: a header has no number where one belongs');
  return sized(Number.parseInt(digits || '0', 8));
}

function decimal(digits: string): number {
  return sized(/^\d+$/.test(digits) ? Number(digits) : Number.NaN);
}

function sized(value: number): number {
  if (Number.isSafeInteger(value)) return value;
  throw new ArchiveError('is damaged: a header has a size that cannot be');
}

function padding(size: number): number {
  return (block - (size % block)) % block;
}

/** Up to the first NUL. */
function text(field: Uint8Array): string | undefined {
  const end = field.indexOf(0);
  return decode(end === -1 ? field : field.subarray(0, end));
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
