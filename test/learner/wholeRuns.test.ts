import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sizeOf } from '../../src/domain/shape.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { createLearner, type Learner, type TrainBatch } from '../../src/learner/learner.ts';
import { type FitData, type FitEvent, runFit, type ValidBatch } from '../../src/learner/loop.ts';
import { type Fit, fineTune, fitOneCycle } from '../../src/learner/schedules.ts';
import { classifier } from '../../src/models/model.ts';
import { decays, trainable } from '../../src/models/parameters.ts';
import { goldenBody } from '../models/goldenBodies.ts';
import { excess, type GoldenTensors, goldenJson, goldenTensors, maxDifference } from '../models/goldenFiles.ts';
import { engines } from './engines.ts';

const fineTuned = (args: { epochs: number; lr: number }): Fit[] => fineTune(args.epochs, 1, args.lr);
const oneCycle = (args: { epochs: number; lr: number }): Fit[] => fitOneCycle(args.epochs, args.lr);
const runs = [
  { name: 'finetune_convnext', fits: fineTuned, pools: true },
  { name: 'finetune_swin', fits: fineTuned, pools: false },
  { name: 'fit_one_cycle_vit', fits: oneCycle, pools: false },
];

/** Our name of a fixture's key: fastai numbers the head's layers, the pooling being layer 0 where there is one. */
function ourName(key: string, pools: boolean): string {
  if (key.startsWith('0.model.')) return key.replace('0.model', 'body');
  const [, index, rest] = /^1\.(\d+)\.(.*)$/.exec(key)!;
  const layer = Number(index) - (pools ? 1 : 0);
  return `head.${['bn1', 'linear1', 'relu', 'bn2', 'linear2'][layer]}.${rest}`;
}

function section(golden: GoldenTensors, name: string, pools: boolean): Map<string, Float32Array> {
  return new Map(
    golden.names
      .filter((key) => key.startsWith(`${name}::`))
      .map((key) => [ourName(key.slice(name.length + 2), pools), golden.float(key)]),
  );
}

describe.each(engines)('whole runs on $name', ({ create }) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await create();
  });
  afterAll(() => engine.dispose());

  it.each(runs)('$name', async ({ name, fits, pools }) => {
    const { args, log, tolerance, ...golden } = goldenJson(`e2e/${name}`);
    const tensors = await goldenTensors(`e2e/${name}`);
    const model = classifier(goldenBody(args.fam, args.kw), { height: args.img[0], width: args.img[1] }, args.nout);
    const keys = [...golden.param_group0, ...golden.param_group1] as string[];
    expect(new Set(model.parameters.map((p) => p.name))).toEqual(new Set(keys.map((key) => ourName(key, pools))));
    for (const key of keys) {
      const p = model.parameters.find((p) => p.name === ourName(key, pools))!;
      expect(p.group, key).toBe(golden.param_group0.includes(key) ? 0 : 1);
      expect(decays(p), key).toBe(golden.do_wd[key]);
    }
    const frozenBody = trainable(model.parameters, true).filter((p) => p.group === 0);
    const hasGradient = (n: string) => model.parameters.find((p) => p.name === n)!.used;
    expect(frozenBody.map((p) => p.name)).toEqual(
      golden.trained_while_frozen.map((key: string) => ourName(key, pools)).filter(hasGradient),
    );

    const learner = await createLearner({
      engine,
      model,
      weights: section(tensors, 'init', pools),
      batchSize: args.bs,
      effectiveBatchSize: args.n_acc,
      weightDecay: 0.01,
    });
    const events: (FitEvent & { fit: number })[] = [];
    for (const [fit, plan] of fits(args).entries()) {
      for await (const event of runFit(learner, plan, dataOf(learner, tensors, log.micro, fit))) {
        events.push({ ...event, fit });
      }
      if (fit === 0 && plan.frozen) {
        const expected = section(tensors, 'after_frozen_phase', pools);
        expect(expected.size).toBeGreaterThan(10);
        for (const [key, values] of expected) {
          expect(maxDifference(await learner.read(key), values), key).toBeLessThan(tolerance.param_atol);
        }
      }
    }

    const trained = events.filter((event) => event.kind === 'trained');
    expect(trained).toHaveLength(log.micro.length);
    log.micro.forEach((micro: Record<string, never>, i: number) => {
      const event = trained[i]!;
      const at = `micro-batch ${i}`;
      expect([event.fit, event.epoch, event.batch, event.stepped], at).toEqual([
        micro.fit,
        micro.epoch,
        micro.iter,
        micro.stepped,
      ]);
      expect(excess(event.learningRates, micro.lr!, 0, 1e-5), at).toBeLessThan(1);
      expect(event.momentum, at).toBeCloseTo(micro.mom!, 5);
      expect(Math.abs(event.loss - micro.loss!), at).toBeLessThan(tolerance.loss_atol);
      expect(Math.abs(event.smoothedLoss - micro.smoothed!), at).toBeLessThan(tolerance.loss_atol);
    });
    const epochs = events.filter((event) => event.kind === 'epoch');
    expect(epochs).toHaveLength(log.epochs.length);
    log.epochs.forEach((epoch: Record<string, number>, i: number) => {
      expect(Math.abs(epochs[i]!.trainLoss - epoch.train_loss!)).toBeLessThan(tolerance.loss_atol);
      expect(Math.abs(epochs[i]!.validation.loss - epoch.valid_loss!)).toBeLessThan(tolerance.loss_atol);
      expect(epochs[i]!.validation.errorRate).toBeCloseTo(epoch.error_rate!, 5);
    });
    for (const [key, values] of section(tensors, 'final', pools)) {
      expect(maxDifference(await learner.read(key), values), key).toBeLessThan(tolerance.param_atol);
    }
    const logits: number[] = [];
    for await (const { inputs } of dataOf(learner, tensors, [], 0).valid()) {
      logits.push(...(await learner.predict(inputs)));
    }
    expect(maxDifference(logits, tensors.float('valid_logits_final'))).toBeLessThan(tolerance.loss_atol);
    await learner.dispose();
  });
});

/** The fixture's batches in its order, without dropout. */
function dataOf(
  { model, batchSize }: Learner,
  tensors: GoldenTensors,
  log: readonly { fit: number; epoch: number; indices: readonly number[] }[],
  fit: number,
): FitData {
  const images = tensors.nhwc('X');
  const validImages = tensors.nhwc('VX');
  const row = sizeOf(model.inputShape);
  const masks = Object.fromEntries(
    model.masks.map(({ name, shape }) => [name, new Float32Array(batchSize * sizeOf(shape)).fill(1)]),
  );
  const take = (source: Float32Array, indices: readonly number[]) => {
    const result = new Float32Array(indices.length * row);
    indices.forEach((index, i) => {
      result.set(source.subarray(index * row, (index + 1) * row), i * row);
    });
    return result;
  };
  const epochBatches = (epoch: number) => log.filter((m) => m.fit === fit && m.epoch === epoch);
  const labels = tensors.int('Y');
  const validLabels = tensors.int('VY');
  return {
    trainBatches: epochBatches(0).length,
    validBatches: Math.ceil(validLabels.length / batchSize),
    async *train(epoch): AsyncGenerator<TrainBatch> {
      for (const { indices } of epochBatches(epoch)) {
        yield { inputs: take(images, indices), labels: Int32Array.from(indices, (i) => labels[i]!), masks };
      }
    },
    async *valid(): AsyncGenerator<ValidBatch> {
      for (let i = 0; i < validLabels.length; i += batchSize) {
        yield {
          inputs: validImages.slice(i * row, (i + batchSize) * row),
          labels: validLabels.slice(i, i + batchSize),
        };
      }
    },
  };
}
