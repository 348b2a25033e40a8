/** A server in a process of its own, over a database with something in it. */

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '../../src/db/database.ts';
import { putPredictions } from '../../src/store/prediction.ts';
import { drawnPredictions, experimentOf, image, manifest, readyDataset, testRun } from '../support/catalogue.ts';
import type { Target } from './http.ts';
import { problemInLog } from './judge.ts';

export interface FuzzedServer extends Target {
  readonly home: string;
  /** What it printed and logged that it should not have, newest last. */
  readonly problems: readonly string[];
  /** Null while it lives. */
  ended(): string | null;
  /** Bytes. */
  residentMemory(): number;
  stop(): Promise<void>;
}

/** What a server that keeps nothing of its requests has plenty of. */
const heapMebibytes = 400;

const root = fileURLToPath(new URL('../..', import.meta.url));

/** @param databaseUrl of a database with every migration. @param home a folder that is there */
export async function startFuzzedServer(databaseUrl: string, home: string): Promise<FuzzedServer> {
  const child = spawn(
    process.execPath,
    [`--max-old-space-size=${heapMebibytes}`, '--import', 'tsx', 'src/bin/server.ts'],
    {
      cwd: root,
      env: {
        ...{ PATH: process.env.PATH, HOME: process.env.HOME, DATABASE_URL: databaseUrl, RUNGRAPH_HOME: home },
        ...{ PORT: '0', RUNGRAPH_LOG: 'warn' },
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const problems: string[] = [];
  createInterface(child.stderr).on('line', (line) => {
    const problem = problemInLog(line);
    if (problem !== null) problems.push(problem);
  });
  const url = new URL(await addressOf(child));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    ...{ host: url.hostname, port: Number(url.port), home, problems },
    ended: () =>
      child.exitCode === null && child.signalCode === null ? null : `exit ${child.exitCode} ${child.signalCode}`,
    residentMemory: () => {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
    },
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      const url = /http:\/\/\S+/.exec(printed)?.[0];
      if (url) resolve(url);
    });
    child.once('exit', (status) => reject(new Error(`the server ended with ${status}: ${printed}`)));
  });
}

/** A data set, an experiment and runs with predictions; returns their ids, and some of each kind that nothing has. */
export async function fillDatabase(url: string): Promise<string[]> {
  const { prisma, close } = await openDatabase(url);
  try {
    const vocab = ['blast', 'hispa', 'normal'];
    const images = Array.from({ length: 30 }, (_, i) => image('TRAIN', `${100 + i}.jpg`, vocab[i % 3]!));
    const tests = ['900.jpg', '901.jpg'];
    const datasetId = await readyDataset(
      prisma,
      'leaves',
      manifest([...images, ...tests.map((id) => image('TEST', id, null))]),
    );
    const experimentId = await experimentOf(prisma, datasetId);
    const runs: string[] = [];
    for (let i = 0; i < 4; i++) {
      const runId = await testRun(prisma, experimentId, {
        name: `run ${i}`,
        objectiveValue: i / 10,
        objectiveStep: i,
        tags: ['a'],
      });
      await putPredictions(prisma, runId, drawnPredictions(i, tests, vocab));
      runs.push(runId);
    }
    const none = ['exp', 'run', 'ds', 'swp', 'ens', 'sub', 'art', 'wrk', 'prd', 'prb'].map(
      (prefix) => `${prefix}_01none`,
    );
    return [datasetId, experimentId, ...runs, ...none];
  } finally {
    await close();
  }
}
