/** Experiments to start runs in, and events a trainer might tell. */

import { expect } from 'vitest';
import type { CommandContext } from '../../src/commands/context.ts';
import { type EpochMetrics, isTerminal } from '../../src/domain/run.ts';
import { findRun, type Run } from '../../src/store/run.ts';
import { experimentOf, image, manifest, readyDataset } from './catalogue.ts';

/** A config of the smallest architecture that the data of `trainableExperiment` is enough for. */
export const smallConfig = {
  architecture: 'convnext_atto',
  pretrained: false,
  itemTransform: { size: { height: 64, width: 64 } },
  size: { height: 32, width: 32 },
  effectiveBatchSize: 4,
  epochs: 2,
};

let experiments = 0;

/** An experiment over a READY data set with this many training images per label (and two test images). Returns its id. */
export async function trainableExperiment(
  ctx: CommandContext,
  counts: Readonly<Record<string, number>> = { blast: 12, normal: 20, tungro: 6 },
): Promise<string> {
  const name = `leaves ${++experiments}`;
  const train = Object.entries(counts).flatMap(([label, count]) =>
    Array.from({ length: count }, (_, i) => image('TRAIN', `${label}-${i}.jpg`, label)),
  );
  const test = [image('TEST', 'a.jpg', null), image('TEST', 'b.jpg', null)];
  const datasetId = await readyDataset(ctx.db.prisma, name, manifest([...train, ...test]));
  return experimentOf(ctx.db.prisma, datasetId, { name });
}

/** A run at its end, which is waited for. */
export async function endedRun(ctx: CommandContext, id: string, timeout = 110_000): Promise<Run> {
  const find = async () => (await findRun(ctx.db.prisma, id))!;
  await expect.poll(async () => isTerminal((await find()).status), { timeout, interval: 25 }).toBe(true);
  return find();
}

export function epoch(index: number, more: Partial<EpochMetrics> = {}): EpochMetrics {
  return {
    index,
    phase: index === 0 ? 'FROZEN' : 'UNFROZEN',
    trainLoss: 1 / (index + 1),
    validLoss: 1.5 / (index + 1),
    errorRate: 0.5 / (index + 1),
    accuracy: 1 - 0.5 / (index + 1),
    seconds: 1.5,
    learningRates: [1e-4, 1e-3],
    momentum: 0.9,
    imagesPerSecond: 40,
    peakMemory: 2 ** 30,
    ...more,
  };
}
