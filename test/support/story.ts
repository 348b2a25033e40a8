import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Split } from '../../src/domain/dataset.ts';
import type { Predictions } from '../../src/domain/predictions.ts';
import { createRandom } from '../../src/domain/random.ts';
import type { TrainerEvent, TrainerImage, TrainerJob } from '../../src/domain/trainer.ts';

/** Micro-batches of an epoch. */
const batches = 10;

/**
 * What a trainer tells of a whole training, computed by nobody: progress, every series, memory, epochs, a NaN, log lines (one that looks
 * like HTML), predictions of both splits that are better than chance, weights. Equal seeds tell the same.
 */
export async function* story({ config, images, resources }: TrainerJob): AsyncGenerator<TrainerEvent, void, undefined> {
  const random = createRandom(config.seed ?? 0, 'story');
  const { epochs, freezeEpochs } = config;
  const total = freezeEpochs + epochs;
  const quality = 0.5 + 0.4 * random.next();
  yield {
    kind: 'log',
    stream: 'trainer',
    line: `Training ${config.architecture}, <b>not bold</b> & \u202Eback to front`,
  };
  for (let epoch = 0; epoch < total; epoch++) {
    const phase = epoch < freezeEpochs ? 'FROZEN' : 'UNFROZEN';
    for (let batch = 0; batch < batches; batch++) {
      const step = epoch * batches + batch + 1;
      const loss = 2 / Math.sqrt(step) + 0.2 * random.next();
      const lr = config.baseLearningRate * Math.sin((Math.PI * step) / (total * batches + 1));
      const progress = { phase, epoch, epochs: total, batch: batch + 1, batches } as const;
      const left = total * batches - step;
      yield { kind: 'progress', progress: { ...progress, imagesPerSecond: 40 + random.next(), etaSeconds: left / 2 } };
      const points = [
        { name: 'train/loss', step, value: step === 3 ? Number.NaN : loss },
        { name: 'train/loss_smooth', step, value: 2 / Math.sqrt(step) },
        { name: 'lr/0', step, value: lr / 100 },
        { name: 'lr/1', step, value: lr },
        { name: 'momentum', step, value: 0.95 - 0.1 * Math.sin((Math.PI * step) / (total * batches + 1)) },
      ];
      yield { kind: 'metrics', points };
      const used = 4e8 + random.integer(1e7);
      yield { kind: 'memory', point: { step, used, peak: used + 1e8, deviceUsed: null, deviceTotal: 8e9 } };
      yield { kind: 'log', stream: 'stdout', line: `step ${step} loss ${loss.toFixed(4)}` };
    }
    const errorRate = (1 - quality) * (1 + 1 / (epoch + 1));
    const [trainLoss, validLoss] = [1 / (epoch + 1), 1.2 / (epoch + 1)];
    const step = (epoch + 1) * batches;
    const points = Object.entries({ error_rate: errorRate, accuracy: 1 - errorRate, loss: validLoss });
    yield { kind: 'metrics', points: points.map(([name, value]) => ({ name: `valid/${name}`, step, value })) };
    yield {
      kind: 'epoch',
      epoch: {
        ...{ index: epoch, phase, trainLoss, validLoss, errorRate, accuracy: 1 - errorRate, seconds: 1 },
        ...{ learningRates: [config.baseLearningRate / 100, config.baseLearningRate], momentum: 0.9 },
        ...{ imagesPerSecond: 40, peakMemory: 5e8 },
      },
    };
  }
  const vocab = [...new Set(images.flatMap(({ label }) => label ?? []))].sort();
  for (const split of ['VALID', 'TEST'] as const satisfies Split[]) {
    const shown =
      split === 'VALID'
        ? validated(images, config.splitSeed ?? config.seed ?? 0)
        : images.filter((image) => image.split === split);
    const probabilities = shown.flatMap(({ label }) => {
      const hit = random.next() < quality ? vocab.indexOf(label ?? '') : random.integer(vocab.length);
      const row = vocab.map((_, column) => random.next() + (column === hit ? 3 : 0));
      const sum = row.reduce((a, b) => a + b, 0);
      return row.map((value) => value / sum);
    });
    const imageIds = shown.map(({ imageId }) => imageId);
    const way = split === 'TEST' ? ({ kind: 'TTA', passes: 4, beta: 0.25 } as const) : plain;
    const predictions: Predictions = {
      split,
      imageIds,
      vocab,
      probabilities: Float32Array.from(probabilities),
      ...way,
    };
    yield { kind: 'predictions', predictions };
  }
  const file = path.join(resources.outputDirectory, 'weights.safetensors');
  await writeFile(file, 'weights');
  yield { kind: 'artifact', artifact: { kind: 'WEIGHTS', name: 'weights.safetensors', path: file } };
  yield {
    kind: 'finished',
    imagesPerSecond: 40 + 20 * random.next(),
    peakMemory: 4e8 + random.integer(2e8),
    trainSeconds: 10 + 20 * random.next(),
  };
}

const plain = { kind: 'PLAIN', passes: 0, beta: null } as const;

/** Every fifth training image, by the seed of the split. */
function validated(images: readonly TrainerImage[], splitSeed: number): readonly TrainerImage[] {
  return images.filter(({ split }) => split === 'TRAIN').filter((_, index) => index % 5 === splitSeed % 5);
}
