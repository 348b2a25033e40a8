/**
 * Images a second of the pipeline (decode or cache, resize, augment, normalise), against Pillow and numpy doing the same
 * with as many processes, in one run: `node --import tsx bench/imagePipeline.ts`.
 */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { createRandom } from '../src/domain/random.ts';
import { messageOf } from '../src/errors.ts';
import { type BatchRequest, type ImageRef, openImagePipeline } from '../src/vision/pipeline.ts';

const run = promisify(execFile);
const python = '/usr/bin/python3';
const peer = fileURLToPath(new URL('./peers/image_pipeline.py', import.meta.url));

const imageCount = 256;
const batchSize = 16;
const passes = 2;
const threads = Math.min(4, availableParallelism());
const cases = [
  { name: '480x640 photos, squish 480, 224x224', itemSide: 480, side: 224 },
  { name: '480x640 photos, squish 192, 128x128', itemSide: 192, side: 128 },
];

/** Photo-like JPEGs, as large as the competition's: smooth shapes with fine grain. */
async function drawImages(folder: string): Promise<ImageRef[]> {
  const draw = async (i: number): Promise<ImageRef> => {
    const random = createRandom(i, 'bench');
    const tiles = Buffer.from(Array.from({ length: 12 * 16 * 3 }, () => random.integer(256)));
    const shapes = await sharp(tiles, { raw: { width: 12, height: 16, channels: 3 } })
      .resize(480, 640, { kernel: 'cubic' })
      .raw()
      .toBuffer();
    for (let p = 0; p < shapes.length; p++)
      shapes[p] = Math.min(255, Math.max(0, shapes[p]! + random.integer(25) - 12));
    const raw = { width: 480, height: 640, channels: 3 } as const;
    const bytes = await sharp(shapes, { raw }).jpeg({ quality: 90 }).toBuffer();
    const path = join(folder, `${i}.jpg`);
    await writeFile(path, bytes);
    return { path, contentHash: createHash('sha256').update(bytes).digest('hex') };
  };
  return Promise.all(Array.from({ length: imageCount }, (_, i) => draw(i)));
}

function requests(count: number, seed: number): BatchRequest[] {
  const batches = Math.ceil(count / batchSize);
  return Array.from({ length: batches }, (_, b) => ({
    indices: Array.from({ length: Math.min(batchSize, count - b * batchSize) }, (_, i) => b * batchSize + i),
    mode: 'train',
    seed: seed * 1000 + b,
  }));
}

interface Rates {
  readonly cold: number;
  readonly warmDisk: number;
  readonly warmMemory: number;
}

async function measurePipeline(images: ImageRef[], itemSide: number, side: number, scratch: string): Promise<Rates> {
  const open = (cacheDirectory: string, memoryLimitBytes: number, of = images) =>
    openImagePipeline({
      images: of,
      spec: {
        itemTransform: { size: { height: itemSide, width: itemSide }, method: 'SQUISH' },
        size: { height: side, width: side },
        minScale: 0.75,
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
      },
      threads,
      cacheDirectory,
      cacheLimitBytes: 2 ** 32,
      memoryLimitBytes,
    });
  const rate = async (pipeline: Awaited<ReturnType<typeof open>>, seed: number) => {
    const start = performance.now();
    let images = 0;
    for await (const { indices } of pipeline.batches(requests(imageCount, seed))) images += indices.length;
    return (images / (performance.now() - start)) * 1000;
  };
  /** Starts the threads and lets them compile, without touching the images that count. */
  const warmUp = async (pipeline: Awaited<ReturnType<typeof open>>) => {
    for await (const _ of pipeline.batches(requests(batchSize, 0))) void _;
  };

  // Each cold pass has a cache of its own; its first batch, made twice, is part of the measured images.
  const cold: number[] = [];
  for (let pass = 0; pass < passes; pass++) {
    const pipeline = await open(join(scratch, `cold${itemSide}-${pass}`), 0);
    await warmUp(pipeline);
    cold.push(await rate(pipeline, pass));
    await pipeline.close();
  }
  const warm = async (memoryLimitBytes: number) => {
    const pipeline = await open(join(scratch, `cold${itemSide}-0`), memoryLimitBytes);
    await rate(pipeline, 0);
    const rates: number[] = [];
    for (let pass = 0; pass < passes; pass++) rates.push(await rate(pipeline, pass));
    await pipeline.close();
    return Math.max(...rates);
  };
  return { cold: Math.max(...cold), warmDisk: await warm(0), warmMemory: await warm(2 ** 30) };
}

async function measurePeer(kind: 'exact' | 'native', itemSide: number, side: number, images: ImageRef[]) {
  const numbers = [threads, itemSide, side, batchSize, passes].map(String);
  const { stdout } = await run(python, [peer, kind, ...numbers, ...images.map(({ path }) => path)]);
  return JSON.parse(stdout) as { imagesPerSecond: number; pillow: string; numpy: string };
}

const scratch = await mkdtemp(join(tmpdir(), 'bench-images-'));
try {
  const images = await drawImages(scratch);
  console.log(
    `Image pipeline: ${imageCount} images, ${threads} threads or processes, best of ${passes} passes, images/s`,
  );
  for (const { name, itemSide, side } of cases) {
    const rates = await measurePipeline(images, itemSide, side, scratch);
    console.log(`${name}\n  rungraph`);
    for (const [key, value] of Object.entries(rates)) console.log(`    ${key.padEnd(12)} ${value.toFixed(0)}`);
    for (const kind of ['exact', 'native'] as const) {
      try {
        const { imagesPerSecond, pillow, numpy } = await measurePeer(kind, itemSide, side, images);
        const ratios = Object.entries(rates).map(([key, value]) => `${key} ${(value / imagesPerSecond).toFixed(1)}x`);
        console.log(`  Pillow ${pillow}, numpy ${numpy} (${kind})`);
        console.log(`    from files   ${imagesPerSecond.toFixed(0)}   rungraph is: ${ratios.join(', ')}`);
      } catch (error) {
        console.log(
          `  skipped: Pillow and numpy (${kind}) cannot run here: ${messageOf(error).split('\n').at(-2) ?? ''}`,
        );
      }
    }
  }
} finally {
  await rm(scratch, { recursive: true });
}
