/** Stand-ins for what surrounds the learner: images without files, a clock, memory. */

import type { TrainerEvent, TrainerImage, TrainerJob } from '../../src/domain/trainer.ts';
import { parseTrainingConfig } from '../../src/domain/trainingConfig.ts';
import type { TrainerDependencies } from '../../src/learner/attempt.ts';
import type { BatchRequest, ImagePipeline } from '../../src/vision/pipeline.ts';

export interface FakeImages {
  readonly open: TrainerDependencies['openImages'];
  readonly requests: BatchRequest[];
  /** Pipelines open now. */
  opened: number;
}

/** Flat 32x32 images whose colour tells the label; augmentation adds noise drawn from the batch's seed. */
export function fakeImages(pixel: (path: string, seed: number) => number = colourOf): FakeImages {
  const fake: FakeImages = {
    requests: [],
    opened: 0,
    async open({ images, spec }) {
      fake.opened++;
      const length = spec.size.height * spec.size.width * 3;
      const pipeline: ImagePipeline = {
        async *batches(requests, signal) {
          for (const request of requests) {
            signal?.throwIfAborted();
            fake.requests.push(request);
            const batch = new Float32Array(request.indices.length * length);
            request.indices.forEach((index, row) => {
              batch.fill(pixel(images[index]!.path, request.seed), row * length, (row + 1) * length);
            });
            yield { indices: request.indices, images: batch };
          }
        },
        async close() {
          fake.opened--;
        },
      };
      return pipeline;
    },
  };
  return fake;
}

function colourOf(path: string, seed: number): number {
  return (path.includes('/a/') ? -1 : 1) + (seed % 100) / 1000;
}

/** `perLabel` training images of labels a and b, and some of the other splits. */
function fakeManifest(perLabel: number): TrainerImage[] {
  const image = (split: TrainerImage['split'], label: string | null, i: number): TrainerImage => ({
    imageId: `${split.toLowerCase()}-${label ?? 'x'}-${String(i).padStart(3, '0')}.jpg`,
    path: `/data/${split}/${label ?? 'a'}/${i}.jpg`,
    contentHash: `${split}${label}${i}`,
    label,
    split,
  });
  const some = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));
  return [
    ...some(3, (i) => image('HOLDOUT', 'b', i)),
    ...some(5, (i) => image('TEST', null, 4 - i)),
    ...['a', 'b'].flatMap((label) => some(perLabel, (i) => image('TRAIN', label, i))),
  ];
}

export function fakeJob(changes: Record<string, unknown> = {}, perLabel = 8): TrainerJob {
  const { config, problems } = parseTrainingConfig({
    architecture: 'convnext_atto',
    pretrained: false,
    itemTransform: { size: { height: 40, width: 40 } },
    size: { height: 32, width: 32 },
    effectiveBatchSize: 4,
    accumulation: 2,
    epochs: 2,
    validFraction: 0.25,
    seed: 7,
    predict: { ttaPasses: 2 },
    checkpoints: { keepLast: 0 },
    ...changes,
  });
  if (!config) throw new Error(JSON.stringify(problems));
  return {
    runId: 'run_1',
    attempt: 1,
    task: { kind: 'train' },
    config,
    images: fakeManifest(perLabel),
    weights: null,
    skipped: null,
    resume: null,
    resources: {
      engine: 'onnxruntime',
      device: 'cpu',
      deviceIndex: 0,
      computeThreads: 2,
      loaderThreads: 1,
      cacheDirectory: '/nowhere',
      cacheLimitBytes: 0,
      outputDirectory: '/nowhere',
    },
  };
}

/** A clock that advances by `step` milliseconds whenever it is read. */
export function tickingClock(step: number): () => number {
  let time = 0;
  return () => {
    time += step;
    return time;
  };
}

/** Peaks 100, 101, 102 … */
export function fakeMemory(): TrainerDependencies['memory'] {
  let peak = 99;
  return {
    async sample() {
      peak++;
      return { used: 50, peak, deviceUsed: null, deviceTotal: null };
    },
  };
}

export type EventOf<K extends TrainerEvent['kind']> = Extract<TrainerEvent, { kind: K }>;

export function ofKind<K extends TrainerEvent['kind']>(events: readonly TrainerEvent[], kind: K): EventOf<K>[] {
  return events.filter((event): event is EventOf<K> => event.kind === kind);
}
