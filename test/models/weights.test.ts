import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NamedTensor } from '../../src/blobs/safetensors.ts';
import { writeSafetensors } from '../../src/blobs/safetensorsWriter.ts';
import { type Architecture, findArchitecture } from '../../src/domain/architecture.ts';
import { initialValues } from '../../src/models/parameters.ts';
import { createModel } from '../../src/models/registry.ts';
import { initialWeights, WeightsError } from '../../src/models/weights.ts';

const atto: Architecture = {
  ...findArchitecture('convnext_atto')!,
  family: 'convnext',
  dims: [8, 8, 8, 8],
  depths: [1, 1, 1, 1],
  convMlp: true,
};
const tinyVit: Architecture = {
  ...findArchitecture('vit_tiny_patch16_224')!,
  family: 'vit',
  depth: 1,
  dim: 8,
  heads: 2,
  patch: 16,
};
const size = { height: 32, width: 32 };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weights-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A checkpoint of the body whose every value is 0.5, with its classifier. */
function checkpoint(architecture: Architecture): Map<string, NamedTensor> {
  const body = createModel(architecture, architecture.defaultSize, 2).parameters.filter((p) => p.group === 0);
  const full = (shape: readonly number[]) => ({
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5),
  });
  const classifier = architecture.family === 'vit' ? 'head' : 'head.fc';
  return new Map([
    ...body.map((p): [string, NamedTensor] => [p.name.replace('body.', ''), full(p.shape)]),
    [`${classifier}.weight`, full([10, 8])],
    [`${classifier}.bias`, full([10])],
  ]);
}

async function load(architecture: Architecture, tensors: Map<string, NamedTensor>) {
  const path = join(folder, 'checkpoint.safetensors');
  await writeSafetensors(path, tensors);
  const model = createModel(architecture, size, 2);
  return initialWeights(model, architecture, size, path, 1);
}

describe('initial weights', () => {
  const model = createModel(atto, size, 2);

  it('are drawn from the seed, the same for the same seed', async () => {
    const first = await initialWeights(model, atto, size, null, 7);
    expect([...first.keys()]).toEqual([...model.parameters, ...model.buffers].map((entry) => entry.name));
    expect(await initialWeights(model, atto, size, null, 7)).toEqual(first);
    const other = await initialWeights(model, atto, size, null, 8);
    expect(other.get('body.stem.0.weight')).not.toEqual(first.get('body.stem.0.weight'));
  });

  it('follow timm and fastai', async () => {
    const weights = await initialWeights(model, atto, size, null, 7);
    const deviation = (values: Float32Array) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
    expect(weights.get('body.stages.0.blocks.0.gamma')![0]).toBeCloseTo(1e-6, 12);
    expect([...weights.get('body.stem.0.bias')!]).toEqual(new Array(8).fill(0));
    expect(deviation(weights.get('body.stages.0.blocks.0.mlp.fc1.weight')!)).toBeCloseTo(0.02, 2);
    expect([...weights.get('head.bn1.weight')!]).toEqual(new Array(16).fill(1));
    expect(weights.get('head.bn2.bias')![5]).toBeCloseTo(0.001, 9);
    expect(deviation(weights.get('head.linear1.weight')!) / Math.sqrt(2 / 16)).toBeCloseTo(1, 1);
    expect([...weights.get('head.bn1.running_var')!]).toEqual(new Array(16).fill(1));
  });

  it('cut the truncated normal at 2', () => {
    const spec = {
      name: 'p',
      shape: [4000],
      init: { kind: 'truncatedNormal', std: 2 } as const,
      norm: false,
      used: true,
    };
    const values = initialValues(spec, 1);
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(2);
    expect(values.filter((v) => Math.abs(v) > 1.5).length).toBeGreaterThan(0);
  });
});

describe('pretrained weights', () => {
  it('fill the body and leave the head drawn', async () => {
    const weights = await load(atto, checkpoint(atto));
    const fresh = await initialWeights(createModel(atto, size, 2), atto, size, null, 1);
    expect(weights.get('body.stem.0.weight')!.every((value) => value === 0.5)).toBe(true);
    expect(weights.get('head.linear2.weight')).toEqual(fresh.get('head.linear2.weight'));
    expect([...weights.keys()]).toEqual([...fresh.keys()]);
  });

  it('need not have the final norm that the head ignores', async () => {
    const tensors = checkpoint(atto);
    tensors.delete('head.norm.weight');
    tensors.delete('head.norm.bias');
    expect((await load(atto, tensors)).get('body.head.norm.weight')![0]).toBe(1);
  });

  it('of a ViT get their position embedding resized to the run’s size', async () => {
    const tensors = checkpoint(tinyVit);
    expect(tensors.get('pos_embed')!.shape).toEqual([1, 197, 8]);
    const embedding = (await load(tinyVit, tensors)).get('body.pos_embed')!;
    expect(embedding).toHaveLength(5 * 8);
    expect(Math.max(...embedding.map((v) => Math.abs(v - 0.5)))).toBeLessThan(1e-6);
  });

  it('say what to do when there are none', async () => {
    const missing = initialWeights(createModel(atto, size, 2), atto, size, join(folder, 'none'), 1);
    await expect(missing).rejects.toThrow(WeightsError);
    await expect(missing).rejects.toThrow(join(folder, 'none'));
    await expect(missing).rejects.toThrow(/set weightsUri .*or pretrained: false/);
  });

  it('that are not finite are refused by the name of their key', async () => {
    for (const value of [Number.NaN, Number.NEGATIVE_INFINITY]) {
      const tensors = checkpoint(atto);
      (tensors.get('stages.1.blocks.0.gamma')!.data as Float32Array)[3] = value;
      await expect(load(atto, tensors)).rejects.toThrow(/stages\.1\.blocks\.0\.gamma has values that are not finite/);
    }
  });

  it('of another architecture are refused', async () => {
    const deeper: Architecture = { ...atto, depths: [1, 1, 2, 1] };
    await expect(load(atto, checkpoint(deeper))).rejects.toThrow(/has 9 tensors that convnext_atto has not/);
    await expect(load(deeper, checkpoint(atto))).rejects.toThrow(
      /lacks 9 of the parameters.*stages\.2\.blocks\.1\.gamma/,
    );
    const wider: Architecture = { ...atto, dims: [16, 8, 8, 8] };
    await expect(load(atto, checkpoint(wider))).rejects.toThrow(
      /stem\.0\.weight has shape \[16, 3, 4, 4\], but convnext_atto at 32x32 needs \[8, 3, 4, 4\]/,
    );
  });
});
