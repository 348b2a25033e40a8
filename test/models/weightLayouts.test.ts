/** Weights of every family, as each kind of file names them, come back value for value. */

import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NamedTensor } from '../../src/blobs/safetensors.ts';
import { writeSafetensors } from '../../src/blobs/safetensorsWriter.ts';
import { type Architecture, architectures } from '../../src/domain/architecture.ts';
import { sizeOf } from '../../src/domain/shape.ts';
import { bodyPrefix, classifier, type Model } from '../../src/models/model.ts';
import { writeSavedModel } from '../../src/models/savedModel.ts';
import { weightLayout } from '../../src/models/weightLayouts.ts';
import { initialWeights } from '../../src/models/weights.ts';
import { goldenBody, vitSizes } from './goldenBodies.ts';
import { goldenJson, goldenTensors } from './goldenFiles.ts';

type Family = Architecture['family'];
type Tensors = Map<string, NamedTensor>;

interface Case {
  readonly model: Model;
  readonly architecture: Architecture;
  /** Under timm's names, without classifier. */
  readonly tensors: Tensors;
  readonly size: { readonly height: number; readonly width: number };
}

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-layouts-'));
  file = path.join(folder, 'weights.safetensors');
});
afterAll(() => rm(folder, { recursive: true }));

const names = [
  'convnext_a',
  'convnext_b',
  'vit_a',
  'vit_b',
  'swin_a',
  'swin_b',
  'swin_c',
  'swin_d',
  'swinv2_a',
  'swinv2_c',
];

async function open(name: string): Promise<Case> {
  const { family, config } = goldenJson(`models/${name}`) as { family: Family; config: { img_size?: number } };
  const [height = 64, width = height] = [config.img_size ?? []].flat();
  const size = { height, width };
  const listed = architectures.find((a) => a.family === family)!;
  const stored = await goldenTensors(`models/${name}.weights`);
  return {
    model: classifier(goldenBody(family, config), size, 2),
    architecture: listed.family === 'vit' ? { ...listed, ...vitSizes(config) } : listed,
    tensors: new Map(stored.names.map((key) => [key, { shape: stored.shape(key), data: stored.float(key) }])),
    size,
  };
}

/** What a run starts from that is given `tensors` as a file, by timm's names. */
async function load({ model, architecture, size }: Case, tensors: Tensors, notes: string[] = []): Promise<Tensors> {
  await writeSafetensors(file, tensors);
  return bodyOf(model, await initialWeights(model, architecture, size, file, 1, (line) => notes.push(line)));
}

function bodyOf(model: Model, values: ReadonlyMap<string, Float32Array>): Tensors {
  const body = model.parameters.filter(({ group }) => group === 0);
  return new Map(
    body.map(({ name, shape }) => [name.slice(bodyPrefix.length + 1), { shape, data: values.get(name)! }]),
  );
}

function renamed(tensors: Tensors, rename: (key: string) => string): Tensors {
  return new Map([...tensors].map(([key, tensor]) => [rename(key), tensor]));
}

const numbers = (...shape: number[]): NamedTensor => ({
  shape,
  data: new Float32Array(sizeOf(shape)).fill(7),
});

/** The keys of files before timm 0.9, from today's. */
const beforeMerging = (key: string) =>
  key.replace(/^layers\.(\d+)\.downsample/, (_, stage) => `layers.${Number(stage) - 1}.downsample`);

/** The keys of the authors of ConvNeXt, from timm's. */
const original = (key: string) =>
  key
    .replace(/^stem\./, 'downsample_layers.0.')
    .replace(/^stages\.(\d+)\.downsample\./, 'downsample_layers.$1.')
    .replace(/^stages\.(\d+)\.blocks\./, 'stages.$1.')
    .replace('.conv_dw.', '.dwconv.')
    .replace('.mlp.fc', '.pwconv')
    .replace(/^head\.norm\./, 'norm.');

describe.each(names)('%s', (name) => {
  let given: Case;
  beforeAll(async () => {
    given = await open(name);
  });

  it('is read under timm’s names, with a classifier or without', async () => {
    expect(await load(given, given.tensors)).toEqual(given.tensors);
    const key = given.architecture.family === 'vit' ? 'head' : 'head.fc';
    const whole = new Map([...given.tensors, [`${key}.weight`, numbers(10, 3)], [`${key}.bias`, numbers(10)]]);
    const notes: string[] = [];
    expect(await load(given, whole, notes)).toEqual(given.tensors);
    expect(notes).toEqual([
      `pretrained weights: ${given.tensors.size} tensors loaded from weights.safetensors (timm names), 2 ignored (${key}.weight, ${key}.bias)`,
    ]);
  });

  it('is read from inside DataParallel', async () => {
    expect(
      await load(
        given,
        renamed(given.tensors, (key) => `module.${key}`),
      ),
    ).toEqual(given.tensors);
  });

  it('is exported and imported', async () => {
    const { model, architecture, size, tensors } = given;
    const itemTransform = { size, method: 'CROP' as const };
    const values = new Map([...tensors].map(([key, { data }]) => [`${bodyPrefix}.${key}`, data as Float32Array]));
    const specs = [...model.parameters, ...model.buffers];
    const read = async (key: string) =>
      values.get(key) ?? new Float32Array(sizeOf(specs.find((spec) => spec.name === key)!.shape));
    const info = { runId: 'run_1', architecture, size, itemTransform, vocab: ['a', 'b'] };
    await writeSavedModel(
      file,
      info,
      { batchSize: 2, seed: 1, minScale: 0.75, beta: 0.25, precision: 'FP32' as const },
      model,
      read,
    );
    expect(bodyOf(model, await initialWeights(model, architecture, size, file, 1))).toEqual(tensors);
  });
});

// swin_d has a single stage, which merges nothing
describe.each(names.filter((name) => name.startsWith('swin') && name !== 'swin_d'))('%s of before timm 0.9', (name) => {
  it('is read: merging one stage later, buffers and classifier left out', async () => {
    const given = await open(name);
    const extra: Tensors = new Map([
      ['layers.0.blocks.0.attn.relative_position_index', { shape: [2, 2], data: new Int32Array(4) }],
      ['layers.0.blocks.1.attn_mask', numbers(1, 2, 2)],
      ['layers.1.blocks.0.attn.relative_coords_table', numbers(1, 3, 3, 2)],
      ['head.weight', numbers(10, 3)],
      ['head.bias', numbers(10)],
    ]);
    const notes: string[] = [];
    const old = new Map([...renamed(given.tensors, beforeMerging), ...extra]);
    expect(old.has('layers.0.downsample.norm.weight')).toBe(true);
    expect(await load(given, old, notes)).toEqual(given.tensors);
    expect(notes[0]).toMatch(/\(timm before 0\.9 names\), 5 ignored \(.*, …\)$/);
  });
});

describe.each(names.filter((name) => name.startsWith('convnext')))('%s of its authors', (name) => {
  it('is read: other names, 1x1 convolutions as matrices', async () => {
    const given = await open(name);
    const tensors = renamed(given.tensors, original);
    for (const [key, { shape, data }] of tensors) {
      if (key.includes('.pwconv') && shape.length === 4) tensors.set(key, { shape: shape.slice(0, 2), data });
    }
    tensors.set('head.weight', numbers(10, 3));
    tensors.set('head.bias', numbers(10));
    expect(tensors.has('downsample_layers.0.0.weight')).toBe(true);
    expect(tensors.has('norm.weight')).toBe(true);
    const notes: string[] = [];
    expect(await load(given, tensors, notes)).toEqual(given.tensors);
    expect(notes[0]).toMatch(/\(original ConvNeXt names\), 2 ignored/);
  });
});

describe('every network of timm', () => {
  const keysOf: Record<string, Record<string, number[]>> = goldenJson('tables/state_dict_keys').models;
  const families: [string, Family][] = Object.keys(keysOf).map((name) => [
    name,
    architectures.find((a) => a.name === name || a.aliases.includes(name))!.family,
  ]);

  it.each(families)('%s keeps its keys in each layout', (name, family) => {
    const keys = Object.keys(keysOf[name]!);
    expect(keys.length).toBeGreaterThan(100);
    const through = (names: string[]) => {
      const layout = weightLayout(family, names);
      return names.map(layout.timmKey);
    };
    expect(through(keys)).toEqual(keys);
    if (family === 'convnext') expect(through(keys.map(original))).toEqual(keys);
    if (family === 'swin' || family === 'swinv2') expect(through(keys.map(beforeMerging))).toEqual(keys);
  });
});

it('a parameter under two names is refused', async () => {
  const given = await open('swin_a');
  const both = new Map([...given.tensors, ['layers.0.downsample.norm.weight', numbers(4)]]);
  await expect(load(given, both)).rejects.toThrow(/weights\.safetensors (has|lacks) .*layers\.\d\.downsample/);
});

it('another family is refused', async () => {
  const given = await open('swin_a');
  const other = await open('vit_a');
  await expect(load(given, other.tensors)).rejects.toThrow(/lacks \d+ of the parameters of swin_.*pretrained: false/);
});
