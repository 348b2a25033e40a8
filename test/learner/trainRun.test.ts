import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { agrees } from '../../src/domain/memoryProbe.ts';
import type { TrainerEvent, TrainerJob } from '../../src/domain/trainer.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { openOnnxRuntime } from '../../src/engine/onnxruntime/engine.ts';
import type { TrainerDependencies } from '../../src/learner/attempt.ts';
import { epochLine } from '../../src/learner/epochLine.ts';
import { trainRun } from '../../src/learner/trainRun.ts';
import { ImageUnreadableError } from '../../src/vision/rgbImage.ts';
import { fakeImages, fakeJob, fakeMemory, ofKind, tickingClock } from './fakes.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openOnnxRuntime({ computeThreads: 2 });
});
afterAll(() => engine.dispose());

/** Runs a job to its end. */
async function run(
  job: TrainerJob,
  deps: Partial<TrainerDependencies> = {},
  onEvent: (event: TrainerEvent) => void = () => {},
): Promise<TrainerEvent[]> {
  const events: TrainerEvent[] = [];
  const defaults: TrainerDependencies = {
    engine,
    openImages: fakeImages().open,
    memory: fakeMemory(),
    now: tickingClock(1),
    signal: new AbortController().signal,
    drain: new AbortController().signal,
  };
  for await (const event of trainRun(job, { ...defaults, ...deps })) {
    events.push(event);
    onEvent(event);
  }
  return events;
}

describe('a run', () => {
  let events: TrainerEvent[];
  const images = fakeImages();
  beforeAll(async () => {
    events = await run(fakeJob(), { openImages: images.open, now: tickingClock(20) });
  });

  it('starts, trains, predicts and finishes', () => {
    expect(events[0]).toEqual({
      kind: 'started',
      environment: {
        engine: 'onnxruntime',
        device: expect.any(String),
        precision: 'FP32',
        versions: { ...engine.info.versions, threads: '2' },
      },
      resumedFrom: null,
    });
    expect(events.at(-1)!.kind).toBe('finished');
    expect(ofKind(events, 'failed')).toEqual([]);
    expect(images.opened).toBe(0);
  });

  it('reports every epoch of both fits', () => {
    const epochs = ofKind(events, 'epoch').map((event) => event.epoch);
    expect(epochs.map(({ index, phase }) => [index, phase])).toEqual([
      [0, 'FROZEN'],
      [1, 'UNFROZEN'],
      [2, 'UNFROZEN'],
    ]);
    for (const epoch of epochs) {
      expect(epoch.trainLoss).toBeGreaterThan(0);
      expect(epoch.accuracy).toBeCloseTo(1 - epoch.errorRate, 12);
      expect(epoch.learningRates).toHaveLength(2);
      expect(epoch.seconds).toBeGreaterThan(0);
      expect(epoch.imagesPerSecond).toBeGreaterThan(0);
      expect(epoch.peakMemory).toBeGreaterThan(99);
    }
  });

  it('writes a line per epoch into the log: what the epoch says', () => {
    const lines = ofKind(events, 'log').map(({ line }) => line);
    const epochs = ofKind(events, 'epoch').map(({ epoch }) => epoch);
    expect(epochs).toHaveLength(3);
    expect(lines.filter((line) => line.startsWith('epoch'))).toEqual(epochs.map((epoch) => epochLine(epoch, 3)));
  });

  it('gives each training series one point per micro-batch and each validation series one per epoch', () => {
    const points = ofKind(events, 'metrics').flatMap((event) => event.points);
    const training = ['train/loss', 'train/loss_smooth', 'lr/0', 'lr/1', 'momentum'];
    const validation = ['valid/loss', 'valid/error_rate', 'valid/accuracy'];
    expect(new Set(points.map((p) => p.name))).toEqual(new Set([...training, ...validation]));
    const stepsOf = (name: string) => points.filter((p) => p.name === name).map((p) => p.step);
    // 12 training images in pairs, 3 epochs.
    for (const name of training) expect(stepsOf(name)).toEqual(Array.from({ length: 3 * 6 }, (_, i) => i + 1));
    for (const name of validation) expect(stepsOf(name)).toEqual([6, 12, 18]);
    const epochs = ofKind(events, 'epoch').map((event) => event.epoch);
    const valuesOf = (name: string) => points.filter((p) => p.name === name).map((p) => p.value);
    expect(valuesOf('valid/loss')).toEqual(epochs.map((epoch) => epoch.validLoss));
    expect(valuesOf('valid/error_rate')).toEqual(epochs.map((epoch) => epoch.errorRate));
    expect(valuesOf('valid/accuracy')).toEqual(epochs.map((epoch) => epoch.accuracy));
  });

  it('predicts VALID plainly, TEST and HOLDOUT with augmentation, rows by image id', () => {
    const sets = ofKind(events, 'predictions').map((event) => event.predictions);
    expect(sets.map(({ split, kind, passes, beta }) => [split, kind, passes, beta])).toEqual([
      ['VALID', 'PLAIN', 0, null],
      ['TEST', 'TTA', 2, 0.25],
      ['HOLDOUT', 'TTA', 2, 0.25],
    ]);
    expect(sets[1]!.imageIds).toEqual([0, 1, 2, 3, 4].map((i) => `test-x-00${i}.jpg`));
    for (const { imageIds, vocab, probabilities } of sets) {
      expect(vocab).toEqual(['a', 'b']);
      expect(imageIds).toEqual(imageIds.toSorted());
      expect(probabilities).toHaveLength(imageIds.length * 2);
      for (let row = 0; row < imageIds.length; row++) {
        expect(probabilities[2 * row]! + probabilities[2 * row + 1]!).toBeCloseTo(1, 5);
      }
    }
  });

  it('moves through its phases and ends with no time left', () => {
    const progress = ofKind(events, 'progress').map((event) => event.progress);
    const phases = progress.map((p) => p.phase).filter((phase, i, all) => phase !== all[i - 1]);
    expect(phases).toEqual(expect.arrayContaining(['PREPARING', 'FROZEN', 'VALIDATING', 'UNFROZEN', 'PREDICTING']));
    expect(phases[0]).toBe('PREPARING');
    expect(progress.at(-1)).toMatchObject({ phase: 'PREDICTING', epoch: 3, epochs: 3, etaSeconds: 0 });
    expect(progress.at(-1)!.batch).toBe(progress.at(-1)!.batches);
  });

  it('reports memory windows and the peak of all', () => {
    const peaks = ofKind(events, 'memory').map((event) => event.point.peak);
    expect(peaks.length).toBeGreaterThan(3);
    expect(ofKind(events, 'finished')[0]!.peakMemory).toBe(Math.max(...peaks));
  });

  it('never uses the same augmentation seed twice and never trains on validation images', () => {
    const training = images.requests.filter((request) => request.mode === 'train');
    expect(new Set(training.map((request) => request.seed)).size).toBe(training.length);
    const [first] = images.requests.filter((request) => request.mode === 'valid');
    const epoch = images.requests.slice(0, 6).flatMap((request) => request.indices);
    expect(new Set(epoch).size).toBe(12);
    expect(epoch).not.toContain(first!.indices[0]);
  });
});

describe('the hold-out', () => {
  it('is read only after the last epoch, to be predicted', async () => {
    const early: string[] = [];
    const late: string[] = [];
    let epochsLeft = 2;
    const images = fakeImages((path, seed) => {
      (epochsLeft > 0 ? early : late).push(path);
      return seed === 0 ? 0 : 0.5;
    });
    await run(fakeJob({ epochs: 2, freezeEpochs: 0 }), { openImages: images.open }, (event) => {
      if (event.kind === 'epoch') epochsLeft--;
    });
    expect(new Set(early).size).toBe(16);
    expect(early.filter((path) => !path.includes('/TRAIN/'))).toEqual([]);
    expect(new Set(late.filter((path) => path.includes('/HOLDOUT/'))).size).toBe(3);
  });

  it('is predicted where its labels are those that were trained', async () => {
    const job = fakeJob({
      epochs: 1,
      freezeEpochs: 0,
      labels: ['a', 'b'],
      predict: { test: false, valid: false, ttaPasses: 0 },
    });
    const stranger: TrainerJob['images'][number] = { ...job.images[0]!, imageId: 'stranger.jpg', label: 'c' };
    const events = await run({ ...job, images: [stranger, ...job.images] });
    const [predictions] = ofKind(events, 'predictions').map((event) => event.predictions);
    expect(predictions).toMatchObject({ split: 'HOLDOUT', vocab: ['a', 'b'] });
    expect(predictions!.imageIds).toHaveLength(3);
    expect(predictions!.imageIds).not.toContain('stranger.jpg');
  });
});

describe('progress', () => {
  it('comes at most four times a second between forced ones', async () => {
    const clock = tickingClock(1);
    const events = await run(fakeJob({ epochs: 1, freezeEpochs: 0, predict: { test: false, holdout: false } }), {
      now: clock,
    });
    // forced: preparing, epoch started, epoch finished, run finished; the whole run takes less than 250 ticks
    expect(clock()).toBeLessThan(250);
    expect(ofKind(events, 'progress')).toHaveLength(4);
    expect(ofKind(events, 'metrics').length).toBeLessThanOrEqual(4);
  });
});

describe('the seed', () => {
  const measured = async (seed: number) => {
    const events = await run(fakeJob({ seed, epochs: 1 }));
    const losses = ofKind(events, 'metrics').flatMap((event) => event.points);
    return { losses, predictions: ofKind(events, 'predictions') };
  };

  it('leaves the split alone where there is a splitSeed', async () => {
    const validated = async (seed: number) => {
      const events = await run(fakeJob({ seed, splitSeed: 5, epochs: 1, predict: { ttaPasses: 0 } }));
      const losses = ofKind(events, 'metrics').flatMap((event) => event.points);
      expect(ofKind(events, 'log')[0]!.line).toMatch(new RegExp(`, seed ${seed}, splitSeed 5$`));
      const valid = ofKind(events, 'predictions').find(({ predictions }) => predictions.split === 'VALID')!;
      return { losses, imageIds: valid.predictions.imageIds };
    };
    const [one, two] = [await validated(1), await validated(2)];
    expect(two.imageIds).toEqual(one.imageIds);
    expect(two.losses).not.toEqual(one.losses);
  });

  it('decides everything to the last bit', async () => {
    const first = await measured(3);
    expect(first.losses.length).toBeGreaterThan(0);
    expect(await measured(3)).toEqual(first);
    expect((await measured(4)).losses).not.toEqual(first.losses);
  });
});

describe('the precision', () => {
  const precisionOf = (events: readonly TrainerEvent[]) => ofKind(events, 'started')[0]!.environment.precision;
  const linesOf = (events: readonly TrainerEvent[]) => ofKind(events, 'log').map((event) => event.line);
  const short = { epochs: 1, freezeEpochs: 0, predict: { test: false, holdout: false } };

  it('FP16 records its loss scale and says which steps were skipped', async () => {
    const half = await openOnnxRuntime({ computeThreads: 2, precision: 'FP16' });
    const events = await run(fakeJob({ ...short, epochs: 4, precision: 'FP16' }, 32), { engine: half });
    await half.dispose();
    expect(ofKind(events, 'failed')).toEqual([]);
    expect(precisionOf(events)).toBe('FP16');
    expect(linesOf(events).filter((line) => line.includes('computes in'))).toEqual([]);
    const points = ofKind(events, 'metrics').flatMap((event) => event.points);
    const scales = points.filter((p) => p.name === 'train/loss_scale');
    expect(scales.map((p) => p.step)).toEqual(points.filter((p) => p.name === 'train/loss').map((p) => p.step));
    expect(scales[0]!.value).toBe(65536);
    const skips = linesOf(events).filter((line) => line.startsWith('no optimiser step'));
    expect(skips.length).toBeGreaterThan(0);
    expect(skips[0]).toBe(
      'no optimiser step after micro-batch 2 of epoch 1: its gradients overflowed at loss scale 65536, which is halved now',
    );
    // The first steps are skipped, not the last.
    expect(scales.at(-1)!.value).toBe(65536 / 2 ** skips.length);
  });

  it.each(['AUTO', 'FP32'])('%s on a CPU is FP32, without a loss scale', async (precision) => {
    const events = await run(fakeJob({ ...short, precision }));
    expect(precisionOf(events)).toBe('FP32');
    expect(linesOf(events).filter((line) => line.includes('computes in'))).toEqual([]);
    const names = ofKind(events, 'metrics').flatMap((event) => event.points.map((p) => p.name));
    expect(names).toContain('train/loss');
    expect(names).not.toContain('train/loss_scale');
  });

  it('that an engine does not have is said in the log', async () => {
    const events = await run(fakeJob({ ...short, precision: 'BF16' }));
    expect(precisionOf(events)).toBe('FP32');
    expect(linesOf(events)).toContain('onnxruntime computes in FP32, not in BF16 as asked');
  });

  it('FP16 that overflows before the gradients fails and says what to do', async () => {
    const half = await openOnnxRuntime({ computeThreads: 2, precision: 'FP16' });
    const images = fakeImages((_, seed) => (seed > 0 ? 1e6 : 0));
    const events = await run(fakeJob({ ...short, precision: 'FP16' }), { engine: half, openImages: images.open });
    await half.dispose();
    expect(ofKind(events, 'failed')[0]!.failure).toEqual({
      code: 'DIVERGED',
      message:
        'the loss became NaN at step 1 (micro-batch 1 of epoch 1 of this phase); lower baseLearningRate, or take precision BF16 or FP32',
      retryable: false,
    });
  });
});

describe('failures', () => {
  const failureOf = async (job: TrainerJob, deps: Partial<TrainerDependencies> = {}) => {
    const images = fakeImages();
    const events = await run(job, { openImages: images.open, ...deps });
    expect(events.at(-1)!.kind).toBe('failed');
    expect(images.opened).toBe(0);
    return ofKind(events, 'failed')[0]!.failure;
  };

  it('DIVERGED names the micro-batch whose loss is not a number', async () => {
    const images = fakeImages((_, seed) => (seed > 0 ? Number.NaN : 0));
    const failure = await failureOf(fakeJob(), { openImages: images.open });
    expect(failure).toEqual({
      code: 'DIVERGED',
      message: 'the loss became NaN at step 1 (micro-batch 1 of epoch 1 of this phase); lower baseLearningRate',
      retryable: false,
    });
    expect(images.opened).toBe(0);
  });

  it('DIVERGED keeps what was finite and shows what was not', async () => {
    let batches = 0;
    const images = fakeImages((_, seed) => (seed > 0 && ++batches > 6 ? Number.NaN : 0));
    const events = await run(fakeJob(), { openImages: images.open, now: tickingClock(1) });
    expect(ofKind(events, 'failed')[0]!.failure.message).toMatch(/^the loss became NaN at step 4 /);
    const points = ofKind(events, 'metrics').flatMap((event) => event.points);
    const losses = points.filter(({ name }) => name === 'train/loss');
    expect(losses.map(({ step, value }) => [step, Number.isFinite(value)])).toEqual([
      [1, true],
      [2, true],
      [3, true],
      [4, false],
    ]);
    expect(points.filter(({ name }) => name === 'lr/0').map(({ step }) => step)).toEqual([1, 2, 3]);
  });

  it('DATA_UNREADABLE names the image', async () => {
    const images = fakeImages((path) => {
      throw new ImageUnreadableError(path, 'premature end of JPEG');
    });
    const failure = await failureOf(fakeJob(), { openImages: images.open });
    expect(failure.code).toBe('DATA_UNREADABLE');
    expect(failure.message).toMatch(/^cannot read image \/data\/TRAIN\/[ab]\/\d\.jpg: premature end of JPEG$/);
  });

  it('WEIGHTS_UNAVAILABLE says what to do', async () => {
    const failure = await failureOf({ ...fakeJob(), weights: { path: '/nowhere.safetensors' } });
    expect(failure.code).toBe('WEIGHTS_UNAVAILABLE');
    expect(failure.message).toContain('pretrained: false');
  });

  it('INVALID_INPUT names the label with a single image', async () => {
    const job = fakeJob();
    const lonely = { ...job.images.at(-1)!, label: 'lonely', imageId: 'z.jpg' };
    const failure = await failureOf({ ...job, images: [...job.images, lonely] });
    expect(failure.code).toBe('INVALID_INPUT');
    expect(failure.message).toContain('"lonely"');
  });

  it('INVALID_INPUT when there are fewer images than a micro-batch takes', async () => {
    const failure = await failureOf(fakeJob({ effectiveBatchSize: 64, accumulation: 1 }));
    expect(failure).toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('a micro-batch is 64 images'),
    });
  });

  it('OUT_OF_MEMORY when the engine says so', async () => {
    const starved: Engine = {
      ...engine,
      info: engine.info,
      createState: () => Promise.reject(new RangeError('Array buffer allocation failed')),
    };
    expect((await failureOf(fakeJob(), { engine: starved })).code).toBe('OUT_OF_MEMORY');
  });
});

describe('cancellation', () => {
  it.each(['PREPARING', 'FROZEN', 'VALIDATING', 'PREDICTING'])('ends the sequence while %s', async (phase) => {
    const controller = new AbortController();
    const images = fakeImages();
    const deps = { openImages: images.open, signal: controller.signal, now: tickingClock(300) };
    let after = 0;
    const events = await run(fakeJob(), deps, (event) => {
      if (controller.signal.aborted) after++;
      else if (event.kind === 'progress' && event.progress.phase === phase) controller.abort();
    });
    expect(controller.signal.aborted).toBe(true);
    expect(after).toBeLessThanOrEqual(2);
    expect(ofKind(events, 'failed')).toEqual([]);
    expect(ofKind(events, 'finished')).toEqual([]);
    expect(images.opened).toBe(0);
  });
});

describe('a memory probe', () => {
  const probe = (changes: Record<string, unknown>) => ({
    ...fakeJob({ labels: ['a'], ...changes }, 3),
    task: { kind: 'probe', steps: 2 } as const,
  });

  it('repeats the images of its label until the steps are full', async () => {
    const images = fakeImages();
    const events = await run(probe({ effectiveBatchSize: 8, accumulation: 2 }), {
      openImages: images.open,
      now: tickingClock(10),
    });
    expect(events.map((event) => event.kind)).toEqual(['started', 'probed']);
    expect(ofKind(events, 'probed')[0]).toMatchObject({ peakMemory: 100 });
    expect(ofKind(events, 'probed')[0]!.imagesPerSecond).toBeGreaterThan(0);
    const training = images.requests.filter((request) => request.mode === 'train');
    expect(training.map((request) => request.indices.length)).toEqual([4, 4, 4, 4]);
    expect(new Set(training.flatMap((request) => request.indices))).toEqual(new Set([0, 1, 2]));
    expect(images.opened).toBe(0);
  });

  it('takes its steps in FP16 too, so that the optimiser’s memory is measured', async () => {
    const half = await openOnnxRuntime({ computeThreads: 2, precision: 'FP16' });
    let updates = 0;
    const watched: Engine = {
      info: half.info,
      createState: (entries) => half.createState(entries),
      dispose: () => half.dispose(),
      async compile(definition) {
        const step = await half.compile(definition);
        return {
          run(inputs) {
            if ('unscale' in inputs) updates++;
            return step.run(inputs);
          },
          dispose: () => step.dispose(),
        };
      },
    };
    const events = await run(probe({ effectiveBatchSize: 8, accumulation: 2, precision: 'FP16' }), { engine: watched });
    await half.dispose();
    expect(events.map((event) => event.kind)).toEqual(['started', 'probed']);
    expect(updates).toBe(2);
  });

  it('fails when the label has no image', async () => {
    const events = await run(probe({ labels: ['c'] }));
    expect(ofKind(events, 'failed')[0]!.failure).toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('a comparison of accumulated gradients', () => {
  const compare = (changes: Record<string, unknown>) => ({
    ...fakeJob({ labels: ['a'], effectiveBatchSize: 4, accumulation: 1, ...changes }, 3),
    task: { kind: 'compare', accumulation: 2 } as const,
  });

  it('takes the images of its label once, without augmentation, and repeats them until the step is full', async () => {
    const images = fakeImages();
    const events = await run(compare({}), { openImages: images.open });
    expect(events.map((event) => event.kind)).toEqual(['started', 'compared']);
    const { equivalence } = ofKind(events, 'compared')[0]!;
    expect(equivalence).toMatchObject({ accumulation: 2, samples: 4 });
    expect(equivalence.gradientMax).toBeGreaterThan(0);
    expect(agrees(equivalence)).toBe(true);
    expect(images.requests).toMatchObject([{ mode: 'valid', indices: [0, 1, 2, 0] }]);
    expect(images.opened).toBe(0);
  });

  it('fails when the label has no image', async () => {
    const events = await run(compare({ labels: ['c'] }));
    expect(ofKind(events, 'failed')[0]!.failure).toMatchObject({ code: 'INVALID_INPUT' });
  });
});
