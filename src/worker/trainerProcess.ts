import { type ChildProcess, fork } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { pulseDescriptor } from '../domain/lease.ts';
import type { RunFailure } from '../domain/run.ts';
import {
  isReport,
  type TrainerCommand,
  type TrainerEvent,
  type TrainerJob,
  type TrainerReport,
} from '../domain/trainer.ts';
import { describeDeath, describeExcess, OutputTail } from './crash.ts';
import { type EndReason, isUrgent } from './heldAttempt.ts';
import type { MemoryLimit } from './memoryLimit.ts';
import { watchMemory } from './memoryWatch.ts';
import { type OomCounters, OomKillWatch } from './oomKills.ts';
import { OutputBudget, outputLines } from './outputLines.ts';
import { startPulse } from './pulse.ts';

/** Milliseconds from a polite cancel to SIGTERM, and from there to SIGKILL; from a drain, which takes a checkpoint, to SIGKILL. */
const patience = { cancel: 3_000, terminate: 2_000, drain: 20_000 };

export interface TrainerOptions {
  /** File that the child runs: src/bin/trainer.ts, or a script that plays one. */
  readonly module: string;
  readonly job: TrainerJob;
  /** Of the child, which inherits nothing. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Resident memory at which the child is ended; null: it is not watched. */
  readonly memoryLimit: MemoryLimit | null;
  /** Told the process before it gets its job; false: it shall not have it, and ends. Does not reject. */
  readonly onStart: (pid: number) => Promise<boolean>;
  /** Every event of the child but lines of output. */
  readonly onEvent: (event: TrainerEvent) => void;
  /** A line of output; the child's writing waits until the promise settles. */
  readonly onLine: (event: TrainerEvent & { kind: 'log' }) => Promise<void>;
  /** Aborts with an EndReason. */
  readonly signal: AbortSignal;
  /** Aborts when the child may not compute a moment longer, also after `signal` has asked for an orderly end. */
  readonly fenced: AbortSignal;
  /** Left out: the kernel's. */
  readonly oomCounters?: OomCounters;
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
    // The last one is the pulse: src/domain/lease.ts.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe'],
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
  const { signal, fenced, memoryLimit } = options;
  let report: Extract<TrainerEnd, { kind: 'reported' }> | undefined;
  const tail = new OutputTail();
  const oomKills = new OomKillWatch(options.oomCounters);

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
    const budget = new OutputBudget();
    for await (const line of outputLines(child[stream] as Readable)) {
      tail.add(line);
      if (budget.take(line)) await options.onLine({ kind: 'log', stream, line });
    }
    const remark = budget.remark();
    if (remark) await options.onLine({ kind: 'log', stream, line: remark });
  });

  const pulse = startPulse(child.stdio[pulseDescriptor] as Writable, () => oomKills.look());
  const end = endWith(child, tell);
  const onAbort = () => end.begin(signal.reason as EndReason);
  signal.addEventListener('abort', onAbort, { once: true });
  const onFenced = () => void child.kill('SIGKILL');
  fenced.addEventListener('abort', onFenced, { once: true });
  let exceeded: number | undefined;
  if (memoryLimit && child.pid !== undefined) {
    const stopWatching = watchMemory(child.pid, memoryLimit.bytes, (bytes) => {
      exceeded = bytes;
      child.kill('SIGKILL');
    });
    child.once('exit', stopWatching);
  }
  if (signal.aborted) onAbort();
  if (child.pid !== undefined) {
    void options.onStart(child.pid).then((mayBegin) => {
      if (mayBegin && !end.begun) end.give({ kind: 'job', job: options.job });
      else child.kill('SIGKILL');
    });
  }
  try {
    const { code, killedBy, error } = await closed;
    if (error) {
      const message = `the trainer could not be started: ${error.message}`;
      return { kind: 'crashed', failure: { code: 'INTERNAL', message, retryable: true } };
    }
    await Promise.all([disconnected, ...output]);
    if (report) return report;
    if (exceeded !== undefined) {
      return { kind: 'overLimit', peakMemory: exceeded, failure: describeExcess(exceeded, memoryLimit!) };
    }
    const oomKilled = !end.begun && (await oomKills.killed());
    const death = { code, signal: killedBy, output: tail, oomKilled, silence: pulse.longestGap() };
    return { kind: 'crashed', failure: describeDeath(death) };
  } finally {
    pulse.stop();
    signal.removeEventListener('abort', onAbort);
    fenced.removeEventListener('abort', onFenced);
    end.clear();
  }
}

/** Ends a child as a reason asks for: politely first, or at once. */
function endWith(child: ChildProcess, tell: (command: TrainerCommand) => void) {
  let timer: NodeJS.Timeout | undefined;
  let begun = false;
  let working = false;
  return {
    get begun() {
      return begun;
    },
    /** Gives the child its job. */
    give(job: TrainerCommand) {
      working = true;
      tell(job);
    },
    begin(reason: EndReason) {
      begun = true;
      // There is nothing to end in order.
      if (!working || isUrgent(reason)) {
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
