import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSafetensors } from '../../src/blobs/safetensors.ts';
import { checkpointName } from '../../src/domain/checkpoint.ts';
import { createRandom } from '../../src/domain/random.ts';
import type { TrainerEvent, TrainerJob, TrainerResume } from '../../src/domain/trainer.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { openOnnxRuntime } from '../../src/engine/onnxruntime/engine.ts';
import { trainRun } from '../../src/learner/trainRun.ts';
import { fakeImages, fakeJob, fakeMemory, ofKind, tickingClock } from './fakes.ts';

const precisions = ['FP32', 'FP16'] as const;
let folder: string;
let folders = 0;
const engines = {} as Record<(typeof precisions)[number], Engine>;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-resume-'));
  for (const precision of precisions) engines[precision] = await openOnnxRuntime({ computeThreads: 2, precision });
});
afterAll(async () => {
  for (const precision of precisions) await engines[precision].dispose();
  await rm(folder, { recursive: true });
});

interface AttemptOptions {
  readonly precision?: (typeof precisions)[number];
  readonly resume?: TrainerResume | null;
  /** After this event the attempt ends as a killed process does: nothing more is written. */
  readonly until?: (event: TrainerEvent) => boolean;
  readonly drain?: AbortSignal;
}

/** Runs an attempt; returns what it told. */
async function attempt(job: TrainerJob, options: AttemptOptions = {}): Promise<TrainerEvent[]> {
  const { precision = 'FP32', resume = null, until = () => false } = options;
  const outputDirectory = path.join(folder, String(++folders));
  await mkdir(outputDirectory);
  const deps = {
    ...{ engine: engines[precision], openImages: fakeImages().open, memory: fakeMemory(), now: tickingClock(20) },
    ...{ signal: new AbortController().signal, drain: options.drain ?? new AbortController().signal },
  };
  const events: TrainerEvent[] = [];
  const own = { ...job, resume, resources: { ...job.resources, outputDirectory } };
  for await (const event of trainRun(own, deps)) {
    events.push(event);
    if (until(event)) break;
  }
  expect(ofKind(events, 'failed')).toEqual([]);
  return events;
}

/** What is stored of a run's attempts, each thing once: what came first stays. */
async function stored(attempts: readonly (readonly TrainerEvent[])[]) {
  const events = attempts.flat();
  const points = new Map<string, number>();
  for (const { points: given } of ofKind(events, 'metrics')) {
    for (const { name, step, value } of given) {
      const key = `${name} ${step}`;
      // A point that is computed again has the value that it had.
      expect(points.get(key) ?? value, key).toBe(value);
      points.set(key, value);
    }
  }
  const epochs = new Map<number, object>();
  for (const { epoch } of ofKind(events, 'epoch')) {
    const { seconds: _, imagesPerSecond: __, peakMemory: ___, ...same } = epoch;
    expect(epochs.get(epoch.index) ?? same).toEqual(same);
    epochs.set(epoch.index, same);
  }
  const predictions = new Map(
    ofKind(events, 'predictions').map(({ predictions: { probabilities, ...set } }) => [
      `${set.split} ${set.kind}`,
      { ...set, hash: hashOf(probabilities) },
    ]),
  );
  const [weights] = ofKind(events, 'artifact');
  const tensors = await readSafetensors(weights!.artifact.path);
  return {
    points: Object.fromEntries([...points].sort()),
    epochs: Object.fromEntries(epochs),
    predictions: Object.fromEntries([...predictions].sort()),
    weights: Object.fromEntries([...tensors].map(([name, { data }]) => [name, hashOf(data)])),
  };
}

function hashOf({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return createHash('sha256')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest('hex');
}

const newest = (events: readonly TrainerEvent[]) => ofKind(events, 'checkpoint').at(-1)?.checkpoint;
const resumeFrom = (attempts: readonly (readonly TrainerEvent[])[]): TrainerResume => {
  const checkpoint = newest(attempts.flat());
  const predicted = ofKind(attempts.flat(), 'predictions').map(({ predictions }) => predictions);
  return { checkpoint: checkpoint ? { path: checkpoint.path } : null, predicted };
};

/** 6 micro-batches of 2 an epoch, 4 of them a step: accumulation carries over epochs and leaves gradients between fits. */
const job = (changes: Record<string, unknown> = {}) =>
  fakeJob({ effectiveBatchSize: 8, accumulation: 4, checkpoints: { everyMinutes: 0.005, keepLast: 2 }, ...changes });

describe.each([
  { schedule: 'FINE_TUNE', precision: 'FP32' },
  { schedule: 'FINE_TUNE', precision: 'FP16' },
  { schedule: 'FIT_ONE_CYCLE', precision: 'FP32' },
  { schedule: 'FIT_ONE_CYCLE', precision: 'FP16' },
] as const)('$schedule in $precision', ({ schedule, precision }) => {
  it('interrupted at random events, it ends as it would have without, to the last bit', async () => {
    const own = job({ schedule });
    const whole = await attempt(own, { precision });
    const expected = await stored([whole]);
    const random = createRandom(schedule.length, precision);
    const attempts: TrainerEvent[][] = [];
    for (let last = false; !last; ) {
      let left = 1 + random.integer(attempts.length < 6 ? whole.length / 2 : 1000);
      const resume = attempts.length ? resumeFrom(attempts) : null;
      const events = await attempt(own, { precision, resume, until: () => --left === 0 });
      const [started] = ofKind(events, 'started');
      expect(started?.resumedFrom === null).toBe(!resume?.checkpoint);
      attempts.push(events);
      last = events.at(-1)!.kind === 'finished';
    }
    expect(attempts.length).toBeGreaterThan(2);
    expect(await stored(attempts)).toEqual(expected);
  });
});

describe('a checkpoint', () => {
  it('is written after every epoch and when the minutes are over', async () => {
    const names = (events: readonly TrainerEvent[]) =>
      ofKind(events, 'checkpoint').map(({ checkpoint }) => checkpoint.name);
    const epochsOnly = await attempt(job({ checkpoints: { everyMinutes: 0 } }));
    expect(names(epochsOnly)).toEqual([1, 2, 3].map((epoch) => checkpointName({ epoch, batch: 0 })));
    // The clock moves by 20 ms whenever it is read, so that a few micro-batches are 0.2 s.
    const often = names(await attempt(job({ checkpoints: { everyMinutes: 0.2 / 60 } })));
    expect(often.length).toBeGreaterThan(3);
    expect(often).toEqual(expect.arrayContaining([1, 2, 3].map((epoch) => checkpointName({ epoch, batch: 0 }))));
    expect(names(await attempt(job({ checkpoints: { keepLast: 0 } })))).toEqual([]);
  });

  it('comes after everything that it has behind it', async () => {
    const events = await attempt(job({ checkpoints: { everyMinutes: 0.0001 } }));
    let step = 0;
    for (const event of events) {
      if (event.kind === 'metrics') step = Math.max(step, ...event.points.map((point) => point.step));
      if (event.kind !== 'checkpoint') continue;
      const resumed = await attempt(job({ checkpoints: { keepLast: 0 } }), {
        resume: { checkpoint: event.checkpoint, predicted: [] },
        until: ({ kind }) => kind === 'started',
      });
      expect(ofKind(resumed, 'started')[0]?.resumedFrom).toMatchObject({ step });
    }
    expect(step).toBe(18);
  });

  it('leaves out what is zero, and the moments between fits', async () => {
    const events = await attempt(job({ effectiveBatchSize: 4, accumulation: 2, checkpoints: { everyMinutes: 0 } }));
    const kinds = async (index: number) => {
      const tensors = await readSafetensors(ofKind(events, 'checkpoint')[index]!.checkpoint.path);
      return new Set([...tensors.keys()].map((name) => /^(gradient|mean|square)\//.exec(name)?.[1] ?? 'weights'));
    };
    expect(await kinds(0)).toEqual(new Set(['weights']));
    expect(await kinds(1)).toEqual(new Set(['weights', 'mean', 'square']));
    expect(await kinds(2)).toEqual(new Set(['weights']));
  });

  it('of another training is refused: other images, another config', async () => {
    const checkpoint = newest(await attempt(job()))!;
    const resume: TrainerResume = { checkpoint, predicted: [] };
    const failureOf = async (other: TrainerJob) => {
      const deps = {
        ...{ engine: engines.FP32, openImages: fakeImages().open, memory: fakeMemory(), now: tickingClock(20) },
        ...{ signal: new AbortController().signal, drain: new AbortController().signal },
      };
      const events: TrainerEvent[] = [];
      for await (const event of trainRun({ ...other, resume }, deps)) events.push(event);
      return ofKind(events, 'failed')[0]?.failure.message;
    };
    expect(await failureOf(job({ seed: 8 }))).toMatch(/is a checkpoint of another training/);
    const [first, ...rest] = job().images;
    expect(await failureOf({ ...job(), images: [{ ...first!, contentHash: 'other' }, ...rest] })).toMatch(/another/);
    // What only says how the training is run may change.
    const resumed = await attempt(job({ checkpoints: { keepLast: 0 }, memoryBudget: 10 ** 12 }), { resume });
    expect(resumed.at(-1)!.kind).toBe('finished');
  });

  it('that cannot be written is a line in the log', async () => {
    const own = job();
    const events: TrainerEvent[] = [];
    const deps = {
      ...{ engine: engines.FP32, openImages: fakeImages().open, memory: fakeMemory(), now: tickingClock(20) },
      ...{ signal: new AbortController().signal, drain: new AbortController().signal },
    };
    for await (const event of trainRun(own, deps)) events.push(event);
    expect(events.at(-1)!.kind).toBe('finished');
    expect(ofKind(events, 'log').map(({ line }) => line)).toContainEqual(
      expect.stringMatching(/^the checkpoint after epoch 1 could not be written: ENOENT/),
    );
  });
});

describe('after the training', () => {
  it('what is predicted already is not predicted again, and nothing is trained', async () => {
    const own = job();
    const first = await attempt(own, { until: ({ kind }) => kind === 'predictions' });
    const second = await attempt(own, { resume: resumeFrom([first]) });
    expect(ofKind(second, 'epoch')).toEqual([]);
    expect(ofKind(second, 'predictions').map(({ predictions }) => predictions.split)).toEqual(['TEST', 'HOLDOUT']);
    const progress = ofKind(second, 'progress').at(-1)!.progress;
    expect(progress).toMatchObject({ phase: 'PREDICTING', epoch: 3, batch: progress.batches, etaSeconds: 0 });
    const seconds = (events: readonly TrainerEvent[]) => ofKind(events, 'finished')[0]!.trainSeconds;
    expect(seconds(second)).toBeGreaterThan(0);
    expect(await stored([first, second])).toEqual(await stored([await attempt(own)]));
  });
});

describe('a worker that stops', () => {
  it.each(['FROZEN', 'VALIDATING', 'PREDICTING'])('gets a checkpoint while %s, and the attempt ends', async (phase) => {
    const draining = new AbortController();
    const own = job({ checkpoints: { everyMinutes: 0 } });
    let after = 0;
    const first = await attempt(own, {
      drain: draining.signal,
      until(event) {
        if (draining.signal.aborted) after++;
        else if (event.kind === 'progress' && event.progress.phase === phase) draining.abort();
        return false;
      },
    });
    expect(draining.signal.aborted).toBe(true);
    expect(after).toBeLessThanOrEqual(4);
    expect(first.at(-1)!.kind).not.toBe('finished');
    const directory = path.dirname(newest(first)!.path);
    expect(await readdir(directory)).toEqual(
      ofKind(first, 'checkpoint')
        .map(({ checkpoint }) => checkpoint.name)
        .sort(),
    );
    const second = await attempt(own, { resume: resumeFrom([first]) });
    expect(await stored([first, second])).toEqual(await stored([await attempt(own)]));
  });
});
