/** One consistent snapshot of a database and the blobs that it names, while everything goes on. */

import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { access, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { finished } from 'node:stream/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { type Pack, pack } from 'tar-stream';
import type { BlobStore } from '../blobs/blobStore.ts';
import { connectionOptions } from '../db/connection.ts';
import { migrationNames } from '../db/migrationFiles.ts';
import { messageOf, StartupError } from '../errors.ts';
import { lockForBackup } from '../store/blobLock.ts';
import { blobColumns } from '../store/blobReference.ts';
import { version } from '../version.ts';
import { type BackupContents, blobName, contentsName, countRows, headerName, newHeader, partName } from './format.ts';
import { appliedMigrations, listTables, quoted, type Table } from './tables.ts';

/** Bytes of rows in one part. */
const partSize = 8 * 2 ** 20;
const compress = promisify(gzip);

export interface BackupOptions {
  readonly url: string;
  readonly blobs: BlobStore;
  /** Absolute path of a file that is not there yet. */
  readonly file: string;
  readonly now: Date;
  /** Told how many bytes were read of about how many. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Writes the file under another name first: it appears whole or not at all, for its owner alone.
 * @throws StartupError when the file exists or cannot be written, another backup is being made, or a blob is missing or damaged
 */
export async function writeBackup(options: BackupOptions): Promise<BackupContents> {
  const { file } = options;
  if (await exists(file)) throw new StartupError(`${file} is there already; choose another name or remove it`);
  const draft = `${file}.part`;
  const client = new pg.Client(connectionOptions(options.url));
  client.on('error', () => {});
  await client.connect();
  try {
    if (!(await lockForBackup(client))) throw new StartupError('Another backup of this database is being made');
    const contents = await writeDraft(client, draft, options);
    await rename(draft, file);
    await flush(path.dirname(file));
    return contents;
  } catch (error) {
    await rm(draft, { force: true });
    throw explain(error, file);
  } finally {
    await client.end();
  }
}

async function writeDraft(client: pg.Client, draft: string, options: BackupOptions): Promise<BackupContents> {
  // Opened first: a folder that cannot be written to shows before anything is read.
  const handle = await open(draft, 'w', 0o600);
  await handle.close();
  await client.query('begin isolation level repeatable read read only');
  const migrations = await knownMigrations(client);
  const tables = await listTables(client);
  const blobs = await namedBlobs(client, tables, options.blobs);

  const tar = pack();
  const written = createWriteStream(draft, { flush: true });
  const ended = finished(tar.pipe(written));
  // Whoever waits for the tar learns of a full disk.
  ended.catch((error: Error) => tar.destroy(error));
  written.on('error', (error) => tar.destroy(error));
  tar.on('error', () => {});
  try {
    const header = Buffer.from(
      JSON.stringify(
        newHeader({
          ...{ version, migrations, createdAt: options.now.toISOString() },
          tables: tables.map(({ name, columns }) => ({ name, columns: [...columns] })),
        }),
      ),
    );
    await addEntry(tar, headerName, header.length, [header]);
    const tell = await progress(client, tables, blobs, options.onProgress);
    const contents: BackupContents = { header: sha256(header), tables: [], blobs: [...blobs] };
    for (const table of tables) contents.tables.push(await addTable(client, tar, table, tell));
    await client.query('commit');
    for (const { hash, size } of blobs) await addBlob(tar, options.blobs, { hash, size }, tell);
    const end = Buffer.from(JSON.stringify(contents));
    await addEntry(tar, contentsName, end.length, [end]);
    tar.finalize();
    await ended;
    return contents;
  } catch (error) {
    tar.destroy();
    written.destroy();
    await ended.catch(() => {});
    // The first reason: a full disk ends the tar, which then refuses the next entry.
    throw written.errored ?? error;
  }
}

async function knownMigrations(client: pg.Client): Promise<string[]> {
  const applied = await appliedMigrations(client);
  if (!applied.length) throw new StartupError('There is nothing to back up: the database has no tables of Rungraph');
  const known = new Set(migrationNames());
  const newer = applied.filter((name) => !known.has(name));
  if (newer.length) {
    throw new StartupError(
      `The database is of a newer Rungraph: this one (${version}) does not know its migrations ${newer.join(', ')}`,
    );
  }
  return applied;
}

/** The blobs that rows of the snapshot name, with their sizes. */
async function namedBlobs(
  client: pg.Client,
  tables: readonly Table[],
  store: BlobStore,
): Promise<BackupContents['blobs']> {
  const hashes = new Set<string>();
  for (const { table, column } of blobColumns) {
    // A database that waits for its newest migrations may lack some.
    if (!tables.some(({ name, columns }) => name === table && columns.includes(column))) continue;
    const { rows } = await client.query<{ hash: string; ids: string }>(
      `select ${column} as hash, string_agg(id, ', ') as ids from ${table} where ${column} is not null group by 1`,
    );
    for (const { hash, ids } of rows) {
      if (!(await store.has(hash))) {
        throw new StartupError(`The blob ${hash}, which ${table} ${ids} needs, is missing; delete what needs it first`);
      }
      hashes.add(hash);
    }
  }
  const found: BackupContents['blobs'] = [];
  for (const hash of [...hashes].sort()) found.push({ hash, size: (await store.find(hash))!.size });
  return found;
}

async function progress(
  client: pg.Client,
  tables: readonly Table[],
  blobs: BackupContents['blobs'],
  report: BackupOptions['onProgress'],
): Promise<(bytes: number) => void> {
  const { rows } = await client.query<{ bytes: string }>(
    'select coalesce(sum(pg_table_size(quote_ident(name)::regclass)), 0) as bytes from unnest($1::text[]) t (name)',
    [tables.map(({ name }) => name)],
  );
  const total = Number(rows[0]!.bytes) + blobs.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  return (bytes) => {
    done += bytes;
    report?.(Math.min(done, total), total);
  };
}

async function addTable(
  client: pg.Client,
  tar: Pack,
  { name, columns }: Table,
  tell: (bytes: number) => void,
): Promise<BackupContents['tables'][number]> {
  const hash = createHash('sha256');
  let rows = 0;
  let parts = 0;
  let pending: Buffer[] = [];
  let size = 0;
  const flushPart = async () => {
    if (!size) return;
    const bytes = Buffer.concat(pending);
    pending = [];
    size = 0;
    hash.update(bytes);
    rows += countRows(bytes);
    const packed = await compress(bytes);
    await addEntry(tar, partName(name, parts++), packed.length, [packed]);
    tell(bytes.length);
  };
  const copy = client.query(copyTo(`copy "${name}" (${quoted(columns)}) to stdout`));
  for await (const chunk of copy as AsyncIterable<Buffer>) {
    pending.push(chunk);
    size += chunk.length;
    if (size >= partSize) await flushPart();
  }
  await flushPart();
  return { name, rows, parts, sha256: hash.digest('hex') };
}

async function addBlob(
  tar: Pack,
  store: BlobStore,
  { hash, size }: BackupContents['blobs'][number],
  tell: (bytes: number) => void,
): Promise<void> {
  const digest = createHash('sha256');
  async function* checked() {
    for await (const chunk of store.open(hash) as AsyncIterable<Buffer>) {
      digest.update(chunk);
      tell(chunk.length);
      yield chunk;
    }
    if (digest.digest('hex') !== hash)
      throw new StartupError(`The blob ${hash} is damaged; delete what needs it first`);
  }
  await addEntry(tar, blobName(hash), size, checked());
}

/** Adds an entry of that size, no faster than the file takes it. */
async function addEntry(
  tar: Pack,
  name: string,
  size: number,
  content: Iterable<Buffer> | AsyncIterable<Buffer>,
): Promise<void> {
  if (tar.destroyed) throw new Error('the file cannot be written');
  const entry = tar.entry({ name, size });
  // It ends with the tar, whose failure is told.
  entry.on('error', () => {});
  const closed = new Promise((resolve) => entry.once('close', resolve));
  for await (const chunk of content) {
    if (!entry.write(chunk)) await Promise.race([new Promise((resolve) => entry.once('drain', resolve)), closed]);
    if (tar.destroyed) throw new Error('the file cannot be written');
  }
  entry.end();
  await closed;
}

function explain(error: unknown, file: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new StartupError(`The disk that holds ${path.dirname(file)} is full, no backup was made; free some space`);
    case 'ENOENT':
    case 'ENOTDIR':
      return new StartupError(`There is no folder ${path.dirname(file)}`);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new StartupError(`${path.dirname(file)} cannot be written to (${messageOf(error)})`);
    default:
      return error;
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

async function flush(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
