import { type ChildProcess, fork } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { RunFailure } from '../domain/run.ts';
import {
  isReport,
  type TrainerCommand,
  type TrainerEvent,
  type TrainerJob,
  type TrainerReport,
} from '../domain/trainer.ts';
import type { EndReason } from './heldAttempt.ts';
import { describeBytes, type MemoryLimit } from './memoryLimit.ts';
import { watchMemory } from './memoryWatch.ts';

/** Milliseconds from a polite cancel to SIGTERM, and from there to SIGKILL; from a drain, which takes a checkpoint, to SIGKILL. */
const patience = { cancel: 3_000, terminate: 2_000, drain: 20_000 };
/** Last lines of output that a crash report shows. */
const tailLength = 20;

export interface TrainerOptions {
  /** File that the child runs: src/bin/trainer.ts, or a script that plays one. */
  readonly module: string;
  readonly job: TrainerJob;
  /** Of the child, which inherits nothing. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Resident memory at which the child is ended; null: it is not watched. */
  readonly memoryLimit: MemoryLimit | null;
  readonly onStart: (pid: number) => void;
  /** Every event of the child but lines of output. */
  readonly onEvent: (event: TrainerEvent) => void;
  /** A line of output; the child's writing waits until the promise settles. */
  readonly onLine: (event: TrainerEvent & { kind: 'log' }) => Promise<void>;
  /** Aborts with an EndReason. */
  readonly signal: AbortSignal;
}

export type TrainerEnd =
  | { readonly kind: 'reported'; readonly event: TrainerReport }
  | { readonly kind: 'crashed'; readonly failure: RunFailure }
  /** Ended because its resident memory passed the limit. `peakMemory`: bytes it had by then. */
  | { readonly kind: 'overLimit'; readonly peakMemory: number; readonly failure: RunFailure };

export interface Trainer {
  /** Tells the child how many more of its events are stored. */
  written(events: number): void;
  /** Tells the child that the file of its last checkpoint has been taken from its folder. */
  taken(): void;
  readonly ended: Promise<TrainerEnd>;
}

/** Computes a job in a process of its own: a crash is an exit status, memory is really given back, and no run can block another. */
export function startTrainer(options: TrainerOptions): Trainer {
  const child = fork(options.module, [], {
    execArgv: ['--import', import.meta.resolve('tsx')],
    serialization: 'advanced',
    env: options.environment,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const tell = (command: TrainerCommand) => {
    // A child that is gone already is reported by its end.
    if (child.connected) child.send(command, () => {});
  };
  return {
    written: (events) => tell({ kind: 'written', events }),
    taken: () => tell({ kind: 'taken' }),
    ended: supervise(child, tell, options),
  };
}

async function supervise(
  child: ChildProcess,
  tell: (command: TrainerCommand) => void,
  options: TrainerOptions,
): Promise<TrainerEnd> {
  const { job, signal, memoryLimit } = options;
  const kernelKills = countOutOfMemoryKills();
  let report: Extract<TrainerEnd, { kind: 'reported' }> | undefined;
  const tail: string[] = [];

  const closed = new Promise<{ code: number | null; killedBy: NodeJS.Signals | null; error?: Error }>((resolve) => {
    child.once('close', (code, killedBy) => resolve({ code, killedBy }));
    child.on('error', (error) => {
      // Without a process there is no close; other errors (a message or signal to a dead child) are followed by one.
      if (child.pid === undefined) resolve({ code: null, killedBy: null, error });
    });
  });
  // The last messages may come after the exit; the channel is read to its end before it disconnects.
  const disconnected = new Promise<void>((resolve) => {
    if (child.connected) child.once('disconnect', resolve);
    else resolve();
  });
  child.on('message', (event: TrainerEvent) => {
    if (isReport(event)) report = { kind: 'reported', event };
    else options.onEvent(event);
  });
  const output = (['stdout', 'stderr'] as const).map(async (stream) => {
    for await (const line of createInterface({
      input: child[stream] as Readable,
      crlfDelay: Number.POSITIVE_INFINITY,
    })) {
      tail.push(line);
      if (tail.length > tailLength) tail.shift();
      await options.onLine({ kind: 'log', stream, line });
    }
  });

  const end = endWith(child, tell);
  const onAbort = () => end.begin(signal.reason as EndReason);
  signal.addEventListener('abort', onAbort, { once: true });
  let exceeded: number | undefined;
  if (memoryLimit && child.pid !== undefined) {
    const stopWatching = watchMemory(child.pid, memoryLimit.bytes, (bytes) => {
      exceeded = bytes;
      child.kill('SIGKILL');
    });
    child.once('exit', stopWatching);
  }
  if (child.pid !== undefined) options.onStart(child.pid);
  tell({ kind: 'job', job });
  if (signal.aborted) onAbort();
  try {
    const { code, killedBy, error } = await closed;
    if (error) return crash('INTERNAL', `the trainer could not be started: ${error.message}`);
    await Promise.all([disconnected, ...output]);
    if (report) return report;
    if (exceeded !== undefined) return overLimit(exceeded, memoryLimit!);
    const outOfMemory =
      (killedBy === 'SIGKILL' && !end.begun && (await countOutOfMemoryKills()) > (await kernelKills)) ||
      tail.some((line) => /heap out of memory|bad_alloc|out of memory/i.test(line));
    return describeCrash(code, killedBy, tail, outOfMemory);
  } finally {
    signal.removeEventListener('abort', onAbort);
    end.clear();
  }
}

/** Ends a child as a reason asks for: politely first, or at once. */
function endWith(child: ChildProcess, tell: (command: TrainerCommand) => void) {
  let timer: NodeJS.Timeout | undefined;
  let begun = false;
  return {
    get begun() {
      return begun;
    },
    begin(reason: EndReason) {
      begun = true;
      if (reason === 'lost' || reason === 'unstored') {
        child.kill('SIGKILL');
        return;
      }
      if (reason === 'drain') {
        tell({ kind: 'drain' });
        timer = setTimeout(() => child.kill('SIGKILL'), patience.drain);
        return;
      }
      tell({ kind: 'cancel' });
      timer = setTimeout(() => {
        child.kill('SIGTERM');
        timer = setTimeout(() => child.kill('SIGKILL'), patience.terminate);
      }, patience.cancel);
    },
    clear: () => clearTimeout(timer),
  };
}

function describeCrash(
  code: number | null,
  signal: NodeJS.Signals | null,
  tail: readonly string[],
  outOfMemory: boolean,
): TrainerEnd {
  const how = signal === null ? `ended with status ${code} before it was done` : `was killed by ${signal}`;
  const last = tail.length ? `; its last output:\n${tail.join('\n')}` : '; it wrote nothing';
  return outOfMemory
    ? crash('OUT_OF_MEMORY', `the trainer ${how} because memory ran out${last}`)
    : crash('TRAINER_CRASHED', `the trainer ${how}${last}`);
}

function overLimit(peakMemory: number, limit: MemoryLimit): TrainerEnd {
  const { failure } = crash(
    'OUT_OF_MEMORY',
    `the trainer was ended because its resident memory, ${describeBytes(peakMemory)}, passed ${limit.name} of ${describeBytes(limit.bytes)}`,
  );
  return { kind: 'overLimit', peakMemory, failure };
}

function crash(code: RunFailure['code'], message: string): Extract<TrainerEnd, { kind: 'crashed' }> {
  return { kind: 'crashed', failure: { code, message, retryable: false } };
}

/** Processes that the kernel of this machine has killed for memory so far; 0 where it does not tell. */
async function countOutOfMemoryKills(): Promise<number> {
  const counters = await readFile('/proc/vmstat', 'utf8').catch(() => '');
  return Number(/^oom_kill (\d+)$/m.exec(counters)?.[1] ?? 0);
}
