/**
 * A sweep of small trainings under random kills (SIGKILL of trainers, workers, server, PostgreSQL) while a client subscribes; then
 * everything that must hold is looked at. The short version is a test, the long one a bench.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, openDatabase } from '../../../src/db/database.ts';
import { createRandom, permutation, type Random } from '../../../src/domain/random.ts';
import type { RunResult } from '../runResult.ts';
import { countUnnamedBlobs, findProblems, readResult } from './checks.ts';
import { Installation, kill } from './installation.ts';
import { affectedRuns, openEvents, whenRecovered, whenSignedOn } from './recovery.ts';
import { Subscriber } from './subscriber.ts';
import { importImages, startSweep } from './sweep.ts';

export const targets = ['trainer', 'worker', 'server', 'postgres'] as const;
export type Target = (typeof targets)[number];

export interface Kill {
  readonly target: Target;
  /** From the kill until everything that it hit goes on; null where it hit no run, or the next kill came before. */
  readonly recoverySeconds: number | null;
  /** The same from when the process was back: a worker has signed on, PostgreSQL takes connections. Of a trainer, whom the worker starts, from the kill. */
  readonly secondsSinceBack: number | null;
}

export interface SoakReport {
  readonly kills: readonly Kill[];
  /** Runs under kills, and their attempts. */
  readonly runs: number;
  readonly attempts: number;
  readonly events: number;
  /** Of the subscriber. */
  readonly connections: number;
  /** Blobs that nothing names, for the garbage collection: a kill came between bytes and row. */
  readonly unnamedBlobs: number;
  readonly seconds: number;
  /** What does not hold; empty is what must be. */
  readonly problems: readonly string[];
}

export interface SoakOptions {
  readonly seed: number;
  readonly kills: number;
  /** Epochs of each run. */
  readonly epochs: number;
  readonly say: (line: string) => void;
}

/** Drawn in a random order, then again. */
const bag: readonly Target[] = ['trainer', 'trainer', 'worker', 'server', 'postgres'];
/** Of the kills so many are followed by the next one before anything has recovered. */
const overlapping = 0.25;
/** Milliseconds. */
const longestPause = 2_500;
const longestRestartDelay = 300;

export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { seed, say } = options;
  const startedAt = performance.now();
  const folder = await mkdtemp(path.join(os.tmpdir(), 'soak-'));
  const installation = new Installation({ home: path.join(folder, 'home'), workers: 2 });
  try {
    await installation.start();
    const db = await openDatabase(installation.databaseUrl);
    const datasetId = await importImages(installation, folder);
    const blobs = (hash: string) => path.join(folder, 'home', 'blobs', hash.slice(0, 2), hash);

    const reference = await startSweep(installation, datasetId, 'undisturbed', options);
    await untilEnded(db, reference.runIds);
    const expected = new Map<string, RunResult>();
    for (const id of reference.runIds) {
      const { key, result } = await readResult(db, id, blobs);
      expected.set(key, result);
    }
    say(`undisturbed: ${reference.runIds.length} runs in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);

    const random = createRandom(seed, 'soak');
    const kills: Kill[] = [];
    const first = await startSweep(installation, datasetId, 'killed', options);
    const runIds = [...first.runIds];
    const subscriber = new Subscriber(installation.serverUrl, first.experimentId);
    const killer = new Killer(installation, db, random, say);
    while (kills.length < options.kills) {
      await sleep(random.next() * longestPause);
      if (await haveEnded(db, runIds)) {
        runIds.push(...(await startSweep(installation, datasetId, 'killed', options, first.experimentId)).runIds);
      }
      kills.push(await killer.next(random.next() < overlapping && kills.length + 1 < options.kills));
      if (kills.length % 10 === 0) say(`${kills.length} kills, ${runIds.length} runs`);
    }
    await untilEnded(db, runIds);
    const events = await openEvents(db, runIds);
    const deadline = performance.now() + 60_000;
    while (subscriber.count() < events.length && performance.now() < deadline) await sleep(50);
    await subscriber.stop();
    // One that was started last may still be starting: what the one before left goes with that.
    for (const name of installation.workers) await whenSignedOn(db, () => installation.pidOf(name));
    const survivors = await installation.stop();
    const home = path.join(folder, 'home');
    const problems = [
      ...survivors.map((command) => `still running: ${command}`),
      ...installation.deaths,
      ...(await findProblems({ db, runIds, expected, subscriber, home, blobs })),
    ];
    const attempts = await db.prisma.attempt.count({ where: { runId: { in: runIds } } });
    const unnamedBlobs = await countUnnamedBlobs(db, home);
    await db.close();
    return {
      unnamedBlobs,
      ...{ kills, runs: runIds.length, attempts, events: events.length, connections: subscriber.connections, problems },
      seconds: (performance.now() - startedAt) / 1000,
    };
  } catch (error) {
    say(installation.lastOutput);
    throw error;
  } finally {
    installation.killAll();
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** Kills one thing after the other and starts it again. */
class Killer {
  readonly #installation: Installation;
  readonly #db: Database;
  readonly #random: Random;
  readonly #say: (line: string) => void;
  #bag: Target[] = [];

  constructor(installation: Installation, db: Database, random: Random, say: (line: string) => void) {
    this.#installation = installation;
    this.#db = db;
    this.#random = random;
    this.#say = say;
  }

  /** @param blindly does not wait for the recovery */
  async next(blindly: boolean): Promise<Kill> {
    const installation = this.#installation;
    const trainers = installation.trainers();
    const drawn = this.#draw();
    const target = drawn === 'trainer' && !trainers.length ? 'worker' : drawn;
    const trainer = target === 'trainer' ? trainers[this.#random.integer(trainers.length)] : undefined;
    const worker = installation.workers[this.#random.integer(installation.workers.length)]!;
    const affected = await affectedRuns(this.#db, {
      trainer: trainer?.pid,
      worker: target === 'worker' ? installation.pidOf(worker) : undefined,
      all: target === 'postgres',
    });
    const delay = this.#random.next() * longestRestartDelay;
    const killedAt = performance.now();
    let back = Promise.resolve(killedAt);
    switch (target) {
      case 'trainer':
        kill(trainer!.pid);
        break;
      case 'worker':
        await installation.kill(worker);
        await sleep(delay);
        installation.launch(worker);
        if (!blindly) {
          const launched = installation.pidOf(worker);
          back = whenSignedOn(this.#db, () => launched).then(() => performance.now());
          // Not waited for where it had nothing in hand.
          back.catch(() => {});
        }
        break;
      case 'server':
        await installation.kill('server');
        await sleep(delay);
        installation.launch('server');
        break;
      case 'postgres':
        await installation.killPostgres();
        await sleep(delay);
        await installation.startPostgres();
        back = Promise.resolve(performance.now());
        break;
    }
    const unmeasured = { target, recoverySeconds: null, secondsSinceBack: null };
    if (blindly) return unmeasured;
    if (target === 'server') await installation.untilServing();
    else await whenRecovered(this.#db, affected, target === 'postgres');
    if (target !== 'server' && !affected.length) return unmeasured;
    const now = performance.now();
    const recoverySeconds = (now - killedAt) / 1000;
    if (recoverySeconds > 15) {
      const runs = affected.map(({ runId, attempt }) => `${runId} ${attempt}`);
      this.#say(`${target}: ${recoverySeconds.toFixed(1)} s until ${runs.join(', ')}`);
    }
    // Another worker may have gone on before this one was back.
    return { target, recoverySeconds, secondsSinceBack: Math.max(0, now - (await back)) / 1000 };
  }

  #draw(): Target {
    if (!this.#bag.length) this.#bag = permutation(bag.length, this.#random).map((i) => bag[i]!);
    return this.#bag.pop()!;
  }
}

async function haveEnded(db: Database, runIds: readonly string[]): Promise<boolean> {
  return (await openCount(db, runIds)) === 0;
}

/** @throws when no run has ended for ten minutes */
async function untilEnded(db: Database, runIds: readonly string[]): Promise<void> {
  let open = await openCount(db, runIds);
  for (let since = performance.now(); open > 0; ) {
    await sleep(200);
    const now = await openCount(db, runIds);
    if (now < open) since = performance.now();
    if (performance.now() - since > 600_000) throw new Error(`${now} runs do not end`);
    open = now;
  }
}

async function openCount(db: Database, runIds: readonly string[]): Promise<number> {
  const ended = ['SUCCEEDED', 'FAILED', 'CANCELED'] as const;
  for (;;) {
    try {
      return await db.prisma.run.count({ where: { id: { in: [...runIds] }, status: { notIn: [...ended] } } });
    } catch {
      await sleep(200);
    }
  }
}
