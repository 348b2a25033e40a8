/** Rows that catalogue tests start from. Made with the stores themselves, but for runs, whose life other tests cover. */

import type { ImportResult, ManifestImage, Split } from '../../src/domain/dataset.ts';
import { vocabularyOf } from '../../src/domain/dataset.ts';
import { createIdFactory } from '../../src/domain/ids.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { defaultObjective, type Objective } from '../../src/domain/objective.ts';
import type { Predictions } from '../../src/domain/predictions.ts';
import { createRandom } from '../../src/domain/random.ts';
import type { RunKind, RunStatus } from '../../src/domain/run.ts';
import { insertDataset } from '../../src/store/dataset.ts';
import { storeManifest } from '../../src/store/datasetImport.ts';
import { insertExperiment } from '../../src/store/experiment.ts';
import type { Queryable } from '../../src/store/queryable.ts';

let clock = Date.UTC(2026, 0, 1);
/** Ids of test rows: one millisecond apart, so that they sort in the order of their making. */
export const testId = createIdFactory(() => clock++, createRandom(1, 'test ids').next);

export function image(split: Split, imageId: string, label: string | null, more: Partial<ManifestImage> = {}) {
  const folder = split === 'TEST' ? 'test_images' : `${split.toLowerCase()}_images/${label}`;
  return {
    ...{ split, imageId, label, width: 480, height: 640, bytes: 1000, contentHash: 'f'.repeat(64) },
    path: `${folder}/${imageId}`,
    ...more,
  } satisfies ManifestImage;
}

export function manifest(images: readonly ManifestImage[], problems: ImportResult['problems'] = []): ImportResult {
  const labels = images.flatMap(({ split, label }) => (split === 'TRAIN' && label !== null ? [label] : []));
  return { images, problems, vocab: vocabularyOf(labels), contentHash: 'c'.repeat(64) };
}

/** A READY data set; returns its id. */
export async function readyDataset(db: Queryable, name: string, result: ImportResult): Promise<string> {
  const id = testId('dataset');
  await insertDataset(db, { id, name, createdAt: new Date(), root: `/nowhere/${name}` });
  await storeManifest(db, { datasetId: id, attempt: 0 }, result);
  return id;
}

export async function experimentOf(
  db: Queryable,
  datasetId: string | null,
  { name = 'paddy', objective = defaultObjective }: { name?: string; objective?: Objective } = {},
): Promise<string> {
  const id = testId('experiment');
  await insertExperiment(db, { id, name, description: null, createdAt: new Date(), datasetId, objective });
  return id;
}

export interface TestRun {
  readonly name?: string;
  readonly kind?: RunKind;
  readonly status?: RunStatus;
  readonly architecture?: string;
  readonly tags?: readonly string[];
  readonly sweepId?: string | null;
  readonly config?: JsonObject;
  readonly objectiveValue?: number | null;
  readonly objectiveStep?: number | null;
}

/** A run that has ended well, unless told otherwise; returns its id. */
export async function testRun(db: Queryable, experimentId: string, run: TestRun = {}): Promise<string> {
  const id = testId('run');
  const architecture = run.architecture ?? 'convnext_tiny_in22k';
  const sweepId = run.sweepId ?? null;
  await db.run.create({
    data: {
      id,
      experimentId,
      architecture,
      name: run.name ?? id,
      kind: run.kind ?? 'TRAINED',
      status: run.status ?? 'SUCCEEDED',
      tags: [...(run.tags ?? [])],
      sweepId,
      config: { architecture, seed: 1, validFraction: 0.2, labels: null, ...run.config },
      objectiveValue: run.objectiveValue ?? null,
      objectiveStep: run.objectiveStep === undefined || run.objectiveStep === null ? null : BigInt(run.objectiveStep),
    },
  });
  if (sweepId !== null) {
    const position = await db.sweepMember.count({ where: { sweepId } });
    await db.sweepMember.create({ data: { sweepId, position, runId: id } });
  }
  return id;
}

/** Predictions with rows that sum to 1, drawn by `seed`. */
export function drawnPredictions(
  seed: number,
  imageIds: readonly string[],
  vocab: readonly string[],
  more: Partial<Predictions> = {},
): Predictions {
  const random = createRandom(seed, 'predictions');
  const probabilities = new Float32Array(imageIds.length * vocab.length).map(() => random.next());
  for (let row = 0; row < imageIds.length; row++) {
    const values = probabilities.subarray(row * vocab.length, (row + 1) * vocab.length);
    const sum = values.reduce((a, b) => a + b, 0);
    values.forEach((value, i) => {
      values[i] = value / sum;
    });
  }
  return { split: 'TEST', kind: 'TTA', imageIds, vocab, probabilities, passes: 4, beta: 0.25, ...more };
}
