import { readFileSync, readlinkSync } from 'node:fs';

/** When a process started, in clock ticks since boot (Linux), or undefined where that cannot be told or it is gone. */
export function processStart(pid: number): string | undefined {
  return statOf(pid)?.start;
}

/** Whether process `pid` lives and is the one that started at `start`: process ids are reused. A zombie is dead. */
export function isSameProcess(pid: number, start: string | undefined): boolean {
  if (!isAlive(pid)) return false;
  return start === undefined || start === processStart(pid);
}

/** Whether `pid` lives, and where the system tells, runs the program `name`. */
export function isProgram(pid: number, name: string): boolean {
  if (!isAlive(pid)) return false;
  const stat = statOf(pid);
  return stat === undefined || stat.program === name;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return statOf(pid)?.state !== 'Z';
}

/** Fields of /proc/PID/stat: `pid (program) state …`, the start time is field 22. The program's name may hold spaces and parentheses. */
function statOf(pid: number): { program: string; state: string; start: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const close = text.lastIndexOf(')');
    const rest = text.slice(close + 2).split(' ');
    return { program: text.slice(text.indexOf('(') + 1, close), state: rest[0]!, start: rest[19]! };
  } catch {
    return undefined;
  }
}

/**
 * Where process ids and start times mean what they mean here: this boot of this machine and this process namespace (container). Undefined
 * where the system does not tell, or tells of another namespace: then nothing can be said of processes that another one has named.
 */
export function machineKey(): string | undefined {
  try {
    if (readlinkSync('/proc/self') !== String(process.pid) || processStart(process.pid) === undefined) return undefined;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return [boot, readlinkSync('/proc/self/ns/pid'), readlinkSync('/proc/self/ns/time')].join(' ');
  } catch {
    return undefined;
  }
}

/** Whether the process that started at `start` is surely dead, as seen on its own machine. What cannot be told is false. */
export function isGone(pid: number, start: string): boolean {
  if (!isAlive(pid)) return true;
  const now = processStart(pid);
  return now !== undefined && now !== start;
}
