import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningProcess {
  readonly child: ChildProcess;
  /** What it wrote so far, stdout and stderr together. */
  output(): string;
  /** Settles when the output matches; rejects when the process ends without. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  readonly finished: Promise<Finished>;
}

/** Starts a TypeScript file of the repository as a process of its own, in a clean environment. */
export function spawnTypeScript(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): RunningProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', file, ...args], {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  let both = '';
  const changed = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    both += text;
    for (const callback of changed) callback();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    both += text;
    for (const callback of changed) callback();
  });
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
  return {
    child,
    output: () => both,
    finished,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(both);
          if (!match) return false;
          changed.delete(look);
          resolve(match);
          return true;
        };
        if (look()) return;
        changed.add(look);
        finished.then(() => {
          if (!look()) reject(new Error(`${file} ended without ${pattern}:\n${both}`));
        }, reject);
      }),
  };
}

/** Children of this process that run `file`. */
export function childrenRunning(file: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const isChild = readFileSync(`/proc/${name}/status`, 'utf8').includes(`\nPPid:\t${process.pid}\n`);
      return isChild && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(file) ? [Number(name)] : [];
    } catch {
      return []; // no process, or gone
    }
  });
}
