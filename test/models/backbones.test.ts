import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, Tensors } from '../../src/engine/engine.ts';
import { layerNorm } from '../../src/engine/ops.ts';
import type { Body } from '../../src/models/body.ts';
import { pool } from '../../src/models/head.ts';
import { weightsOf } from '../../src/models/parameters.ts';
import { vit, vitTokens } from '../../src/models/vit.ts';
import { engines } from '../learner/engines.ts';
import { goldenBody, vitSizes, windowedBody } from './goldenBodies.ts';
import { excess, type GoldenTensors, goldenJson, goldenTensors } from './goldenFiles.ts';

interface Case {
  readonly name: string;
  readonly body: Body;
  /** timm's `forward_features`. */
  readonly features: (weights: Tensors, images: tf.Tensor, masks?: Tensors) => tf.Tensor;
}

/** `train`: with the drop-path masks of the fixture, `train_` before what it names. */
function caseOf(name: string): Case {
  const { family, config, droppath } = goldenJson(`models/${name}`);
  if (family === 'convnext') {
    const body = goldenBody(family, config);
    return { name, body, features: (w, images) => body.forward(weightsOf(w), images) };
  }
  if (family === 'vit') {
    const sizes = vitSizes(config);
    const norm = (x: tf.Tensor, w: Tensors) => layerNorm(x, w['norm.weight']!, w['norm.bias']!, 1e-6);
    return { name, body: vit(sizes), features: (w, images) => norm(vitTokens(sizes, weightsOf(w), images), w) };
  }
  const body = windowedBody(family, config, droppath?.drop_path_rate ?? 0);
  return { name, body, features: (w, images, masks) => body.features(weightsOf(w), images, masks) };
}

const names = ['convnext_a', 'convnext_b', 'vit_a', 'vit_b', 'swin_a', 'swin_b', 'swin_c', 'swin_d'];
const cases = [...names, 'swinv2_a', 'swinv2_b', 'swinv2_c'].map(caseOf);

describe.each(engines)('on $name', ({ create }) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await create();
  });
  afterAll(() => engine.dispose());

  describe.each(cases)('$name', ({ name, body, features }) => {
    const { key_shapes, params_without_grad, family, droppath } = goldenJson(`models/${name}`);
    /** Of a gradient's largest element. */
    const tolerance = family === 'swinv2' ? 2e-3 : 1e-3;
    let results: Record<string, Float32Array>;
    let io: GoldenTensors;
    let grads: GoldenTensors;

    beforeAll(async () => {
      const weights = await goldenTensors(`models/${name}.weights`);
      io = await goldenTensors(`models/${name}.io`);
      grads = await goldenTensors(`models/${name}.grads`);
      results = await runOnce(engine, body, features, weights, io);
    });

    const values = (key: string) =>
      io.shape(key).length === 4 && family === 'convnext' ? io.nhwc(key) : io.float(key);

    it('has timm’s keys and shapes, in its order', () => {
      const entries = body.parameters.map((p): [string, readonly number[]] => [p.name, p.shape]);
      expect(Object.fromEntries(entries)).toEqual(key_shapes);
      expect(entries.map(([key]) => key)).toEqual(Object.keys(key_shapes));
      expect(body.parameters.filter((p) => !p.used).map((p) => p.name)).toEqual(params_without_grad);
    });

    it('computes features and the pooled vector', () => {
      expect(excess(results.features!, values('features'), 2e-4, 2e-4)).toBeLessThan(1);
      expect(excess(results.pooled!, io.float('pooled'), 2e-4, 2e-4)).toBeLessThan(1);
      expect(body.headInputs).toBe(io.shape('pooled')[1]);
    });

    it('computes the gradient of every parameter and of the input', () => {
      const keys = grads.names.filter((key) => !key.startsWith('train::'));
      for (const key of keys) {
        expect(excess(results[`gradient/${key}`]!, grads.float(key), 1e-7, tolerance), key).toBeLessThan(1);
      }
      expect(keys.length).toBe(body.parameters.filter((p) => p.used).length);
      expect(excess(results.inputGradient!, io.nhwc('grad_input'), 1e-7, tolerance)).toBeLessThan(1);
    });

    it.runIf(droppath)('drops branches in training', async () => {
      const rates = Object.entries(droppath.per_module_rate as Record<string, number>);
      expect(body.masks).toEqual(
        rates.map(([key, rate]) => ({ name: key, shape: [], keep: expect.closeTo(1 - rate, 6) })),
      );
      const masks = Object.fromEntries(
        rates.map(([key, rate]) => [key, io.float(`droppath_mask.${key}`).map((kept) => kept / (1 - rate))]),
      );
      const weights = await goldenTensors(`models/${name}.weights`);
      const trained = await runOnce(engine, body, features, weights, io, masks);
      expect(excess(trained.features!, values('train_features'), 2e-4, 2e-4)).toBeLessThan(1);
      expect(excess(trained.pooled!, io.float('train_pooled'), 2e-4, 2e-4)).toBeLessThan(1);
      const keys = grads.names.filter((key) => key.startsWith('train::'));
      expect(keys.length).toBeGreaterThan(20);
      for (const key of keys) {
        const gradient = trained[`gradient/${key.slice('train::'.length)}`]!;
        expect(excess(gradient, grads.float(key), 1e-7, tolerance), key).toBeLessThan(1);
      }
    });
  });
});

/** Forward and backward of sum(pooled * R), as the fixture defines its loss. `masks` [n] each: a training pass. */
async function runOnce(
  engine: Engine,
  body: Body,
  features: Case['features'],
  weights: GoldenTensors,
  io: GoldenTensors,
  masks: Record<string, Float32Array> = {},
): Promise<Record<string, Float32Array>> {
  const [n, channels, height, width] = io.shape('input') as [number, number, number, number];
  const names = body.parameters.filter((p) => p.used).map((p) => p.name);
  const state = await engine.createState(
    Object.fromEntries(names.map((key) => [key, { shape: weights.shape(key), data: weights.float(key) }])),
  );
  const step = await engine.compile({
    state,
    uses: names,
    inputs: {
      images: { shape: [n, height, width, channels] },
      projection: { shape: io.shape('loss_proj') },
      ...Object.fromEntries(Object.keys(masks).map((key) => [key, { shape: [n] }])),
    },
    fn: (tensors, { images, projection, ...given }) => {
      const training = Object.keys(masks).length > 0 ? given : undefined;
      const pooled = (x: tf.Tensor) => pool(body.forward(weightsOf(tensors), x, training));
      const loss = (x: tf.Tensor) => pooled(x).mul(projection!).sum().asScalar();
      const gradients = tf.grads((x: tf.Tensor) => loss(x))([images!, ...names.map((key) => tensors[key]!)]);
      return {
        out: {
          features: features(tensors, images!, training),
          pooled: pooled(images!),
          inputGradient: gradients[0]!,
          ...Object.fromEntries(names.map((key, i) => [`gradient/${key}`, gradients[i + 1]!])),
        },
      };
    },
  });
  const out = await step.run({ images: io.nhwc('input'), projection: io.float('loss_proj'), ...masks });
  const copies = Object.fromEntries(Object.entries(out).map(([key, values]) => [key, Float32Array.from(values)]));
  await step.dispose();
  state.dispose();
  return copies;
}
