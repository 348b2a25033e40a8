import { describe, expect, it } from 'vitest';
import { architectures } from '../../src/domain/architecture.ts';
import { sizeOf } from '../../src/domain/shape.ts';
import { createBody, createModel } from '../../src/models/registry.ts';
import { goldenJson } from './goldenFiles.ts';

const shapes: Record<string, { name: string; shape: number[] }[]> = keysByModel();
const measured = new Map<string, { params_backbone: number; num_features: number; mean: number[]; std: number[] }>(
  goldenJson('tables/architectures').map((a: { name: string }) => [a.name, a]),
);

function keysByModel(): Record<string, { name: string; shape: number[] }[]> {
  const { models } = goldenJson('tables/state_dict_keys');
  return Object.fromEntries(
    Object.entries(models).map(([name, keys]) => [
      name,
      Object.entries(keys as Record<string, number[]>).map(([key, shape]) => ({ name: key, shape })),
    ]),
  );
}

describe.each(architectures)('$name', (architecture) => {
  const body = createBody(architecture, architecture.defaultSize);

  it('has the keys and shapes of timm’s checkpoint', () => {
    expect(body.parameters.map(({ name, shape }) => ({ name, shape }))).toEqual(
      expect.arrayContaining(shapes[architecture.name]!),
    );
    expect(body.parameters).toHaveLength(shapes[architecture.name]!.length);
  });

  it('has as many parameters as timm and the catalogue say', () => {
    const total = body.parameters.reduce((sum, p) => sum + sizeOf(p.shape), 0);
    expect(total).toBe(measured.get(architecture.name)!.params_backbone);
    expect(total).toBe(architecture.parameters);
  });

  it('normalises with timm’s mean and standard deviation', () => {
    expect(architecture.mean).toEqual(measured.get(architecture.name)!.mean);
    expect(architecture.std).toEqual(measured.get(architecture.name)!.std);
  });

  it('carries a fastai head of 2nf + 512nf + 1024 + 512 n parameters', () => {
    const nf = measured.get(architecture.name)!.num_features * (architecture.family === 'convnext' ? 2 : 1);
    const head = createModel(architecture, architecture.defaultSize, 10).parameters.filter((p) => p.group === 1);
    expect(head.reduce((sum, p) => sum + sizeOf(p.shape), 0)).toBe(2 * nf + 512 * nf + 1024 + 5120);
  });
});

it('trains the normalisation layers of a frozen body, counted as in the recipe', async () => {
  const { trainable } = await import('../../src/models/parameters.ts');
  const count = (name: string): number => {
    const architecture = architectures.find((a) => a.name === name)!;
    const { parameters } = createModel(architecture, architecture.defaultSize, 10);
    return trainable(parameters, true)
      .filter((p) => p.group === 0)
      .reduce((sum, p) => sum + sizeOf(p.shape), 0);
  };
  // the published figure counts ConvNeXt's unused head.norm too (2 x 1536)
  expect(count('convnext_large_in22k')).toBe(60288 - 2 * 1536);
  expect(count('vit_large_patch16_224')).toBe(100352);
});
