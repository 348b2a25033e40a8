import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { TrainerEvent } from '../../src/domain/trainer.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { openOnnxRuntime } from '../../src/engine/onnxruntime/engine.ts';
import { predictImages } from '../../src/learner/predict.ts';
import { openPredictor } from '../../src/learner/predictor.ts';
import { trainRun } from '../../src/learner/trainRun.ts';
import { openSavedModel, readWeights } from '../../src/models/savedModel.ts';
import { fakeImages, fakeJob, fakeMemory, ofKind, tickingClock } from './fakes.ts';

const engines = {} as Record<'FP32' | 'FP16', Engine>;
let folder: string;
beforeAll(async () => {
  for (const precision of ['FP32', 'FP16'] as const)
    engines[precision] = await openOnnxRuntime({ computeThreads: 2, precision });
});
afterAll(async () => {
  for (const engine of Object.values(engines)) await engine.dispose();
});
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'output-'));
});
afterEach(() => rm(folder, { recursive: true }));

const signal = new AbortController().signal;

async function run(
  outputDirectory: string,
  openImages = fakeImages().open,
  engine = engines.FP32,
): Promise<TrainerEvent[]> {
  const events: TrainerEvent[] = [];
  const job = fakeJob({ epochs: 1 });
  const deps = { engine, openImages, memory: fakeMemory(), now: tickingClock(1), signal, drain: signal };
  const own = { ...job, resources: { ...job.resources, outputDirectory } };
  for await (const event of trainRun(own, deps)) events.push(event);
  return events;
}

it.each(['FP32', 'FP16'] as const)(
  'the weights that a run in %s leaves predict what it has predicted',
  async (precision) => {
    const images = fakeImages();
    const engine = engines[precision];
    const events = await run(folder, images.open, engine);
    const file = path.join(folder, 'weights.safetensors');
    expect(await readdir(folder)).toEqual(['weights.safetensors']);
    expect(ofKind(events, 'artifact')).toEqual([
      { kind: 'artifact', artifact: { kind: 'WEIGHTS', name: 'weights.safetensors', path: file } },
    ]);
    expect(events.slice(-4).map(({ kind }) => kind)).toContain('artifact');
    expect(events.at(-1)!.kind).toBe('finished');

    const saved = await openSavedModel(file);
    const { info, prediction, model } = saved;
    const weights = await readWeights(saved);
    await saved.close();
    expect(info).toMatchObject({ runId: 'run_1', vocab: ['a', 'b'], size: { height: 32, width: 32 } });
    expect(prediction).toEqual({ batchSize: 2, seed: 7, minScale: 0.75, beta: 0.25, precision });
    const stored = ofKind(events, 'predictions').find(({ predictions }) => predictions.split === 'TEST')!.predictions;
    const { mean, std } = info.architecture;
    const pipeline = await images.open({
      images: fakeJob()
        .images.filter(({ split }) => split === 'TEST')
        .sort((a, b) => (a.imageId < b.imageId ? -1 : 1)),
      spec: { itemTransform: info.itemTransform, size: info.size, minScale: prediction.minScale, mean, std },
      ...{ threads: 1, cacheDirectory: '/nowhere', cacheLimitBytes: 0 },
    });
    const predictor = await openPredictor(engine, model, weights, prediction.batchSize);
    const settings = { passes: stored.passes, beta: prediction.beta, seed: prediction.seed, key: 'TEST', signal };
    const steps = predictImages(predictor, pipeline, [...stored.imageIds.keys()], settings);
    let step = await steps.next();
    while (!step.done) step = await steps.next();
    expect(step.value).toEqual(stored.probabilities);
    await predictor.dispose();
    await pipeline.close();
  },
);

it('a full or missing disk costs the weights, not the run', async () => {
  const events = await run(path.join(folder, 'missing'));
  expect(ofKind(events, 'artifact')).toEqual([]);
  expect(ofKind(events, 'predictions').length).toBeGreaterThan(0);
  expect(ofKind(events, 'log').at(-1)!.line).toMatch(/^the weights could not be written: ENOENT/);
  expect(events.at(-1)!.kind).toBe('finished');
});
