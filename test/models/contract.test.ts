/**
 * What every architecture of the catalogue keeps to, computed: in miniature (the same constructor, fewer and narrower blocks), and the
 * smallest member of each family as it is. The tables of the real ones are in catalogue.test.ts.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSafetensors } from '../../src/blobs/safetensorsWriter.ts';
import { type Architecture, architectures } from '../../src/domain/architecture.ts';
import { allowedSides } from '../../src/domain/inputSize.ts';
import { createRandom } from '../../src/domain/random.ts';
import { sizeOf } from '../../src/domain/shape.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { openOnnxRuntime } from '../../src/engine/onnxruntime/engine.ts';
import { gradientOf } from '../../src/learner/adam.ts';
import { drawMasks } from '../../src/learner/data.ts';
import { createLearner, type Learner, type TrainBatch } from '../../src/learner/learner.ts';
import type { Model } from '../../src/models/model.ts';
import { createModel } from '../../src/models/registry.ts';
import { initialWeights } from '../../src/models/weights.ts';
import { randomWeights } from './smallNetworks.ts';

/** The norm of timm's own classifier, which the fastai head does not use. */
const unused = /^body\.head\.norm\./;
/** Constants added to the vector of every image: the head's batch norm takes them away, and rounding is all their gradient. */
const constants = /^body\.(norm\.bias|stages\.3\.blocks\.\d\.mlp\.fc2\.bias)$/;
const withoutConstants = (names: readonly string[]): string[] => names.filter((name) => !constants.test(name));

type Four = readonly [number, number, number, number];

function miniature(architecture: Architecture): Architecture {
  const cut = (depths: Four): Four => [Math.min(depths[0], 1), Math.min(depths[1], 2), Math.min(depths[2], 2), 1];
  switch (architecture.family) {
    case 'convnext': {
      const narrow = (dim: number): number => 4 * Math.ceil(dim / 64);
      const [a, b, c, d] = architecture.dims;
      return {
        ...architecture,
        depths: cut(architecture.depths),
        dims: [narrow(a), narrow(b), narrow(c), narrow(d)],
      };
    }
    case 'vit':
      return { ...architecture, depth: 2, dim: 4 * architecture.heads };
    case 'swin':
    case 'swinv2':
      return { ...architecture, depths: cut(architecture.depths), dim: 4 * architecture.heads[0] };
  }
}

/** The smallest side at which windows differ from the map in some stage and every weight matters. */
function sideOf(architecture: Architecture): number {
  switch (architecture.family) {
    case 'convnext':
    case 'vit':
      return 32;
    case 'swin':
      return 64;
    case 'swinv2':
      return allowedSides(architecture).smallest;
  }
}

const families = [...new Set(architectures.map((a) => a.family))];
const smallest = families.map((family) =>
  architectures.filter((a) => a.family === family).reduce((a, b) => (b.parameters < a.parameters ? b : a)),
);
const classes = 3;
const batchSize = 4;
const rates = { learningRates: [1e-2, 1e-2], momentum: 0.9 };

let engine: Engine;
let folder: string;
beforeAll(async () => {
  engine = await openOnnxRuntime({ computeThreads: 2 });
  folder = await mkdtemp(join(tmpdir(), 'contract-'));
});
afterAll(async () => {
  await engine.dispose();
  await rm(folder, { recursive: true });
});

describe.each([
  ...architectures.map((a) => ({ title: `${a.name} in miniature`, architecture: miniature(a) })),
  ...smallest.map((a) => ({ title: a.name, architecture: a })),
])('$title', ({ architecture }) => {
  const side = sideOf(architecture);
  const size = { height: side, width: side };
  const model = createModel(architecture, size, classes);
  const batch = batchFor(model);
  let learner: Learner;
  beforeAll(async () => {
    const weights = randomWeights(model, 1);
    learner = await createLearner({
      engine,
      model,
      weights,
      batchSize,
      effectiveBatchSize: batchSize,
      weightDecay: 0.01,
    });
  });
  afterAll(() => learner.dispose());

  it('computes a logit per image and class', async () => {
    const logits = await learner.predict(batch.inputs);
    expect(logits).toHaveLength(batchSize * classes);
    expect(logits.every(Number.isFinite)).toBe(true);
    expect(new Set(logits).size).toBeGreaterThan(classes);
  });

  it('trains only head and normalisation layers while the body is frozen', async () => {
    const isNorm = /(^|\.)(norm\d?|stem\.1|downsample\.0|bn\d)\.(weight|bias)$/;
    const expected = model.parameters
      .map((p) => p.name)
      .filter((name) => (name.startsWith('head.') || isNorm.test(name)) && !unused.test(name));
    expect(await trainOnce(true)).toEqual(withoutConstants(expected));
  });

  it('trains every weight with a finite gradient when it is not frozen', async () => {
    const used = model.parameters.map((p) => p.name).filter((name) => !unused.test(name));
    expect(await trainOnce(false)).toEqual(withoutConstants(used));
  });

  it('is the same network after its weights were saved and loaded', async () => {
    const path = join(folder, `${architecture.name}.safetensors`);
    const body = model.parameters.filter((p) => p.group === 0);
    const key = (name: string): string => name.slice('body.'.length);
    const fetched = body.map(
      ({ name, shape }) =>
        [key(name), { shape, fetch: async () => (await learner.read(name)) as Float32Array }] as const,
    );
    await writeSafetensors(path, new Map(fetched));
    const loaded = await initialWeights(model, architecture, size, path, 2);
    for (const { name } of body) {
      expect(equal(loaded.get(name)!, (await learner.read(name)) as Float32Array), name).toBe(true);
    }
    await rm(path);
  });

  /** One micro-batch and one optimiser step: the parameters it changed, by gradients that are all finite. */
  async function trainOnce(frozen: boolean): Promise<string[]> {
    const before = await values(learner);
    const fit = await learner.begin(frozen);
    expect(Number.isFinite(await fit.accumulate(batch))).toBe(true);
    const gradients: string[] = [];
    for (const { name, used } of model.parameters) {
      if (!used) continue;
      const gradient = (await learner.read(gradientOf(name))) as Float32Array;
      expect(gradient.every(Number.isFinite), name).toBe(true);
      if (gradient.some((g) => g !== 0)) gradients.push(name);
    }
    await fit.update(rates);
    await fit.dispose();
    const after = await values(learner);
    const names = withoutConstants(model.parameters.map((p) => p.name));
    const changed = names.filter((name) => !equal(before.get(name)!, after.get(name)!));
    expect(withoutConstants(gradients)).toEqual(changed);
    return changed;
  }
});

function batchFor(model: Model): TrainBatch {
  const random = createRandom(3, 'batch');
  return {
    inputs: Float32Array.from({ length: batchSize * sizeOf(model.inputShape) }, () => random.normal()),
    labels: Int32Array.from({ length: batchSize }, (_, i) => i % classes),
    masks: drawMasks(model.masks, batchSize, random),
  };
}

async function values({ model, read }: Learner): Promise<Map<string, Float32Array>> {
  const entries = model.parameters.map(async ({ name }) => [name, (await read(name)) as Float32Array] as const);
  return new Map(await Promise.all(entries));
}

function equal(a: Float32Array, b: Float32Array): boolean {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));
}
