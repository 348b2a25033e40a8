/** What a trainer died of that has not reported itself. */

import { lease } from '../domain/lease.ts';
import type { RunFailure, RunFailureCode } from '../domain/run.ts';
import { describeBytes, type MemoryLimit } from './memoryLimit.ts';

/** Last lines of output that a report shows, and how much of each. */
const tail = { lines: 20, units: 400 };

/** The last lines that a child has written. */
export class OutputTail {
  #lines: string[] = [];

  add(line: string): void {
    this.#lines.push(line.length > tail.units ? `${line.slice(0, tail.units)}…` : line);
    if (this.#lines.length > tail.lines) this.#lines.shift();
  }

  /** What V8, the C++ runtime and the engines write before memory that runs out ends the process. */
  get tellsOutOfMemory(): boolean {
    return this.#lines.some((line) => /heap out of memory|bad_alloc|out of memory|Fatal process OOM/i.test(line));
  }

  toString(): string {
    return this.#lines.length ? `; its last output:\n${this.#lines.join('\n')}` : '; it printed nothing';
  }
}

export interface Death {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: OutputTail;
  /** Whether the kernel has just killed a process for memory. */
  readonly oomKilled: boolean;
  /** Milliseconds of the longest time that its worker was silent. */
  readonly silence: number;
}

export function describeDeath({ code, signal, output, oomKilled, silence }: Death): RunFailure {
  const how = signal === null ? `ended with status ${code} before it was done` : `was killed by ${signal}`;
  if (signal === 'SIGKILL' && oomKilled) {
    const message = `the trainer ${how} because the memory of the machine or container ran out${output}`;
    // Others may have taken it.
    return { code: 'OUT_OF_MEMORY', message, retryable: true };
  }
  if (output.tellsOutOfMemory) return failed('OUT_OF_MEMORY', `the trainer ${how} because memory ran out${output}`);
  if (signal === 'SIGKILL' && silence >= lease.silence) {
    const message = `the worker stood still for ${Math.round(silence / 1000)} s, so that its trainer ended itself: another worker could have taken the run over`;
    return { code: 'LEASE_LOST', message, retryable: true };
  }
  return { code: 'TRAINER_CRASHED', message: `the trainer ${how}${output}`, retryable: true };
}

/** A trainer that was ended at a limit of memory: another attempt would come to the same limit. */
export function describeExcess(peakMemory: number, limit: MemoryLimit): RunFailure {
  return failed(
    'OUT_OF_MEMORY',
    `the trainer was ended because its resident memory, ${describeBytes(peakMemory)}, passed ${limit.name} of ${describeBytes(limit.bytes)}`,
  );
}

function failed(code: RunFailureCode, message: string): RunFailure {
  return { code, message, retryable: false };
}
