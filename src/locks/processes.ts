import { readFileSync } from 'node:fs';

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
