import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acquireLock, LockHeldError } from '../../src/locks/lockFile.ts';
import { spawnTypeScript } from '../support/processes.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-lock-'));
  file = path.join(folder, 'a.lock');
});
afterEach(() => rm(folder, { recursive: true }));

test('one holder at a time; the refusal names its process', async () => {
  const lock = await acquireLock(file);
  const failure = await acquireLock(file).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(LockHeldError);
  expect((failure as LockHeldError).pid).toBe(process.pid);
  await lock.release();
  await (await acquireLock(file)).release();
  expect(await readdir(folder)).toEqual([]);
});

test('the lock of a killed process is taken over', async () => {
  const holder = spawnTypeScript('test/support/bin/holdLock.ts', [file]);
  await holder.until(/held/);
  await expect(acquireLock(file)).rejects.toMatchObject({ pid: holder.child.pid });
  holder.child.kill('SIGKILL');
  await holder.finished;
  await (await acquireLock(file)).release();
});

test('the lock of a process id that somebody else has now is taken over', async () => {
  await writeFile(file, JSON.stringify({ pid: process.pid, start: '1', token: 'other' }));
  await (await acquireLock(file)).release();
});

test('a lock file with no sense in it is taken over', async () => {
  await writeFile(file, '');
  await (await acquireLock(file)).release();
});

test('processes that race for a stale lock never hold it together', async () => {
  await writeFile(file, JSON.stringify({ pid: 2 ** 22, start: '1', token: 'gone' }));
  const journal = path.join(folder, 'journal');
  const racers = Array.from({ length: 4 }, () => spawnTypeScript('test/support/bin/acquireLock.ts', [file, journal]));
  for (const { status, stderr } of await Promise.all(racers.map((r) => r.finished)))
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const lines = (await readFile(journal, 'utf8')).trim().split('\n');
  expect(lines).toHaveLength(80);
  for (let i = 0; i < lines.length; i += 2) expect(lines[i + 1]).toBe(lines[i]!.replace('+', '-'));
});
