import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder } from '../makeFolder.ts';
import { isSameProcess, processStart } from './processes.ts';

/** The lock is another living process's. */
export class LockHeldError extends Error {
  override readonly name = 'LockHeldError';
  readonly pid: number;

  constructor(file: string, pid: number) {
    super(`${file} is held by process ${pid}`);
    this.pid = pid;
  }
}

export interface LockFile {
  release(): Promise<void>;
}

/** A process that died while it removed a stale lock is waited for this long. */
const breakerAgeLimit = 10_000;

/**
 * Takes the lock `file`, which names its holder (process id and start time). The lock of a process that is gone is taken over.
 * Waits at most `waitMilliseconds` for a living holder, then throws LockHeldError; when `signal` aborts, throws its reason.
 */
export async function acquireLock(file: string, waitMilliseconds = 0, signal?: AbortSignal): Promise<LockFile> {
  await makeFolder(path.dirname(file));
  const mine = JSON.stringify({ pid: process.pid, start: processStart(process.pid), token: randomUUID() });
  const draft = `${file}.${randomUUID()}`;
  const end = Date.now() + waitMilliseconds;
  // Written first and then linked: a lock file is never seen half-written.
  await writeFile(draft, mine);
  try {
    for (;;) {
      signal?.throwIfAborted();
      try {
        await link(draft, file);
        return { release: () => releaseLock(file, mine) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const content = await readIfThere(file);
      if (content === undefined) continue;
      const holder = parseHolder(content);
      if (!holder || !isSameProcess(holder.pid, holder.start)) await breakLock(file, content);
      else if (Date.now() >= end) throw new LockHeldError(file, holder.pid);
      else await sleep(25);
    }
  } finally {
    await rm(draft, { force: true });
  }
}

async function releaseLock(file: string, content: string): Promise<void> {
  if ((await readIfThere(file)) === content) await rm(file, { force: true });
}

/** Removes a stale lock, one process at a time: a second one could otherwise remove the lock that the first just took. */
async function breakLock(file: string, staleContent: string): Promise<void> {
  const breaker = `${file}.breaking`;
  try {
    await mkdir(breaker);
  } catch {
    const age = await stat(breaker).then(
      (s) => Date.now() - s.mtimeMs,
      () => 0,
    );
    if (age > breakerAgeLimit) await rmdir(breaker).catch(() => {});
    else await sleep(10);
    return;
  }
  try {
    if ((await readIfThere(file)) === staleContent) await rm(file, { force: true });
  } finally {
    await rmdir(breaker);
  }
}

function parseHolder(content: string): { pid: number; start: string | undefined } | undefined {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
