/** What the tests of the API start from: data sets, and runs that a worker has worked on, by the commands a worker uses. */

import { beginAttempt, settleAttempt } from '../../src/commands/attempt.ts';
import type { CommandContext } from '../../src/commands/context.ts';
import { recordEvents } from '../../src/commands/recordEvents.ts';
import { registerWorker } from '../../src/commands/worker.ts';
import type { ManifestImage } from '../../src/domain/dataset.ts';
import type { EpochMetrics } from '../../src/domain/run.ts';
import type { TrainerEvent } from '../../src/domain/trainer.ts';
import { parseTrainingConfig } from '../../src/domain/trainingConfig.ts';
import { insertRuns } from '../../src/store/run.ts';
import type { ApiServer } from '../support/apiServer.ts';
import { image, manifest, readyDataset, testId } from '../support/catalogue.ts';

export const vocab = ['blast', 'hispa', 'normal'];
export const testImages = ['900.jpg', '901.jpg', '902.jpg', '903.jpg'];

/** 30 training images of three labels, four test images; returns its id. */
export function leaves({ db }: CommandContext, name: string, more: readonly ManifestImage[] = []): Promise<string> {
  const train = Array.from({ length: 30 }, (_, i) => image('TRAIN', `${100 + i}.jpg`, vocab[i % 3]!));
  const images = [...train, ...testImages.map((imageId) => image('TEST', imageId, null)), ...more];
  return readyDataset(db.prisma, name, manifest(images));
}

export const smallConfig = {
  architecture: 'convnext_atto',
  itemTransform: { size: { height: 64, width: 64 } },
  size: { height: 64, width: 64 },
  effectiveBatchSize: 8,
};

/** A queued run without a job: no worker will come for it. */
export async function queuedRun({ db }: CommandContext, experimentId: string, name = 'a run'): Promise<string> {
  const id = testId('run');
  const { config } = parseTrainingConfig({ ...smallConfig, seed: 1 });
  const createdAt = new Date();
  const run = { id, name, kind: 'TRAINED', experimentId, sweepId: null, config: config!, tags: [], createdAt } as const;
  await insertRuns(db.prisma, [run]);
  return id;
}

export interface Attempt {
  readonly runId: string;
  readonly workerId: string;
  tell(events: readonly TrainerEvent[]): Promise<void>;
  succeed(): Promise<void>;
}

/** The first attempt at a run, on a worker of its own. */
export async function attemptAt(context: CommandContext, runId: string): Promise<Attempt> {
  const workerId = await registerWorker(context, { ...testWorker, devices: [] });
  const begun = await beginAttempt(context, { runId, workerId, redelivered: false });
  const token = { runId, attempt: begun!.attempt };
  return {
    runId,
    workerId,
    tell: async (events) => {
      await recordEvents(context, token, events);
    },
    succeed: async () => {
      await settleAttempt(context, token, {
        status: 'SUCCEEDED',
        imagesPerSecond: 12,
        peakMemory: null,
        trainSeconds: 60,
      });
    },
  };
}

export const testWorker = { host: 'here', pid: 4711, version: '0', engine: 'onnxruntime' };

export function epoch(index: number, errorRate: number, more: Partial<EpochMetrics> = {}): TrainerEvent {
  return {
    kind: 'epoch',
    epoch: {
      ...{ index, errorRate, accuracy: 1 - errorRate, phase: 'UNFROZEN', trainLoss: 1, validLoss: 1, seconds: 2 },
      ...{ learningRates: [1e-4, 1e-2], momentum: 0.9, imagesPerSecond: 12, peakMemory: 5e8 },
      ...more,
    },
  };
}

export function points(step: number, values: Readonly<Record<string, number>>): TrainerEvent {
  return { kind: 'metrics', points: Object.entries(values).map(([name, value]) => ({ name, step, value })) };
}

/** What a query with wrong arguments is refused for: code, path and message of each problem. */
export async function problemsOfQuery(server: ApiServer, query: string, variables: object): Promise<unknown> {
  const { errors } = await server.send(query, variables);
  const [error, ...others] = errors;
  if (error?.extensions?.code !== 'BAD_USER_INPUT' || others.length) throw new Error(JSON.stringify(errors));
  return error.extensions.problems;
}
