/** Files of a trainer while the database is away: they are kept when it is back, and nobody reads of our queries. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLocalStore } from '../../src/blobs/localStore.ts';
import type { CommandContext } from '../../src/commands/context.ts';
import type { TrainerEvent } from '../../src/domain/trainer.ts';
import { refuse } from '../../src/errors.ts';
import { OutsideRootsError } from '../../src/files/roots.ts';
import { CheckpointKeeper } from '../../src/worker/checkpoints.ts';
import { AttemptOutput } from '../../src/worker/outputs.ts';
import { reasonOf } from '../../src/worker/reason.ts';

const away = new Error(
  "Invalid `db.run.findUnique()` invocation in\n/src/store/run.ts:83\nCan't reach database server at /home/postgres",
);
let folder: string;
let file: string;
/** A database that does not answer the first time. */
let ctx: CommandContext;
let tries: number;

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-away-'));
  file = path.join(folder, 'file.safetensors');
  await writeFile(file, 'abc');
  tries = 0;
  const findUnique = () => (tries++ === 0 ? Promise.reject(away) : Promise.resolve(null));
  const blobs = createLocalStore(path.join(folder, 'blobs'));
  ctx = { blobs, db: { prisma: { run: { findUnique } } } } as unknown as CommandContext;
});
afterEach(() => rm(folder, { recursive: true }));

test('a checkpoint waits for the database', async () => {
  const added: TrainerEvent[] = [];
  const keeper = new CheckpointKeeper(ctx, 'run_1', (event) => added.push(event));
  keeper.take({ kind: 'checkpoint', checkpoint: { name: 'c', path: file } }, () => {});
  await keeper.settled();
  expect(tries).toBe(2);
  expect(added).toMatchObject([{ kind: 'checkpoint', stored: { size: 3 } }]);
});

test('weights wait for the database', async () => {
  const output = await AttemptOutput.open(path.join(folder, 'outputs'), { runId: 'run_1', attempt: 1 });
  output.add({ kind: 'WEIGHTS', name: 'weights.safetensors', path: file });
  const reported: string[] = [];
  const kept = await output.keep(ctx, async (line) => void reported.push(line));
  expect(tries).toBeGreaterThan(1);
  expect(kept).toMatchObject([{ name: 'weights.safetensors', size: 3 }]);
  expect(reported).toEqual([]);
});

test('reasons have our words and those of the file system, and none of the database or of a bug', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { syscall: 'write' });
  expect(reasonOf(refuse('UNAVAILABLE', 'the disk is full', ['path']))).toBe('the disk is full');
  expect(reasonOf(new OutsideRootsError('/etc', [], 'ROOTS'))).toMatch(/^\/etc is outside/);
  expect(reasonOf(full)).toBe(full.message);
  for (const error of [away, new TypeError('x is not a function'), 'thrown']) {
    expect(reasonOf(error)).toBe('there was an internal error; the log of the worker has it');
  }
});
