import { spawn } from 'node:child_process';
import { once } from 'node:events';
import os from 'node:os';
import { expect, test } from 'vitest';
import { isAbandoned, ownerName } from '../../src/locks/owner.ts';
import { processStart } from '../../src/locks/processes.ts';

const named = (pid: number, start?: string) => `${os.hostname()}.${pid}${start === undefined ? '' : `-${start}`}`;

test('what this process owns is not abandoned', () => {
  expect(ownerName()).toBe(named(process.pid, processStart(process.pid)));
  expect(isAbandoned(ownerName())).toBe(false);
});

test('what a process that was killed owned is abandoned, though another one may have its number by now', async () => {
  const child = spawn('sleep', ['60']);
  await once(child, 'spawn');
  const owner = named(child.pid!, processStart(child.pid!));
  expect(isAbandoned(owner)).toBe(false);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isAbandoned(owner)).toBe(true);
  // The number of a process that lives, but of one that started at another time.
  expect(isAbandoned(named(process.pid, '1'))).toBe(true);
});

test('names of an earlier version, without a start, go by the number', () => {
  expect(isAbandoned(named(2 ** 31 - 2))).toBe(true);
  expect(isAbandoned(named(process.ppid))).toBe(false);
  // In a container every worker may have the same number. Where there are starts, this one's would have it.
  expect(isAbandoned(named(process.pid))).toBe(processStart(process.pid) !== undefined);
});

test('of other machines, and of other names, nothing is said', () => {
  for (const name of ['other.machine.2147483646-1', 'other.machine.2147483646', os.hostname(), 'notes', '']) {
    expect([name, isAbandoned(name)]).toEqual([name, false]);
  }
});
