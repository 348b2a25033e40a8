/** A run on files: the image pipeline with its threads, the compiled engine, and something to learn. */

import { createHash } from 'node:crypto';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRandom } from '../../src/domain/random.ts';
import type { TrainerEvent, TrainerImage, TrainerJob } from '../../src/domain/trainer.ts';
import { openOnnxRuntime } from '../../src/engine/onnxruntime/engine.ts';
import { createProcessMemorySampler } from '../../src/learner/memory.ts';
import { trainRun } from '../../src/learner/trainRun.ts';
import { openImagePipeline } from '../../src/vision/pipeline.ts';
import { fakeJob, ofKind } from './fakes.ts';

let folder: string;
const images: TrainerImage[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'real-images-'));
  for (let i = 0; i < 48; i++) {
    const label = i % 2 ? 'striped' : 'plain';
    const path = join(folder, `${i}.png`);
    const bytes = await leaf(label === 'striped', i);
    await writeFile(path, bytes);
    const contentHash = createHash('sha256').update(bytes).digest('hex');
    images.push({ imageId: `${i}.png`, path, contentHash, label, split: i < 40 ? 'TRAIN' : 'HOLDOUT' });
  }
});
afterAll(() => rm(folder, { recursive: true }));

/** 48x40 noise; striped ones have bright rows. Colour says nothing. */
function leaf(striped: boolean, seed: number): Promise<Buffer> {
  const random = createRandom(seed);
  const level = 80 + random.integer(60);
  const pixels = Uint8Array.from({ length: 48 * 40 * 3 }, (_, i) => {
    const row = Math.floor(i / (48 * 3));
    return level + random.integer(20) + (striped ? ((row >> 2) % 2) * 80 : 40);
  });
  return sharp(pixels, { raw: { width: 48, height: 40, channels: 3 } })
    .png()
    .toBuffer();
}

async function run(job: TrainerJob): Promise<TrainerEvent[]> {
  const engine = await openOnnxRuntime({ computeThreads: 2 });
  const events: TrainerEvent[] = [];
  const deps = {
    engine,
    openImages: openImagePipeline,
    memory: createProcessMemorySampler(),
    now: Date.now,
    signal: new AbortController().signal,
    drain: new AbortController().signal,
  };
  for await (const event of trainRun(job, deps)) events.push(event);
  await engine.dispose();
  return events;
}

function jobOn(manifest: readonly TrainerImage[]): TrainerJob {
  const job = fakeJob({
    itemTransform: { size: { height: 40, width: 40 }, method: 'SQUISH' },
    effectiveBatchSize: 8,
    epochs: 4,
    predict: { ttaPasses: 1 },
  });
  const resources = { ...job.resources, cacheDirectory: join(folder, 'cache'), cacheLimitBytes: 1e7 };
  return { ...job, images: manifest, resources };
}

it('learns stripes from files, and reports real memory and speed', async () => {
  const events = await run(jobOn(images));
  expect(ofKind(events, 'failed')).toEqual([]);
  const epochs = ofKind(events, 'epoch').map((event) => event.epoch);
  expect(epochs.at(-1)!.errorRate).toBeLessThanOrEqual(0.2);
  const [finished] = ofKind(events, 'finished');
  expect(finished!.peakMemory).toBeGreaterThan(50 * 2 ** 20);
  expect(finished!.imagesPerSecond).toBeGreaterThan(0);
  const holdout = ofKind(events, 'predictions').find((event) => event.predictions.split === 'HOLDOUT')!.predictions;
  const correct = holdout.imageIds.filter((imageId, row) => {
    const predicted = holdout.probabilities[2 * row]! > 0.5 ? 'plain' : 'striped';
    return images.find((image) => image.imageId === imageId)!.label === predicted;
  });
  expect(correct.length).toBeGreaterThanOrEqual(6);
});

it.each<[string, (path: string) => Promise<unknown>]>([
  ['is deleted', (path) => rm(path)],
  ['is cut off', (path) => truncate(path, 100)],
  ['becomes another image', (path) => writeFile(path, 'not an image')],
])('fails with the path of a file that %s after the import', async (name, spoil) => {
  const path = join(folder, `${name}.png`);
  const bytes = await leaf(true, 100);
  await writeFile(path, bytes);
  const contentHash = createHash('sha256').update(bytes).digest('hex');
  const spoiled = { ...images[0]!, imageId: `${name}.png`, path, contentHash };
  await spoil(path);
  const events = await run(jobOn([...images, spoiled]));
  expect(ofKind(events, 'failed')[0]!.failure).toMatchObject({
    code: 'DATA_UNREADABLE',
    message: expect.stringContaining(`cannot read image ${path}: `),
  });
});
