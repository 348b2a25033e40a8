/** Everything that a run has computed, as one value: equal for runs that computed the same to the last bit. */

import { createHash } from 'node:crypto';
import { readSafetensors } from '../../src/blobs/safetensors.ts';
import type { TensorData } from '../../src/blobs/tensorFile.ts';
import { findArtifacts } from '../../src/store/artifact.ts';
import { findEpochs } from '../../src/store/epoch.ts';
import { predictionSetsOfRuns } from '../../src/store/prediction.ts';
import type { Queryable } from '../../src/store/queryable.ts';

export interface RunResult {
  /** By metric name: `step value`, in order. */
  readonly points: Readonly<Record<string, readonly string[]>>;
  /** Without what a clock or a memory reading tells. */
  readonly epochs: readonly object[];
  /** Content hashes by split and kind. */
  readonly predictions: Readonly<Record<string, string>>;
  /** Hash over the names and bytes of all tensors; null without weights. */
  readonly weights: string | null;
}

/** @param blobs gives the path of a blob */
export async function resultOf(
  db: Queryable,
  runId: string,
  blobs: (hash: string) => string | Promise<string>,
): Promise<RunResult> {
  const rows = await db.$queryRaw<{ name: string; points: string[] }[]>`
    select n.name, array_agg(p.step || ' ' || p.value order by p.step) as points
    from metric_point p join metric_name n on n.id = p.name_id where p.run_id = ${runId} group by n.name order by n.name`;
  const epochs = (await findEpochs(db, [runId])).map(
    ({ runId: _, seconds: __, imagesPerSecond: ___, peakMemory: ____, completedAt: _____, ...same }) => same,
  );
  const sets = (await predictionSetsOfRuns(db, [runId])).get(runId) ?? [];
  const weights = (await findArtifacts(db, [runId])).find(({ kind }) => kind === 'WEIGHTS');
  return {
    points: Object.fromEntries(rows.map(({ name, points }) => [name, points])),
    epochs,
    predictions: Object.fromEntries(sets.map(({ split, kind, contentHash }) => [`${split} ${kind}`, contentHash])),
    weights: weights ? await tensorHash(await blobs(weights.contentHash)) : null,
  };
}

async function tensorHash(path: string): Promise<string> {
  const hash = createHash('sha256');
  const tensors = await readSafetensors(path);
  for (const [name, { data }] of [...tensors].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(name).update(bytesOf(data));
  }
  return hash.digest('hex');
}

function bytesOf({ buffer, byteOffset, byteLength }: TensorData): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
