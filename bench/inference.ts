/**
 * Images a second of the forward pass alone, and of test-time augmentation (4 augmented passes and a plain one) from prepared
 * images in memory, against PyTorch eager running timm's and torchvision's model, in turns:
 * `node --import tsx bench/inference.ts [rounds] [case]`.
 */

import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { createRandom } from '../src/domain/random.ts';
import { predictImages } from '../src/learner/predict.ts';
import { openPredictor, type Predictor } from '../src/learner/predictor.ts';
import { type ImageRef, openImagePipeline } from '../src/vision/pipeline.ts';
import { type Case, casesOf, median, openOurs, openPeers, race, threads } from './contenders.ts';

const [rounds = '11', wanted] = process.argv.slice(2);
const ttaImages = 64;
const ttaRounds = 3;

async function drawImages(folder: string): Promise<ImageRef[]> {
  const random = createRandom(1, 'bench');
  const draw = async (i: number): Promise<ImageRef> => {
    const tiles = Buffer.from(Array.from({ length: 12 * 16 * 3 }, () => random.integer(256)));
    const raw = { width: 12, height: 16, channels: 3 } as const;
    const bytes = await sharp(tiles, { raw }).resize(480, 640, { kernel: 'cubic' }).jpeg().toBuffer();
    const path = join(folder, `${i}.jpg`);
    await writeFile(path, bytes);
    return { path, contentHash: createHash('sha256').update(bytes).digest('hex') };
  };
  return Promise.all(Array.from({ length: ttaImages }, (_, i) => draw(i)));
}

/** Predictions as a run makes them after training, every prepared image already in memory. */
async function openTta(c: Case, predictor: Predictor, images: ImageRef[], scratch: string) {
  const pipeline = await openImagePipeline({
    images,
    spec: {
      itemTransform: { size: { height: c.itemSide, width: c.itemSide }, method: 'SQUISH' },
      size: { height: c.side, width: c.side },
      minScale: 0.75,
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    },
    threads,
    cacheDirectory: join(scratch, String(c.itemSide)),
    cacheLimitBytes: 2 ** 30,
    memoryLimitBytes: 2 ** 30,
  });
  const indices = images.map((_, i) => i);
  const { signal } = new AbortController();
  const run = async (): Promise<number> => {
    const start = performance.now();
    const batches = predictImages(predictor, pipeline, indices, {
      passes: 4,
      beta: 0.25,
      seed: 1,
      key: 'TEST',
      signal,
    });
    while (!(await batches.next()).done);
    return performance.now() - start;
  };
  await run();
  return { run, close: () => pipeline.close() };
}

const scratch = await mkdtemp(join(tmpdir(), 'bench-inference-'));
try {
  const images = await drawImages(scratch);
  console.log(
    `inference, float32, ${threads} threads, images/s in turns: medians of ${rounds} passes; ` +
      `TTA of ${ttaImages} images, median of ${ttaRounds}, PyTorch as in its fastest pass`,
  );
  for (const c of casesOf(wanted)) {
    const { engine, model, weights, inputs } = await openOurs(c);
    const predictor = await openPredictor(engine, model, weights, c.batch);
    const ours = {
      name: 'Rungraph',
      run: async () => {
        const start = performance.now();
        await predictor.predict(inputs);
        return [performance.now() - start];
      },
    };
    await ours.run();
    await ours.run();
    const peers = await openPeers('infer', c);
    const groups = peers.map((peer) => peer.contenders);
    const result = await race(ours, groups, Number(rounds));
    const rate = (ms: number, count = c.batch) => ((count / ms) * 1000).toFixed(1).padStart(9);
    console.log(`${c.name}\n  forward`);
    for (const { contender, times } of [result.ours, ...result.others])
      console.log(`${rate(times[0]!)}   ${contender.name}`);
    const [fastest] = [...result.others].sort((a, b) => a.times[0]! - b.times[0]!);
    for (const { contender, times } of result.others) {
      const ratio = `${(times[0]! / result.ours.times[0]!).toFixed(2)}x`;
      console.log(`${ratio.padStart(9)}   Rungraph against ${contender.name}`);
    }

    const rival = fastest?.contender;
    const tta = await openTta(c, predictor, images, scratch);
    const [own, theirs]: [number[], number[]] = [[], []];
    for (let round = 0; round < ttaRounds; round++) {
      own.push(await tta.run());
      if (rival) theirs.push(await rival.tta(ttaImages));
    }
    console.log(`  TTA\n${rate(median(own), ttaImages)}   Rungraph`);
    if (rival) {
      console.log(`${rate(median(theirs), ttaImages)}   ${rival.name}`);
      console.log(`${`${(median(theirs) / median(own)).toFixed(2)}x`.padStart(9)}   Rungraph against it`);
    }
    await tta.close();
    await predictor.dispose();
    await engine.dispose();
    await Promise.all(peers.map((peer) => peer.close()));
  }
} finally {
  await rm(scratch, { recursive: true });
}
process.exit(0);
