/** What trials have measured, for whoever asks the same again. */

import type { Measurement, NetworkSetup } from '../domain/memoryProbe.ts';
import type { Queryable } from './queryable.ts';

/** What, besides the micro-batch, decides how much memory a trainer takes. */
export interface MeasuredSetup extends NetworkSetup {
  readonly engine: string;
  readonly device: string;
  readonly computeThreads: number;
  readonly loaderThreads: number;
  /** Of this program and what it computes with, in one text. */
  readonly versions: string;
}

/** By micro-batch size; those never measured are missing from the map. */
export async function findMeasurements(
  db: Queryable,
  setup: MeasuredSetup,
  microBatchSizes: readonly number[],
): Promise<Map<number, Measurement>> {
  const rows = await db.memoryMeasurement.findMany({
    where: { ...columnsOf(setup), microBatchSize: { in: [...microBatchSizes] } },
  });
  return new Map(
    rows.map(({ microBatchSize, peakMemory, complete, imagesPerSecond }) => {
      return [microBatchSize, { peakMemory: Number(peakMemory), complete, imagesPerSecond }];
    }),
  );
}

/** Stores a measurement in place of the one before, unless it was ended at a limit before it needed more than that one. */
export async function putMeasurement(
  db: Queryable,
  setup: MeasuredSetup,
  microBatchSize: number,
  measurement: Measurement,
  measuredAt: Date,
): Promise<void> {
  const key = { ...columnsOf(setup), microBatchSize };
  const columns = { ...measurement, peakMemory: Math.round(measurement.peakMemory), measuredAt };
  const known = { ...key, peakMemory: { gte: columns.peakMemory } };
  if (!measurement.complete && (await db.memoryMeasurement.count({ where: known }))) return;
  await db.memoryMeasurement.upsert({
    where: {
      architecture_height_width_itemTransform_precision_microBatchSize_engine_device_computeThreads_loaderThreads_versions:
        key,
    },
    create: { ...key, ...columns },
    update: columns,
  });
}

function columnsOf({ architecture, size, itemTransform, precision, ...machine }: MeasuredSetup) {
  const { method, size: item } = itemTransform;
  const { engine, device, computeThreads, loaderThreads, versions } = machine;
  return {
    ...{ architecture, height: size.height, width: size.width, precision },
    itemTransform: `${method} ${item.height}x${item.width}`,
    ...{ engine, device, computeThreads, loaderThreads, versions },
  };
}
