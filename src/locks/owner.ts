/** Names of files and folders that tell which process they belong to, so that what a killed one left can be told from what is in use. */

import os from 'node:os';
import { isSameProcess, processStart } from './processes.ts';

/** `HOST.PID-START` of this process; without `-START` where the system does not tell when a process started. */
export function ownerName(): string {
  const start = processStart(process.pid);
  return `${os.hostname()}.${process.pid}${start === undefined ? '' : `-${start}`}`;
}

/**
 * Whether an owner's name is of a process of this machine that does not live any more. Of other machines, and of what is no such name,
 * nothing is known: false. Process ids are given again, to threads as well: only the start tells them apart.
 */
export function isAbandoned(name: string): boolean {
  const [, host, pid, start] = /^(.+)\.(\d+)(?:-(\d+))?$/.exec(name) ?? [];
  if (host !== os.hostname()) return false;
  // An earlier version's, without a start, whose number this process was given.
  if (Number(pid) === process.pid && start === undefined) return processStart(process.pid) !== undefined;
  return !isSameProcess(Number(pid), start);
}
