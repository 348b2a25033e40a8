/** The zip format as PyTorch writes it: files stored as they are, one after the other, with a directory at the end; zip64 for large ones. */

import type { FileHandle } from 'node:fs/promises';
import { readBytes, TensorFileError } from './tensorFile.ts';

export interface ZipEntry {
  /** Bytes of the file. */
  readonly size: number;
  /** Where its header lies. */
  readonly headerAt: number;
}

const signatures = { local: 0x04034b50, entry: 0x02014b50, end: 0x06054b50, end64: 0x06064b50, locator64: 0x07064b50 };
const localHeaderBytes = 30;
const entryBytes = 46;
const endBytes = 22;
const locatorBytes = 20;
const end64Bytes = 56;
const longestComment = 65_535;
const encrypted = 1;
/** What 16 and 32 bits say where zip64 has the number. */
const elsewhere16 = 0xffff;
const elsewhere32 = 0xffff_ffff;
/** No model has a thousandth as many tensors. */
const largestDirectory = 64 * 2 ** 20;

/**
 * The files of an archive by name. Compressed and encrypted ones are refused: nothing that is read gets larger than it is.
 * @throws TensorFileError naming the archive when it is truncated or malformed
 */
export async function readZipDirectory(
  handle: FileHandle,
  path: string,
  fileBytes: number,
): Promise<Map<string, ZipEntry>> {
  const { count, position, size } = await findDirectory(handle, path, fileBytes);
  if (size > largestDirectory || position + size > fileBytes)
    throw malformed(path, 'its directory lies outside the file');
  const directory = await readBytes(handle, path, position, size);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + entryBytes > size || directory.readUInt32LE(at) !== signatures.entry) {
      throw malformed(path, `its directory ends after ${i} of ${count} files`);
    }
    const nameLength = directory.readUInt16LE(at + 28);
    const extraLength = directory.readUInt16LE(at + 30);
    const next = at + entryBytes + nameLength + extraLength + directory.readUInt16LE(at + 32);
    if (next > size) throw malformed(path, `its directory ends within file ${i + 1} of ${count}`);
    const name = directory.toString('utf8', at + entryBytes, at + entryBytes + nameLength);
    const extra = directory.subarray(at + entryBytes + nameLength, at + entryBytes + nameLength + extraLength);
    if (directory.readUInt16LE(at + 8) & encrypted) throw malformed(path, `${name} is encrypted`);
    if (directory.readUInt16LE(at + 10) !== 0) throw malformed(path, `${name} is compressed, which PyTorch never does`);
    if (entries.has(name)) throw malformed(path, `it has ${name} twice`);
    const entry = sizes(path, directory, at, extra);
    if (entry.headerAt + localHeaderBytes + entry.size > fileBytes)
      throw malformed(path, `${name} lies outside the file`);
    entries.set(name, entry);
    at = next;
  }
  return entries;
}

/** Where the bytes of an entry begin: its own header may be longer than the directory says. */
export async function zipDataPosition(
  handle: FileHandle,
  path: string,
  fileBytes: number,
  name: string,
  { headerAt, size }: ZipEntry,
): Promise<number> {
  const header = await readBytes(handle, path, headerAt, localHeaderBytes);
  if (header.readUInt32LE() !== signatures.local) throw malformed(path, `${name} has no header`);
  const position = headerAt + localHeaderBytes + header.readUInt16LE(26) + header.readUInt16LE(28);
  if (position + size > fileBytes) throw malformed(path, `${name} lies outside the file`);
  return position;
}

interface Directory {
  readonly count: number;
  readonly position: number;
  readonly size: number;
}

async function findDirectory(handle: FileHandle, path: string, fileBytes: number): Promise<Directory> {
  const tailLength = Math.min(fileBytes, endBytes + longestComment);
  const tail = await readBytes(handle, path, fileBytes - tailLength, tailLength);
  for (let at = tailLength - endBytes; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== signatures.end) continue;
    if (tail.readUInt16LE(at + 20) !== tailLength - at - endBytes) continue;
    const count = tail.readUInt16LE(at + 10);
    const size = tail.readUInt32LE(at + 12);
    const position = tail.readUInt32LE(at + 16);
    if (count !== elsewhere16 && size !== elsewhere32 && position !== elsewhere32) return { count, size, position };
    return findDirectory64(handle, path, fileBytes, fileBytes - tailLength + at);
  }
  throw malformed(path, 'it has no directory at its end: it is truncated or too long');
}

async function findDirectory64(handle: FileHandle, path: string, fileBytes: number, endAt: number): Promise<Directory> {
  if (endAt < locatorBytes) throw malformed(path, 'its zip64 directory is missing');
  const locator = await readBytes(handle, path, endAt - locatorBytes, locatorBytes);
  if (locator.readUInt32LE() !== signatures.locator64) throw malformed(path, 'its zip64 directory is missing');
  const at = Number(locator.readBigUInt64LE(8));
  if (at + end64Bytes > fileBytes) throw malformed(path, 'its zip64 directory lies outside the file');
  const end = await readBytes(handle, path, at, end64Bytes);
  if (end.readUInt32LE() !== signatures.end64) throw malformed(path, 'its zip64 directory is missing');
  return {
    count: Number(end.readBigUInt64LE(32)),
    size: Number(end.readBigUInt64LE(40)),
    position: Number(end.readBigUInt64LE(48)),
  };
}

/** Size and place of the directory's entry at `at`; numbers of more than 32 bits lie in its zip64 field. */
function sizes(path: string, directory: Buffer, at: number, extra: Buffer): ZipEntry {
  const stored = directory.readUInt32LE(at + 20);
  const full = directory.readUInt32LE(at + 24);
  const headerAt = directory.readUInt32LE(at + 42);
  let wide = zip64Field(extra);
  const resolve = (value: number) => {
    if (value !== elsewhere32) return value;
    if (wide.length < 8) throw malformed(path, 'a zip64 field is missing');
    const result = Number(wide.readBigUInt64LE());
    wide = wide.subarray(8);
    return result;
  };
  // in this order
  const size = resolve(full);
  if (resolve(stored) !== size) throw malformed(path, 'a stored file has two sizes');
  return { size, headerAt: resolve(headerAt) };
}

function zip64Field(extra: Buffer): Buffer {
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === 1) return extra.subarray(at + 4, at + 4 + length);
    at += 4 + length;
  }
  return extra.subarray(0, 0);
}

function malformed(path: string, what: string): TensorFileError {
  return new TensorFileError(`${path} is no intact zip archive: ${what}`);
}
