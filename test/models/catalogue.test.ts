import { describe, expect, it } from 'vitest';
import { architectures, findArchitecture } from '../../src/domain/architecture.ts';
import { sizeOf } from '../../src/domain/shape.ts';
import { createBody, createModel } from '../../src/models/registry.ts';
import { goldenJson } from './goldenFiles.ts';

const shapes: Record<string, { name: string; shape: number[] }[]> = keysByModel();
interface Measured {
  readonly name: string;
  readonly arch: string;
  readonly tag: string;
  readonly input_size: readonly [number, number, number];
  readonly params_backbone: number;
  readonly gmacs: number;
  readonly num_features: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}
const measured = new Map<string, Measured>(goldenJson('tables/architectures').map((a: Measured) => [a.name, a]));

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

  it('has the keys and shapes of timm’s checkpoint, in its order', () => {
    expect(body.parameters.map(({ name, shape }) => ({ name, shape }))).toEqual(shapes[architecture.name]);
  });

  it('is found by the names timm has for it today', () => {
    const { arch, tag } = measured.get(architecture.name)!;
    for (const name of [architecture.name, arch, `${arch}.${tag}`]) expect(findArchitecture(name)).toBe(architecture);
    expect(architecture.pretrainedTag).toBe(tag);
  });

  it('has timm’s default size, and its multiplications there', () => {
    const { gmacs, input_size } = measured.get(architecture.name)!;
    expect([3, architecture.defaultSize.height, architecture.defaultSize.width]).toEqual(input_size);
    expect(architecture.gmacs).toBeCloseTo(gmacs, 3);
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

it('lists every backbone that was measured', () => {
  expect(architectures.map((a) => a.name).sort()).toEqual([...measured.keys()].sort());
  expect(measured.size).toBe(22);
});

it('drops branches of Swin and SwinV2 in training, the deeper the likelier', () => {
  for (const name of ['swin_large_patch4_window7_224', 'swinv2_large_window12_192_22k']) {
    const architecture = findArchitecture(name)!;
    const { masks } = createBody(architecture, architecture.defaultSize);
    const blocks = [2, 2, 18, 2].flatMap((depth, s) =>
      Array.from({ length: depth }, (_, i) => `layers.${s}.blocks.${i}`),
    );
    const expected = blocks.flatMap((block, k) =>
      k === 0 ? [] : [1, 2].map((branch) => ({ name: `${block}.drop_path${branch}`, rate: (0.1 * k) / 23 })),
    );
    expect(masks.map((mask) => mask.name)).toEqual(expected.map((mask) => mask.name));
    masks.forEach((mask, i) => {
      expect(mask.shape).toEqual([]);
      expect(1 - mask.keep).toBeCloseTo(expected[i]!.rate, 12);
    });
  }
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
  expect(count('swin_large_patch4_window7_224')).toBe(86400);
  expect(count('swinv2_large_window12_192_22k')).toBe(81024);
});

describe('random weights start as in timm', () => {
  const startOf = (name: string, key: string) => {
    const architecture = findArchitecture(name)!;
    return createBody(architecture, architecture.defaultSize).parameters.find((p) => p.name === key)!.init;
  };
  const truncatedNormal = { kind: 'truncatedNormal', std: 0.02 };

  it.each([
    ['swin_tiny_patch4_window7_224', 'patch_embed.proj.weight', { kind: 'uniform', bound: 1 / Math.sqrt(48) }],
    ['swin_tiny_patch4_window7_224', 'layers.0.blocks.0.norm1.weight', { kind: 'constant', value: 1 }],
    ['swin_tiny_patch4_window7_224', 'layers.1.blocks.1.attn.relative_position_bias_table', truncatedNormal],
    ['swin_tiny_patch4_window7_224', 'layers.3.downsample.reduction.weight', truncatedNormal],
    ['swinv2_tiny_window8_256', 'layers.0.blocks.0.attn.logit_scale', { kind: 'constant', value: Math.log(10) }],
    ['swinv2_tiny_window8_256', 'layers.0.blocks.0.attn.q_bias', { kind: 'constant', value: 0 }],
    ['swinv2_tiny_window8_256', 'layers.0.blocks.0.attn.cpb_mlp.0.weight', truncatedNormal],
    ['swinv2_tiny_window8_256', 'layers.0.blocks.0.norm1.weight', { kind: 'constant', value: 0 }],
    ['swinv2_tiny_window8_256', 'layers.0.blocks.0.norm2.bias', { kind: 'constant', value: 0 }],
    ['swinv2_tiny_window8_256', 'layers.1.downsample.norm.weight', { kind: 'constant', value: 1 }],
    ['swinv2_tiny_window8_256', 'norm.weight', { kind: 'constant', value: 1 }],
    ['convnext_xlarge_in22k', 'stages.0.blocks.0.gamma', { kind: 'constant', value: 1e-6 }],
    ['vit_tiny_patch16_224', 'patch_embed.proj.weight', { kind: 'uniform', bound: 1 / Math.sqrt(768) }],
  ])('%s: %s', (name, key, init) => {
    expect(startOf(name, key)).toEqual(init);
  });
});
