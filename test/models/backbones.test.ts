import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, Tensors } from '../../src/engine/engine.ts';
import { layerNorm } from '../../src/engine/ops.ts';
import type { Body } from '../../src/models/body.ts';
import { convnext } from '../../src/models/convnext.ts';
import { pool } from '../../src/models/head.ts';
import { weightsOf } from '../../src/models/parameters.ts';
import { type VitSizes, vit, vitTokens } from '../../src/models/vit.ts';
import { engines } from '../learner/engines.ts';
import { excess, type GoldenTensors, goldenJson, goldenTensors } from './goldenFiles.ts';

interface Case {
  readonly name: string;
  readonly body: Body;
  /** timm's `forward_features`. */
  readonly features: (weights: Tensors, images: tf.Tensor) => tf.Tensor;
}

function convnextCase(name: string): Case {
  const { config } = goldenJson(`models/${name}`);
  const body = convnext({ depths: config.depths, dims: config.dims, convMlp: config.conv_mlp ?? false });
  return { name, body, features: (weights, images) => body.forward(weightsOf(weights), images) };
}

function vitCase(name: string): Case {
  const { config } = goldenJson(`models/${name}`);
  const [height, width] = [config.img_size].flat().length === 2 ? config.img_size : [config.img_size, config.img_size];
  const sizes: VitSizes = {
    depth: config.depth,
    dim: config.embed_dim,
    heads: config.num_heads,
    patch: config.patch_size,
    size: { height, width },
  };
  return {
    name,
    body: vit(sizes),
    features: (w, images) =>
      layerNorm(vitTokens(sizes, weightsOf(w), images), w['norm.weight']!, w['norm.bias']!, 1e-6),
  };
}

const cases = [convnextCase('convnext_a'), convnextCase('convnext_b'), vitCase('vit_a'), vitCase('vit_b')];

describe.each(engines)('on $name', ({ create }) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await create();
  });
  afterAll(() => engine.dispose());

  describe.each(cases)('$name', ({ name, body, features }) => {
    let results: Record<string, Float32Array>;
    let io: GoldenTensors;
    let grads: GoldenTensors;

    beforeAll(async () => {
      const weights = await goldenTensors(`models/${name}.weights`);
      io = await goldenTensors(`models/${name}.io`);
      grads = await goldenTensors(`models/${name}.grads`);
      results = await runOnce(engine, body, features, weights, io);
    });

    it('has timm’s keys and shapes', () => {
      const { key_shapes, params_without_grad } = goldenJson(`models/${name}`);
      expect(Object.fromEntries(body.parameters.map((p) => [p.name, p.shape]))).toEqual(key_shapes);
      expect(body.parameters.filter((p) => !p.used).map((p) => p.name)).toEqual(params_without_grad);
    });

    it('computes features and the pooled vector', () => {
      const expected = io.shape('features').length === 4 ? io.nhwc('features') : io.float('features');
      expect(excess(results.features!, expected, 2e-4, 2e-4)).toBeLessThan(1);
      expect(excess(results.pooled!, io.float('pooled'), 2e-4, 2e-4)).toBeLessThan(1);
      expect(body.headInputs).toBe(io.shape('pooled')[1]);
    });

    it('computes the gradient of every parameter and of the input', () => {
      for (const key of grads.names) {
        expect(excess(results[`gradient/${key}`]!, grads.float(key), 1e-7, 1e-3), key).toBeLessThan(1);
      }
      expect(grads.names.length).toBe(body.parameters.filter((p) => p.used).length);
      expect(excess(results.inputGradient!, io.nhwc('grad_input'), 1e-7, 1e-3)).toBeLessThan(1);
    });
  });
});

/** Forward and backward of sum(pooled * R), as the fixture defines its loss. */
async function runOnce(
  engine: Engine,
  body: Body,
  features: Case['features'],
  weights: GoldenTensors,
  io: GoldenTensors,
): Promise<Record<string, Float32Array>> {
  const [n, channels, height, width] = io.shape('input') as [number, number, number, number];
  const names = body.parameters.filter((p) => p.used).map((p) => p.name);
  const state = await engine.createState(
    Object.fromEntries(names.map((key) => [key, { shape: weights.shape(key), data: weights.float(key) }])),
  );
  const step = await engine.compile({
    state,
    uses: names,
    inputs: { images: { shape: [n, height, width, channels] }, projection: { shape: io.shape('loss_proj') } },
    fn: (tensors, { images, projection }) => {
      const pooled = (x: tf.Tensor) => pool(body.forward(weightsOf(tensors), x));
      const loss = (x: tf.Tensor) => pooled(x).mul(projection!).sum().asScalar();
      const gradients = tf.grads((x: tf.Tensor) => loss(x))([images!, ...names.map((key) => tensors[key]!)]);
      return {
        out: {
          features: features(tensors, images!),
          pooled: pooled(images!),
          inputGradient: gradients[0]!,
          ...Object.fromEntries(names.map((key, i) => [`gradient/${key}`, gradients[i + 1]!])),
        },
      };
    },
  });
  const out = await step.run({ images: io.nhwc('input'), projection: io.float('loss_proj') });
  const copies = Object.fromEntries(Object.entries(out).map(([key, values]) => [key, Float32Array.from(values)]));
  await step.dispose();
  state.dispose();
  return copies;
}
