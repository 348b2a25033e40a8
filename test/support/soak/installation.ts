/** A whole installation of real processes that may be killed one by one: PostgreSQL, a server, workers with their trainers. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startEmbeddedPostgres } from '../../../src/db/embeddedPostgres.ts';
import { freePort } from '../freePort.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

export interface InstallationOptions {
  /** A folder of its own, which exists. */
  readonly home: string;
  readonly workers: number;
}

export class Installation {
  readonly #options: InstallationOptions;
  readonly #children = new Map<string, ChildProcess>();
  readonly #output: string[] = [];
  /** Processes that ended though nobody had asked them to, a sentence each. */
  readonly deaths: string[] = [];
  #url = '';
  #port = 0;
  #stopping = false;

  constructor(options: InstallationOptions) {
    this.#options = options;
    process.once('exit', () => this.killAll());
  }

  get databaseUrl(): string {
    return this.#url;
  }

  get serverUrl(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Names of the workers: `worker 1` … */
  get workers(): string[] {
    return Array.from({ length: this.#options.workers }, (_, i) => `worker ${i + 1}`);
  }

  /** The last lines that its processes wrote. */
  get lastOutput(): string {
    return this.#output.slice(-60).join('');
  }

  async start(): Promise<void> {
    await mkdir(this.#options.home, { recursive: true });
    this.#port = await freePort();
    await this.startPostgres();
    this.launch('server');
    await this.untilServing();
    for (const name of this.workers) this.launch(name);
  }

  async startPostgres(): Promise<void> {
    this.#url = (await startEmbeddedPostgres(this.#options.home)).url;
  }

  /**
   * Starts the server or a worker, and as whatever supervises them does, again when it ends by itself: without a database none can begin.
   * Who had begun bears to be without.
   */
  launch(name: string): void {
    const [file, begins] =
      name === 'server' ? ['src/bin/server.ts', 'Rungraph server at '] : ['src/bin/worker.ts', '"msg":"ready"'];
    let begun = false;
    const child = spawn(process.execPath, ['--import', 'tsx', file], {
      cwd: root,
      env: {
        ...{ PATH: process.env.PATH, HOME: process.env.HOME, RUNGRAPH_HOME: this.#options.home },
        ...{ DATABASE_URL: this.#url, PORT: String(this.#port), DEVICE: 'cpu', RUNGRAPH_THREADS: '1' },
        ...{ RUNGRAPH_LOG: name === 'server' ? 'warn' : 'info', HF_HUB_OFFLINE: '1' },
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        if (text.includes(begins)) begun = true;
        this.#output.push(`${name}: ${text}`);
        if (this.#output.length > 1000) this.#output.splice(0, 500);
      });
    }
    this.#children.set(name, child);
    const isCurrent = () => !this.#stopping && this.#children.get(name) === child;
    child.once('exit', (status) => {
      if (status === null || !isCurrent()) return;
      if (begun) this.deaths.push(`${name} has ended by itself with status ${status}`);
      setTimeout(() => isCurrent() && this.launch(name), 200);
    });
  }

  /** Kills the server or a worker and waits until it is gone. */
  async kill(name: string): Promise<void> {
    const child = this.#children.get(name)!;
    const gone = ended(child);
    child.kill('SIGKILL');
    await gone;
  }

  /** Process id of the server or a worker. */
  pidOf(name: string): number {
    return this.#children.get(name)!.pid!;
  }

  /** Process ids of the trainers that live, by worker. */
  trainers(): { readonly worker: string; readonly pid: number }[] {
    const owners = new Map(this.workers.map((name) => [this.pidOf(name), name]));
    return processes().flatMap(({ pid, parent, command }) => {
      const worker = owners.get(parent);
      return worker && command.includes('bin/trainer.ts') ? [{ worker, pid }] : [];
    });
  }

  /** Process ids of the database server, the postmaster's first. */
  #postgres(): number[] {
    const file = path.join(this.#options.home, 'postgres', 'postmaster.pid');
    if (!existsSync(file)) return [];
    const postmaster = Number(readFileSync(file, 'utf8').split('\n')[0]);
    const all = processes();
    if (!all.some(({ pid }) => pid === postmaster)) return [];
    return [postmaster, ...all.flatMap(({ pid, parent }) => (parent === postmaster ? [pid] : []))];
  }

  /** Kills the whole database server at once, as a power failure would. */
  async killPostgres(): Promise<void> {
    // Stopped first: else it might start one more while it is counted.
    const [postmaster] = this.#postgres();
    if (postmaster !== undefined) signal(postmaster, 'SIGSTOP');
    const all = this.#postgres();
    for (const pid of all) kill(pid);
    while (all.some((pid) => existsSync(`/proc/${pid}`) && !isZombie(pid))) await sleep(5);
  }

  async isServing(): Promise<boolean> {
    return fetch(`${this.serverUrl}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  async untilServing(): Promise<void> {
    while (!(await this.isServing())) await sleep(50);
  }

  /** Asks the server's API; again while it, or its database, is away or starting. */
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
  async ask(query: string, variables: object = {}): Promise<any> {
    for (;;) {
      try {
        const response = await fetch(`${this.serverUrl}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query, variables }),
        });
        // biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
        const { data, errors } = (await response.json()) as any;
        if (data && !errors) return data;
        if (errors && !isAway(errors)) throw new Error(JSON.stringify(errors));
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
      }
      await sleep(100);
    }
  }

  /** Stops workers and server in order; PostgreSQL goes on. Returns what is left of them: processes by command line. */
  async stop(): Promise<string[]> {
    this.#stopping = true;
    const gone = [...this.#children.values()].map(async (child) => {
      const end = ended(child);
      child.kill('SIGTERM');
      await end;
    });
    await Promise.all(gone);
    // What ends with a process may take a moment longer.
    const giveUpAt = performance.now() + 30_000;
    for (;;) {
      const left = processes().filter(({ pid, command }) => !command.includes('postgres') && this.#isOurs(pid));
      if (!left.length || performance.now() > giveUpAt) return left.map(({ command }) => command);
      await sleep(100);
    }
  }

  killAll(): void {
    this.#stopping = true;
    for (const child of this.#children.values()) child.kill('SIGKILL');
    for (const pid of this.#postgres()) kill(pid);
  }

  /** Whether a process was started for this installation: children inherit the environment. */
  #isOurs(pid: number): boolean {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`RUNGRAPH_HOME=${this.#options.home}\0`);
    } catch {
      return false;
    }
  }
}

export function kill(pid: number): void {
  signal(pid, 'SIGKILL');
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // gone already
  }
}

/** Whether an operation's errors say no more than that the database is away. */
export function isAway(errors: readonly { readonly extensions?: { readonly code?: string } }[]): boolean {
  return errors.every(({ extensions }) => extensions?.code === 'UNAVAILABLE');
}

/** Processes of this machine that are no zombies. */
function processes(): { readonly pid: number; readonly parent: number; readonly command: string }[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const [, state, parent] = /^.*\) (\S) (\d+)/s.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))!;
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      return state === 'Z' ? [] : [{ pid: Number(name), parent: Number(parent), command }];
    } catch {
      return []; // gone
    }
  });
}

function isZombie(pid: number): boolean {
  return !processes().some((process) => process.pid === pid);
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
  });
}
