import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { NamedTensor } from '../../src/blobs/safetensors.ts';
import { writeSafetensors } from '../../src/blobs/safetensorsWriter.ts';
import { type Architecture, findArchitecture } from '../../src/domain/architecture.ts';
import { resizeBiasTable } from '../../src/models/biasTable.ts';
import { createModel } from '../../src/models/registry.ts';
import { initialWeights, WeightsError } from '../../src/models/weights.ts';
import { randomWeights } from './smallNetworks.ts';

const tiny = findArchitecture('swin_tiny_patch4_window7_224')!;
if (tiny.family !== 'swin') throw new Error(tiny.family);
const swin: Architecture = { ...tiny, depths: [1, 1, 1, 1], dim: 12 };
const stored = createModel(swin, swin.defaultSize, 2);
const weights = randomWeights(stored, 1);
const size = { height: 192, width: 256 };

let path: string;
beforeAll(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'fitting-')), 'swin.safetensors');
});
afterAll(() => rm(join(path, '..'), { recursive: true }));

/** The checkpoint of the body at the default size, loaded for `size`. */
async function load(change: (tensors: Map<string, NamedTensor>) => void = () => {}) {
  const body = stored.parameters.filter((p) => p.group === 0);
  const tensors = new Map(
    body.map(({ name, shape }): [string, NamedTensor] => [name.slice(5), { shape, data: weights.get(name)! }]),
  );
  change(tensors);
  await writeSafetensors(path, tensors);
  return initialWeights(createModel(swin, size, 2), swin, size, path, 2);
}

const table = (stage: number) => `layers.${stage}.blocks.0.attn.relative_position_bias_table`;

it('resizes Swin’s tables where the input’s size changes the window, and nothing else', async () => {
  const loaded = await load();
  for (const stage of [0, 1, 2])
    expect(loaded.get(`body.${table(stage)}`)).toEqual(weights.get(`body.${table(stage)}`));
  // 192x256 leaves the last stage 6x8 tokens: a window of 6x7
  const last = loaded.get(`body.${table(3)}`)!;
  expect(last).toEqual(resizeBiasTable(weights.get(`body.${table(3)}`)!, 24, { rows: 6, columns: 7 }));
  expect(last).toHaveLength(11 * 13 * 24);
  expect(loaded.get('body.layers.3.blocks.0.attn.qkv.weight')).toEqual(
    weights.get('body.layers.3.blocks.0.attn.qkv.weight'),
  );
});

it.each([150, 144])('refuses a table of %d offsets, which no square window has', async (offsets) => {
  const wrong = load((tensors) =>
    tensors.set(table(3), { shape: [offsets, 24], data: new Float32Array(offsets * 24) }),
  );
  await expect(wrong).rejects.toThrow(WeightsError);
  await expect(wrong).rejects.toThrow(`${table(3)} has shape [${offsets}, 24]`);
});
