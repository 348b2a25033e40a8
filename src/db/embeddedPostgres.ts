/**
 * A PostgreSQL server of our own in the home folder: made on first use, reached through a unix socket that only this user may
 * open, and alive for as many processes as like to join. A killed server recovers on the next start.
 */

import { existsSync, readFileSync } from 'node:fs';
import { chown, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartupError } from '../errors.ts';
import { acquireLock } from '../locks/lockFile.ts';
import { isProgram } from '../locks/processes.ts';
import { asUnprivileged, postgresBinaries, runPostgres } from './postgresBinaries.ts';

export interface EmbeddedPostgres {
  readonly url: string;
  /** Whether the server ran already: whoever joined leaves stopping it to its owner. */
  readonly joined: boolean;
  /** Stops the server, also when it was joined; clients are disconnected, nothing committed is lost. */
  stop(): Promise<void>;
}

/** A first start makes the cluster, which takes a second or two; somebody else's start is waited for this long. */
const startTimeout = 120_000;
/** Longest path of a unix socket, bytes (Linux 107, macOS 103). */
const socketPathLimit = 103;

/**
 * Starts the server in `home`/postgres, or joins it when it runs.
 * @param options.settings further `postgresql.conf` settings of a server that this call starts
 */
export async function startEmbeddedPostgres(
  home: string,
  options: { settings?: Readonly<Record<string, string>> } = {},
): Promise<EmbeddedPostgres> {
  const folder = path.join(path.resolve(home), 'postgres');
  const handle = (postmaster: Postmaster, joined: boolean): EmbeddedPostgres => ({
    url: `postgresql://rungraph@localhost:${postmaster.port}/postgres?host=${encodeURIComponent(postmaster.socketFolder)}`,
    joined,
    stop: () => stopServer(folder),
  });
  const running = readPostmaster(folder);
  if (running?.alive && running.ready) return handle(running, true);

  const lock = await acquireLock(`${folder}.lock`, startTimeout);
  try {
    const found = readPostmaster(folder);
    if (!found?.alive) {
      if (found) await clearKilled(folder, found);
      await initialize(folder);
      await launch(folder, options.settings ?? {}, found?.socketFolder);
    }
    return handle(await untilReady(folder), found?.alive ?? false);
  } finally {
    await lock.release();
  }
}

/** Whether the server of a home runs; false also while it is being started. */
export function isEmbeddedPostgresAlive(home: string): boolean {
  return readPostmaster(path.join(path.resolve(home), 'postgres'))?.alive ?? false;
}

interface Postmaster {
  readonly pid: number;
  readonly alive: boolean;
  readonly port: number;
  readonly socketFolder: string;
  readonly ready: boolean;
}

/** Lines of postmaster.pid: pid, data folder, start time, port, socket folder, address, shared memory, status. */
function readPostmaster(folder: string): Postmaster | undefined {
  let lines: string[];
  try {
    lines = readFileSync(path.join(folder, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return undefined;
  }
  const pid = Number(lines[0]);
  return {
    pid,
    alive: pid > 0 && isProgram(pid, 'postgres'),
    port: Number(lines[3]),
    socketFolder: lines[4] ?? '',
    ready: lines[7]?.trim() === 'ready',
  };
}

/** Files of a server that was killed. PostgreSQL would refuse to start when its process id was given to somebody else since. */
async function clearKilled(folder: string, { socketFolder, port }: Postmaster): Promise<void> {
  await rm(path.join(folder, 'postmaster.pid'), { force: true });
  if (!socketFolder) return;
  for (const suffix of ['', '.lock']) await rm(path.join(socketFolder, `.s.PGSQL.${port}${suffix}`), { force: true });
}

/** Makes the cluster under another name and renames it: a killed initdb leaves nothing that looks finished. */
async function initialize(folder: string): Promise<void> {
  if (existsSync(path.join(folder, 'PG_VERSION'))) return;
  const { initdb } = await postgresBinaries();
  const draft = `${folder}.new`;
  await rm(draft, { recursive: true, force: true });
  const { uid } = asUnprivileged();
  if (uid !== undefined) {
    await mkdir(draft, { mode: 0o700 });
    await chown(draft, uid, uid);
  }
  const { status, output } = await runPostgres(
    initdb,
    // trust: the socket folder is ours alone.
    [
      ...['-D', draft, '-U', 'rungraph', '--auth=trust', '-E', 'UTF8'],
      ...['--locale-provider=builtin', '--locale=C.UTF-8', '--no-instructions'],
    ],
    { capture: true },
  );
  if (status !== 0) throw new StartupError(`The embedded PostgreSQL in ${folder} could not be made: ${output.trim()}`);
  await rename(draft, folder);
}

async function launch(
  folder: string,
  settings: Readonly<Record<string, string>>,
  formerSocketFolder?: string,
): Promise<void> {
  const { pg_ctl } = await postgresBinaries();
  const log = path.join(folder, 'server.log');
  const all = {
    unix_socket_directories: await socketFolderFor(folder, formerSocketFolder),
    unix_socket_permissions: '0700',
    listen_addresses: '',
    logging_collector: 'off',
    max_connections: '200',
    ...settings,
  };
  const options = Object.entries(all).map(([name, value]) => `-c ${name}='${value.replaceAll("'", "''")}'`);
  // Backends of a killed postmaster may hold its shared memory for a moment longer.
  const lingering = /pre-existing shared memory|lock file .* already exists/;
  for (let attempt = 1; ; attempt++) {
    const before = await readLog(log);
    const { status } = await runPostgres(pg_ctl, [
      ...['-D', folder, '-w', '-t', '60', '-s', '-l', log],
      ...['-o', `-p 5432 ${options.join(' ')}`, 'start'],
    ]);
    if (status === 0) return;
    const said = (await readLog(log)).slice(before.length);
    if (!lingering.test(said) || attempt === 25) {
      throw new StartupError(
        `The embedded PostgreSQL in ${folder} did not start:\n${said.trim().split('\n').slice(-8).join('\n')}`,
      );
    }
    await sleep(200);
  }
}

/** The data folder itself, or one with a short name where the socket's path would be too long: the `former` one if there is, where clients look for it. */
async function socketFolderFor(folder: string, former: string | undefined): Promise<string> {
  if (Buffer.byteLength(path.join(folder, '.s.PGSQL.5432.lock')) <= socketPathLimit) return folder;
  if (former && existsSync(former)) return former;
  const short = await mkdtemp(path.join(os.tmpdir(), 'rungraph-'));
  const { uid } = asUnprivileged();
  if (uid !== undefined) await chown(short, uid, uid);
  return short;
}

async function untilReady(folder: string): Promise<Postmaster> {
  const end = Date.now() + startTimeout;
  for (;;) {
    const postmaster = readPostmaster(folder);
    if (postmaster?.alive && postmaster.ready) return postmaster;
    if (Date.now() > end) throw new StartupError(`The embedded PostgreSQL in ${folder} does not become ready`);
    await sleep(20);
  }
}

async function stopServer(folder: string): Promise<void> {
  const { pg_ctl } = await postgresBinaries();
  await runPostgres(pg_ctl, ['-D', folder, '-w', '-m', 'fast', '-s', 'stop']);
}

async function readLog(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return '';
  }
}
