/** What must hold after a soak. */

import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Database } from '../../../src/db/database.ts';
import { canonicalJson, type JsonObject } from '../../../src/domain/json.ts';
import { findArtifacts } from '../../../src/store/artifact.ts';
import { findUsedBlobs } from '../../../src/store/blobReference.ts';
import { type RunResult, resultOf } from '../runResult.ts';
import { openEvents, type StoredEvent } from './recovery.ts';
import type { SeenEvent, Subscriber } from './subscriber.ts';

export interface SoakState {
  readonly db: Database;
  readonly runIds: readonly string[];
  /** Results of undisturbed runs, by config. */
  readonly expected: ReadonlyMap<string, RunResult>;
  readonly subscriber: Subscriber;
  readonly home: string;
  readonly blobs: (hash: string) => string;
}

/** A run's results, and what runs of the same config have in common. */
export async function readResult(
  db: Database,
  runId: string,
  blobs: (hash: string) => string,
): Promise<{ readonly key: string; readonly result: RunResult }> {
  const run = await db.prisma.run.findUniqueOrThrow({ where: { id: runId } });
  return { key: canonicalJson(run.config as JsonObject), result: await resultOf(db.prisma, runId, blobs) };
}

/** Everything that does not hold, a sentence each. */
export async function findProblems(state: SoakState): Promise<string[]> {
  const { db, runIds, expected, subscriber, home, blobs } = state;
  const problems = subscriber.refusals.map((refusal) => `the subscriber was refused: ${refusal}`);
  const events = await openEvents(db, runIds);
  for (const runId of runIds) {
    const own = events.filter(({ run_id }) => run_id === runId);
    problems.push(...(await runProblems(db, runId, own)));
    problems.push(...streamProblems(runId, own, subscriber.events.get(runId) ?? []));
    const { key, result } = await readResult(db, runId, blobs);
    for (const part of ['weights', 'predictions', 'points', 'epochs'] as const) {
      if (!isDeepStrictEqual(result[part], expected.get(key)?.[part]))
        problems.push(`run ${runId}: other ${part} than undisturbed`);
    }
  }
  for (const artifact of await findArtifacts(db.prisma, runIds)) {
    if (artifact.kind === 'CHECKPOINT') problems.push(`run ${artifact.runId} has kept ${artifact.name}`);
  }
  // Drafts of blobs, which killed processes leave, go after an hour.
  const left = await readdir(path.join(home, 'outputs')).catch(() => []);
  for (const name of left) problems.push(`left over: outputs/${name}`);
  return problems;
}

export async function countUnnamedBlobs(db: Database, home: string): Promise<number> {
  const files = await readdir(path.join(home, 'blobs'), { recursive: true, withFileTypes: true });
  const hashes = files.filter((entry) => entry.isFile()).map(({ name }) => name);
  const named = await findUsedBlobs(db.prisma, hashes);
  return hashes.length - named.size;
}

/** Of what is stored. */
async function runProblems(db: Database, runId: string, events: readonly StoredEvent[]): Promise<string[]> {
  const problems: string[] = [];
  const run = await db.prisma.run.findUniqueOrThrow({ where: { id: runId } });
  if (run.status !== 'SUCCEEDED') problems.push(`run ${runId} is ${run.status}: ${run.failureMessage}`);
  const ends = events.filter(
    ({ kind, payload }) => kind === 'STATUS' && ['SUCCEEDED', 'FAILED', 'CANCELED'].includes(payload.status),
  );
  if (ends.length !== 1) problems.push(`run ${runId} has ended ${ends.length} times`);
  if (events.some(({ seq }, i) => Number(seq) !== i + 1)) problems.push(`run ${runId}: its events have gaps`);

  const told = events.flatMap(({ kind, payload }) =>
    kind === 'METRICS' ? (payload.points as { name: string; step: number; value: number | string }[]) : [],
  );
  const points = new Map(told.map(({ name, step, value }) => [`${name} ${step}`, Number(value)]));
  if (points.size !== told.length) problems.push(`run ${runId}: ${told.length - points.size} points were told twice`);
  const stored = await db.prisma.$queryRaw<{ key: string; value: number }[]>`
    select n.name || ' ' || p.step as key, p.value from metric_point p join metric_name n on n.id = p.name_id
    where p.run_id = ${runId}`;
  const lost = [...points].filter(([key, value]) => !stored.some((s) => s.key === key && Object.is(s.value, value)));
  if (lost.length) problems.push(`run ${runId}: ${lost.length} points that were told are not stored as they were`);
  if (stored.length !== points.size) problems.push(`run ${runId}: ${stored.length} points stored, ${points.size} told`);

  const epochs = events.filter(({ kind }) => kind === 'EPOCH').map(({ payload }) => payload.epoch.index as number);
  if (epochs.some((index, i) => index !== i)) problems.push(`run ${runId}: its epochs were told as ${epochs}`);
  return problems;
}

const typeNames: Readonly<Record<string, string>> = {
  STATUS: 'RunStatusChanged',
  PROGRESS: 'RunProgressed',
  EPOCH: 'EpochCompleted',
  METRICS: 'MetricsLogged',
  MEMORY: 'MemorySampled',
  LOG: 'LogLine',
  PREDICTIONS: 'PredictionsStored',
};

/** Of what the subscriber was told, compared with what is stored. */
function streamProblems(runId: string, stored: readonly StoredEvent[], seen: readonly SeenEvent[]): string[] {
  const wrong = stored.findIndex((event, i) => !isSame(event, seen[i]));
  if (wrong >= 0) {
    const { kind, seq } = stored[wrong]!;
    return [
      `run ${runId}: the subscriber saw ${JSON.stringify(seen[wrong])?.slice(0, 200)} as number ${seq}, a ${kind}`,
    ];
  }
  return seen.length === stored.length ? [] : [`run ${runId}: the subscriber saw ${seen.length} of ${stored.length}`];
}

function isSame({ kind, at, payload }: StoredEvent, seen: SeenEvent | undefined): boolean {
  if (seen?.__typename !== typeNames[kind] || new Date(seen!.at).getTime() !== at.getTime()) return false;
  switch (kind) {
    case 'STATUS':
      return seen!.status === payload.status && seen!.attempt === payload.attempt;
    case 'EPOCH':
      return seen!.epoch?.index === payload.epoch.index;
    case 'LOG':
      return seen!.line === payload.line;
    case 'PREDICTIONS':
      return seen!.predictions?.id === payload.predictionSetId;
    case 'METRICS': {
      const points = seen!.series!.flatMap(({ name, points }) =>
        points.map(({ step, value }) => `${name} ${step} ${value.value}`),
      );
      const own = payload.points as { name: string; step: number; value: number }[];
      return isDeepStrictEqual(points.sort(), own.map(({ name, step, value }) => `${name} ${step} ${value}`).sort());
    }
    default:
      return true;
  }
}
