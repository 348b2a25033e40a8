/** Reading of a backup from its first byte to its last: everything in it is compared with what it should be. */

import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { type Entry, extract } from 'tar-stream';
import type { z } from 'zod';
import { messageOf, StartupError } from '../errors.ts';
import {
  type BackupContents,
  type BackupHeader,
  blobName,
  contentsName,
  contentsSchema,
  countRows,
  headerName,
  headerSchema,
  partName,
} from './format.ts';

export type BackupItem =
  | { readonly kind: 'header'; readonly header: BackupHeader }
  /** Rows of a table in COPY's text format. Parts of a table follow each other, tables come in the order of the header. */
  | { readonly kind: 'rows'; readonly table: BackupHeader['tables'][number]; readonly bytes: Buffer }
  /** To be read to its end before the next item is asked for. */
  | { readonly kind: 'blob'; readonly hash: string; readonly content: AsyncIterable<Buffer> }
  /** Everything was there, and nothing was damaged. */
  | { readonly kind: 'end'; readonly contents: BackupContents };

/** Largest header or contents. */
const mostText = 256 * 2 ** 20;
const decompress = promisify(gunzip);

/**
 * @param onBytes told of the bytes read so far
 * @throws StartupError that names the file and what is wrong with it
 */
export async function* readBackup(
  file: string,
  onBytes: (bytes: number) => void = () => {},
): AsyncGenerator<BackupItem> {
  const source = createReadStream(file);
  const tar = extract();
  source.on('error', (error) => tar.destroy(error));
  source.on('data', () => onBytes(source.bytesRead));
  source.pipe(tar);
  try {
    yield* items(tar, file);
  } catch (error) {
    throw explain(error, file);
  } finally {
    source.destroy();
    tar.destroy();
  }
}

class DamagedBackup extends Error {
  override readonly name = 'DamagedBackup';
}

function explain(error: unknown, file: string): StartupError {
  return error instanceof StartupError ? error : new StartupError(`${file} ${problemOf(error)}`);
}

function problemOf(error: unknown): string {
  if (error instanceof DamagedBackup) return `is not a whole backup: ${error.message}`;
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined) return `cannot be read (${messageOf(error)})`;
  // What tar-stream says of headers that are none, and of files that end inside an entry.
  return `is not a whole backup: ${/end of data/i.test(messageOf(error)) ? 'it ends early' : messageOf(error)}`;
}

async function* items(tar: AsyncIterable<Entry>, file: string): AsyncGenerator<BackupItem> {
  let header: BackupHeader | undefined;
  const found: BackupContents = { header: '', tables: [], blobs: [] };
  let ended = false;
  let table: TableSum | undefined;
  const closeTable = () => {
    if (table) found.tables.push(table.end());
    table = undefined;
  };
  for await (const entry of tar) {
    const { name, size = 0 } = entry.header;
    if (ended) throw new DamagedBackup(`${name} comes after its end`);
    if (!header) {
      if (name !== headerName) throw new DamagedBackup(`it does not begin with ${headerName}`);
      const bytes = await textOf(entry);
      header = parse(headerSchema, bytes, headerName);
      found.header = createHash('sha256').update(bytes).digest('hex');
      yield { kind: 'header', header };
    } else if (name === contentsName) {
      closeTable();
      const contents = parse(contentsSchema, await textOf(entry), contentsName);
      compare(header, found, contents);
      ended = true;
      yield { kind: 'end', contents };
    } else if (name.startsWith('blobs/')) {
      closeTable();
      const hash = name.slice('blobs/'.length);
      if (name !== blobName(hash) || !/^[0-9a-f]{64}$/.test(hash)) throw new DamagedBackup(`${name} is no blob`);
      yield { kind: 'blob', hash, content: checked(entry, hash, file) };
      found.blobs.push({ hash, size });
    } else {
      const spec = header.tables.find((candidate) => name.startsWith(`tables/${candidate.name}/`));
      if (!spec) throw new DamagedBackup(`${name} is unknown`);
      if (table?.name !== spec.name) closeTable();
      table ??= new TableSum(spec.name);
      if (name !== partName(spec.name, table.parts)) throw new DamagedBackup(`${name} comes out of turn`);
      const bytes = await unpack(entry, name);
      table.add(bytes);
      yield { kind: 'rows', table: spec, bytes };
    }
  }
  if (!ended) throw new DamagedBackup('it ends early');
}

class TableSum {
  readonly name: string;
  parts = 0;
  #rows = 0;
  readonly #hash: Hash = createHash('sha256');

  constructor(name: string) {
    this.name = name;
  }

  add(bytes: Buffer): void {
    this.parts++;
    this.#rows += countRows(bytes);
    this.#hash.update(bytes);
  }

  end(): BackupContents['tables'][number] {
    return { name: this.name, rows: this.#rows, parts: this.parts, sha256: this.#hash.digest('hex') };
  }
}

/** Whoever reads it meets its failures, so that they are explained here too. */
async function* checked(entry: Entry, hash: string, file: string): AsyncGenerator<Buffer> {
  const digest = createHash('sha256');
  try {
    for await (const chunk of entry as AsyncIterable<Buffer>) {
      digest.update(chunk);
      yield chunk;
    }
    if (digest.digest('hex') !== hash) throw new DamagedBackup(`${blobName(hash)} is damaged`);
  } catch (error) {
    throw explain(error, file);
  }
}

async function unpack(entry: Entry, name: string): Promise<Buffer> {
  const packed = await buffer(entry as AsyncIterable<Buffer>);
  try {
    return await decompress(packed);
  } catch {
    throw new DamagedBackup(`${name} is damaged`);
  }
}

async function textOf(entry: Entry): Promise<Buffer> {
  if ((entry.header.size ?? 0) > mostText) throw new DamagedBackup(`${entry.header.name} is too large`);
  return buffer(entry as AsyncIterable<Buffer>);
}

function parse<T>(schema: z.ZodType<T>, bytes: Buffer, name: string): T {
  try {
    return schema.parse(JSON.parse(bytes.toString()));
  } catch {
    throw new DamagedBackup(`${name} is damaged, or of another format`);
  }
}

/** Everything that the contents list was there, and nothing else. */
function compare(header: BackupHeader, found: BackupContents, listed: BackupContents): void {
  if (found.header !== listed.header) throw new DamagedBackup(`${headerName} is damaged`);
  const tables = new Map(found.tables.map((table) => [table.name, table]));
  const empty = createHash('sha256').digest('hex');
  for (const table of listed.tables) {
    const { parts, rows, sha256 } = tables.get(table.name) ?? { parts: 0, rows: 0, sha256: empty };
    if (parts !== table.parts) throw new DamagedBackup(`table ${table.name} has ${parts} of ${table.parts} parts`);
    if (rows !== table.rows || sha256 !== table.sha256) throw new DamagedBackup(`table ${table.name} is damaged`);
  }
  const names = JSON.stringify(header.tables.map(({ name }) => name));
  if (JSON.stringify(listed.tables.map(({ name }) => name)) !== names) throw new DamagedBackup('a table is missing');
  const blobs = new Set(found.blobs.map(({ hash }) => hash));
  const missing = listed.blobs.find(({ hash }) => !blobs.has(hash));
  if (missing) throw new DamagedBackup(`${blobName(missing.hash)} is missing`);
  if (found.blobs.length !== listed.blobs.length) throw new DamagedBackup('it has blobs that it does not list');
}
