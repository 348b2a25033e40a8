/**
 * Images a second of the pipeline (decode or cache, resize, augment, normalise), against Pillow and numpy doing the same
 * with as many processes, in one run: `node --import tsx bench/imagePipeline.ts`. Then resizing and augmentation alone, from
 * decoded images in memory, on one core each.
 */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { createRandom } from '../src/domain/random.ts';
import type { ItemTransform } from '../src/domain/trainingConfig.ts';
import { messageOf } from '../src/errors.ts';
import { planBatch, renderRequest } from '../src/vision/batchPlan.ts';
import { decodeImage } from '../src/vision/decode.ts';
import { finish, prepare } from '../src/vision/itemTransform.ts';
import { type BatchRequest, type ImageRef, openImagePipeline } from '../src/vision/pipeline.ts';
import { createRenderer } from '../src/vision/renderer.ts';
import type { RgbImage } from '../src/vision/rgbImage.ts';

const run = promisify(execFile);
const python = '/usr/bin/python3';
const peer = fileURLToPath(new URL('./peers/image_pipeline.py', import.meta.url));

const imageCount = 256;
const batchSize = 16;
const passes = 2;
const threads = Math.min(4, availableParallelism());
const spec = { minScale: 0.75, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
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
        ...spec,
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

/** Resizing, augmentation and normalising of images already decoded, on this thread. */
function measureTransforms(decoded: readonly RgbImage[], itemSide: number, side: number): number {
  const itemTransform: ItemTransform = { size: { height: itemSide, width: itemSide }, method: 'SQUISH' };
  const renderer = createRenderer({ height: side, width: side }, spec.mean, spec.std);
  const output = new Float32Array(batchSize * side * side * 3);
  const rates = Array.from({ length: passes + 1 }, (_, pass) => {
    const start = performance.now();
    for (let at = 0; at < decoded.length; at += batchSize) {
      const images = decoded.slice(at, at + batchSize);
      const plan = planBatch(images.length, 'train', pass * 1000 + at, { itemTransform, minScale: spec.minScale });
      images.forEach((image, i) => {
        const item = finish(prepare(image, itemTransform, true), itemTransform, plan.items[i]!.position);
        renderer.render(renderRequest(plan, i, item), output, i * side * side * 3);
      });
    }
    return (decoded.length / (performance.now() - start)) * 1000;
  });
  // The first pass compiles.
  return Math.max(...rates.slice(1));
}

interface PeerCase {
  readonly source: 'files' | 'decoded';
  readonly processes: number;
  readonly itemSide: number;
  readonly side: number;
}

async function measurePeer(kind: 'exact' | 'native', peerCase: PeerCase, images: readonly ImageRef[]) {
  const { source, processes, itemSide, side } = peerCase;
  const numbers = [processes, itemSide, side, batchSize, passes].map(String);
  const { stdout } = await run(python, [peer, kind, source, ...numbers, ...images.map(({ path }) => path)]);
  return JSON.parse(stdout) as { imagesPerSecond: number; pillow: string; numpy: string };
}

/** Prints our rates, the peer's, and how many times as fast ours are. */
async function compare(rates: Readonly<Record<string, number>>, peerCase: PeerCase, images: readonly ImageRef[]) {
  console.log('  rungraph');
  for (const [key, value] of Object.entries(rates)) console.log(`    ${key.padEnd(12)} ${value.toFixed(0)}`);
  for (const kind of ['exact', 'native'] as const) {
    try {
      const { imagesPerSecond, pillow, numpy } = await measurePeer(kind, peerCase, images);
      const ratios = Object.entries(rates).map(([key, value]) => `${key} ${(value / imagesPerSecond).toFixed(1)}x`);
      console.log(`  Pillow ${pillow}, numpy ${numpy} (${kind})`);
      console.log(
        `    ${peerCase.source.padEnd(12)} ${imagesPerSecond.toFixed(0)}   rungraph is: ${ratios.join(', ')}`,
      );
    } catch (error) {
      console.log(
        `  skipped: Pillow and numpy (${kind}) cannot run here: ${messageOf(error).split('\n').at(-2) ?? ''}`,
      );
    }
  }
}

const scratch = await mkdtemp(join(tmpdir(), 'bench-images-'));
try {
  const images = await drawImages(scratch);
  console.log(
    `Image pipeline: ${imageCount} images, ${threads} threads or processes, best of ${passes} passes, images/s`,
  );
  for (const { name, itemSide, side } of cases) {
    console.log(name);
    const rates = await measurePipeline(images, itemSide, side, scratch);
    await compare({ ...rates }, { source: 'files', processes: threads, itemSide, side }, images);
  }
  const decoded: RgbImage[] = [];
  for (const { path } of images) decoded.push(await decodeImage(await readFile(path)));
  console.log('Resizing and augmentation alone: images decoded beforehand, one thread or process, images/s');
  for (const { name, itemSide, side } of cases) {
    console.log(name);
    const transforms = measureTransforms(decoded, itemSide, side);
    await compare({ transforms }, { source: 'decoded', processes: 1, itemSide, side }, images);
  }
} finally {
  await rm(scratch, { recursive: true });
}
