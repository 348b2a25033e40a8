/** Restoring of a backup into an empty database: all of it or nothing. */

import { finished } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { BlobStore } from '../blobs/blobStore.ts';
import { connectionOptions } from '../db/connection.ts';
import { migrate } from '../db/migrate.ts';
import { migrationNames } from '../db/migrationFiles.ts';
import { StartupError, UserInputError } from '../errors.ts';
import { version } from '../version.ts';
import type { BackupContents, BackupHeader } from './format.ts';
import { readBackup } from './readBackup.ts';
import { appliedMigrations, listTables, markerTable, quoted } from './tables.ts';

/**
 * Reads all of a backup and changes nothing.
 * @throws StartupError that tells what is damaged or missing, or that it is of a newer Rungraph
 */
export async function verifyBackup(
  file: string,
  onBytes?: (bytes: number) => void,
): Promise<{ readonly header: BackupHeader; readonly contents: BackupContents }> {
  let header: BackupHeader | undefined;
  let contents: BackupContents | undefined;
  for await (const item of readBackup(file, onBytes)) {
    if (item.kind === 'header') {
      header = item.header;
      requireKnown(file, header);
    }
    if (item.kind === 'blob') for await (const _ of item.content);
    if (item.kind === 'end') contents = item.contents;
  }
  return { header: header!, contents: contents! };
}

export interface RestoreOptions {
  readonly url: string;
  readonly blobs: BlobStore;
  readonly file: string;
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Fills a database that has no rows. Its rows appear in one transaction, after the blobs that they name; then it is migrated. What
 * ran waits for `finishRestore`.
 * @throws StartupError when the database is not empty, and as verifyBackup does; then it is as it was, but for blobs that nothing names
 */
export async function restoreBackup(options: RestoreOptions, header: BackupHeader): Promise<void> {
  const { url } = options;
  const client = new pg.Client(connectionOptions(url));
  client.on('error', () => {});
  await client.connect();
  try {
    await requireEmpty(client, header);
    await migrate(url, header.migrations);
    await client.query('begin');
    await requireEmpty(client, header);
    await load(client, options);
    await client.query(`create table ${markerTable} ()`);
    await client.query('commit');
  } catch (error) {
    if (error instanceof UserInputError) throw new StartupError(error.message);
    throw error;
  } finally {
    await client.end();
  }
  await migrate(url);
}

function requireKnown(file: string, header: BackupHeader): void {
  const known = new Set(migrationNames());
  const newer = header.migrations.filter((name) => !known.has(name));
  if (newer.length) {
    throw new StartupError(
      `${file} was made by a newer Rungraph (${header.version}; this is ${version}), whose migrations ${newer.join(', ')} are not known here; restore it with that version`,
    );
  }
}

async function requireEmpty(client: pg.Client, header: BackupHeader): Promise<void> {
  for (const { name } of await listTables(client)) {
    const { rowCount } = await client.query(`select from "${name}" limit 1`);
    if (rowCount) {
      throw new StartupError(
        `The database has rows already (in ${name}); a backup is restored into an empty one: set RUNGRAPH_HOME to a new folder, or DATABASE_URL to a new database`,
      );
    }
  }
  const wanted = new Set(header.migrations);
  const newer = (await appliedMigrations(client)).filter((name) => !wanted.has(name));
  if (newer.length) {
    throw new StartupError(
      `The database is empty, but its tables are newer than those of the backup (${newer.join(', ')}); take one that no Rungraph has used yet`,
    );
  }
}

async function load(client: pg.Client, { file, blobs, onBytes }: RestoreOptions): Promise<void> {
  let copy: { readonly table: string; readonly stream: ReturnType<typeof copyFrom> } | undefined;
  const endCopy = async () => {
    if (!copy) return;
    const { stream } = copy;
    copy = undefined;
    stream.end();
    await finished(stream);
  };
  for await (const item of readBackup(file, onBytes)) {
    switch (item.kind) {
      case 'header':
        break;
      case 'rows': {
        const { name, columns } = item.table;
        if (copy?.table !== name) {
          await endCopy();
          copy = { table: name, stream: client.query(copyFrom(`copy "${name}" (${quoted(columns)}) from stdin`)) };
        }
        await write(copy.stream, item.bytes);
        break;
      }
      case 'blob': {
        await endCopy();
        const { hash } = await blobs.put(item.content);
        if (hash !== item.hash) throw new Error(`the blob ${item.hash} became ${hash}`);
        break;
      }
      case 'end':
        await endCopy();
        await moveSequences(client);
    }
  }
}

function write(stream: ReturnType<typeof copyFrom>, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

/** Numbers given out from now on come after those that were restored. */
async function moveSequences(client: pg.Client): Promise<void> {
  for (const { name, columns } of await listTables(client)) {
    for (const column of columns) {
      const { rows } = await client.query<{ sequence: string | null }>(
        'select pg_get_serial_sequence(quote_ident($1), $2) as sequence',
        [name, column],
      );
      const sequence = rows[0]!.sequence;
      if (sequence === null) continue;
      await client.query(
        `select setval($1::regclass, coalesce(max("${column}"), 1), max("${column}") is not null) from "${name}"`,
        [sequence],
      );
    }
  }
}
