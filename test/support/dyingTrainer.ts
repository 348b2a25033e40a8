/**
 * A trainer that dies of what `config.weightsUri` names, `WAY` or `WAY ARGUMENT`, or writes what no trainer should. A real process, as the
 * worker forks it.
 */

import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import type { TrainerCommand, TrainerEvent } from '../../src/domain/trainer.ts';
import { failureOf } from '../../src/learner/failure.ts';

const send = (event: TrainerEvent) => new Promise<void>((resolve) => process.send!(event, () => resolve()));
const finished: TrainerEvent = { kind: 'finished', imagesPerSecond: 1, peakMemory: 1, trainSeconds: 1 };

process.once('message', async ({ job }: TrainerCommand & { kind: 'job' }) => {
  const [way, argument] = job.config.weightsUri!.split(' ');
  const environment = { engine: 'onnxruntime', device: 'script', precision: 'FP32', versions: {} } as const;
  await send({ kind: 'started', environment, resumedFrom: null });
  try {
    await die(way!, Number(argument));
    await send(finished);
  } catch (error) {
    await send({ kind: 'failed', failure: failureOf(error) });
  }
  process.exit(0);
});

async function die(way: string, argument: number): Promise<void> {
  switch (way) {
    case 'heap': {
      // Only what the garbage collector may not take counts.
      const kept: number[][] = [];
      for (;;) kept.push(new Array(100_000).fill(kept.length));
    }
    case 'kill':
      process.kill(process.pid, 'SIGKILL');
      return new Promise(() => {});
    case 'line':
      // One line without an end, in pieces that the pipe takes.
      for (let written = 0; written < argument; written += 65_536) writeAll(Buffer.alloc(65_536, 'x'));
      return;
    case 'garbage':
      writeAll(randomBytes(argument));
      writeAll(Buffer.from('\nafter the garbage\n'));
      return;
    case 'flood':
      for (let i = 0; i < argument; i += 1000) {
        writeAll(Buffer.from(Array.from({ length: 1000 }, (_, k) => `line ${i + k}\n`).join('')));
      }
      return;
    default:
      throw new Error(`no such way: ${way}`);
  }
}

/** Waits for whoever reads: a pipe takes so much and no more. */
function writeAll(bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}
