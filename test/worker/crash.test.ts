/** What a trainer died of, told apart by what the kernel and its worker know. Its processes are real, the kernel's counters are not. */

import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { describeDeath, OutputTail } from '../../src/worker/crash.ts';
import { HeldAttempt, moment } from '../../src/worker/heldAttempt.ts';
import { kernelOomCounters, type OomCounters, OomKillWatch } from '../../src/worker/oomKills.ts';
import { startTrainer } from '../../src/worker/trainerProcess.ts';
import { fakeJob } from '../learner/fakes.ts';

const module = fileURLToPath(new URL('../support/dyingTrainer.ts', import.meta.url));
const busy = fileURLToPath(new URL('../support/busyTrainer.ts', import.meta.url));

/** How a trainer ends that is killed, which `onStarted` precedes. */
async function killed(oomCounters: OomCounters, onStarted = () => {}) {
  const job = fakeJob({ weightsUri: 'kill' });
  const attempt = new HeldAttempt({ runId: 'run_1', attempt: 1 }, null, moment());
  const trainer = startTrainer({
    ...{ module, job, memoryLimit: null, environment: {}, signal: attempt.signal, fenced: attempt.fenced, oomCounters },
    onStart: async () => true,
    onEvent: onStarted,
    onLine: async () => {},
  });
  onTestFinished(() => attempt.end('lost'));
  const end = await trainer.ended;
  return end.kind === 'crashed' ? end.failure : null;
}

describe('a trainer that is killed', () => {
  test('while the kernel kills for memory is OUT_OF_MEMORY, which may go better the next time', async () => {
    let kills = 0;
    // The machine's counter stands still, that of the group grows.
    const failure = await killed(
      async () => [7, kills],
      () => {
        kills = 1;
      },
    );
    expect(failure).toMatchObject({ code: 'OUT_OF_MEMORY', retryable: true });
    expect(failure!.message).toMatch(
      /^the trainer was killed by SIGKILL because the memory of the machine or container/,
    );
  });

  test('while the kernel does not is TRAINER_CRASHED', async () => {
    expect(await killed(async () => [7, 1])).toMatchObject({ code: 'TRAINER_CRASHED', retryable: true });
  });

  test('by its watchdog, for its worker stood still, is LEASE_LOST', () => {
    const death = { code: null, signal: 'SIGKILL', output: new OutputTail(), oomKilled: false } as const;
    expect(describeDeath({ ...death, silence: 6_400 })).toMatchObject({
      ...{ code: 'LEASE_LOST', retryable: true },
      message: expect.stringContaining('stood still for 6 s'),
    });
    expect(describeDeath({ ...death, silence: 1_400 }).code).toBe('TRAINER_CRASHED');
  });
});

test('a trainer that was asked to end in order is killed when its run may be in other hands', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-fenced-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const ledger = path.join(folder, 'ledger');
  const attempt = new HeldAttempt({ runId: 'run_1', attempt: 1 }, null, moment());
  onTestFinished(() => attempt.end('lost'));
  // It hears nothing, and would have twenty seconds for its checkpoint.
  const trainer = startTrainer({
    ...{ module: busy, job: fakeJob({ weightsUri: ledger }), memoryLimit: null, environment: {} },
    ...{ signal: attempt.signal, fenced: attempt.fenced },
    onStart: async () => true,
    onEvent: () => {},
    onLine: async () => {},
  });
  await expect.poll(() => existsSync(ledger)).toBe(true);
  // Those twenty seconds never end.
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  attempt.end('drain');
  attempt.end('unconfirmed');
  expect(await trainer.ended).toMatchObject({ kind: 'crashed' });
  expect(attempt.reason).toBe('drain');
});

describe("the kernel's kills for memory", () => {
  test('count as long as they are of the last two looks', async () => {
    let count = 3;
    const watch = new OomKillWatch(async () => [count]);
    expect(await watch.killed()).toBe(false);
    count++;
    expect(await watch.killed()).toBe(true);
    watch.look();
    expect(await watch.killed()).toBe(true);
    watch.look();
    expect(await watch.killed()).toBe(false);
  });

  test('are counted by this machine', async () => {
    const counters = await kernelOomCounters();
    expect(counters.length).toBeGreaterThan(0);
    expect(counters.every(Number.isInteger)).toBe(true);
  });
});

test('a report shows the last lines of output, and of long ones the beginning', () => {
  const output = new OutputTail();
  for (let i = 0; i < 100; i++) output.add(i % 2 ? `line ${i}` : 'y'.repeat(100_000));
  const { message } = describeDeath({ code: 1, signal: null, output, oomKilled: false, silence: 0 });
  expect(message).toContain('line 99');
  expect(message).not.toContain('line 79');
  expect(message.length).toBeLessThan(6_000);
});
