import { beforeAll, describe, expect, it } from 'vitest';
import { findMeasurements, type MeasuredSetup, putMeasurement } from '../../src/store/memoryMeasurement.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
  return () => database.drop();
});

const square = (side: number) => ({ height: side, width: side });
const setup: MeasuredSetup = {
  architecture: 'convnext_atto',
  size: square(32),
  itemTransform: { size: square(64), method: 'CROP' },
  precision: 'AUTO',
  engine: 'onnxruntime',
  device: 'a CPU (4 cores)',
  computeThreads: 4,
  loaderThreads: 2,
  versions: 'rungraph 1.0.0',
};
const at = new Date(0);
const measured = (peakMemory: number, complete = true) => ({
  peakMemory,
  complete,
  imagesPerSecond: complete ? 10 : null,
});
const put = (microBatchSize: number, measurement: ReturnType<typeof measured>, of = setup) =>
  putMeasurement(database.prisma, of, microBatchSize, measurement, at);
const find = (sizes: readonly number[], of = setup) => findMeasurements(database.prisma, of, sizes);

it('finds what was measured by micro-batch', async () => {
  await put(8, measured(800));
  await put(4, measured(500, false));
  expect(await find([16, 8, 4])).toEqual(
    new Map([
      [8, measured(800)],
      [4, measured(500, false)],
    ]),
  );
});

const others: Partial<MeasuredSetup>[] = [
  { architecture: 'convnext_tiny' },
  { size: { height: 32, width: 64 } },
  { itemTransform: { size: square(64), method: 'SQUISH' } },
  { itemTransform: { size: { height: 64, width: 32 }, method: 'CROP' } },
  { precision: 'FP32' },
  { engine: 'tensorflow' },
  { device: 'another CPU (4 cores)' },
  { computeThreads: 2 },
  { loaderThreads: 1 },
  { versions: 'rungraph 1.0.1' },
];
it.each(others)('does not take it for what differs in %o', async (other) => {
  await put(8, measured(800));
  expect(await find([8], { ...setup, ...other })).toEqual(new Map());
});

describe('a second measurement', () => {
  const second = async (first: ReturnType<typeof measured>, then: ReturnType<typeof measured>) => {
    await database.prisma.memoryMeasurement.deleteMany();
    await put(8, first);
    await put(8, then);
    return (await find([8])).get(8);
  };

  it('takes the place of the first', async () => {
    expect(await second(measured(800), measured(700))).toEqual(measured(700));
    expect(await second(measured(800, false), measured(900))).toEqual(measured(900));
  });

  it('that was ended early does so only when it needed more', async () => {
    expect(await second(measured(800), measured(700, false))).toEqual(measured(800));
    expect(await second(measured(800, false), measured(700, false))).toEqual(measured(800, false));
    expect(await second(measured(800), measured(900, false))).toEqual(measured(900, false));
  });
});
