import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSafetensors } from '../../src/blobs/safetensors.ts';
import { writeSafetensors } from '../../src/blobs/safetensorsWriter.ts';
import { architectures, timmName } from '../../src/domain/architecture.ts';
import type { Size } from '../../src/domain/size.ts';
import { resizePositionEmbedding } from '../../src/models/positionEmbedding.ts';
import { createModel } from '../../src/models/registry.ts';
import { SavedModelError } from '../../src/models/savedMetadata.ts';
import { openSavedModel, readWeights, writeSavedModel } from '../../src/models/savedModel.ts';
import { initialWeights } from '../../src/models/weights.ts';
import { goldenJson } from './goldenFiles.ts';
import { randomWeights, smallNetworks } from './smallNetworks.ts';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'saved-'));
  file = path.join(folder, 'weights.safetensors');
});
afterAll(() => rm(folder, { recursive: true }));

const size = { height: 64, width: 32 };
const architecture = architectures.find(({ name }) => name === 'convnext_atto')!;
const itemTransform = { size: { height: 80, width: 60 }, method: 'PAD' } as const;
const info = { runId: 'run_1', architecture, size, itemTransform, vocab: ['é', 'b,"c"'] };
const prediction = { batchSize: 8, seed: 2147483647, minScale: 0.75, beta: 0, precision: 'BF16' } as const;
const model = createModel(architecture, size, 2);
const weights = randomWeights(model, 1);
/** Equal to the last bit; much faster than toEqual on millions of numbers. */
const same = (a: Float32Array, b: Float32Array) => Buffer.from(a.buffer).equals(Buffer.from(b.buffer));
const readIt = async () => {
  const saved = await openSavedModel(file);
  await readWeights(saved).finally(saved.close);
};
const save = () => writeSavedModel(file, info, prediction, model, async (name) => weights.get(name)!);

describe('a saved model', () => {
  it('is read back as it was', async () => {
    await save();
    const saved = await openSavedModel(file);
    expect(saved.info).toEqual(info);
    expect(saved.prediction).toEqual(prediction);
    const read = await readWeights(saved);
    await saved.close();
    expect([...read.keys()]).toEqual([...weights.keys()]);
    for (const [name, values] of weights) expect(same(read.get(name)!, values), name).toBe(true);
  });

  it('is a source of pretrained weights: the body is read, the head is left', async () => {
    await save();
    const started = await initialWeights(model, architecture, size, file, 7);
    const fresh = await initialWeights(model, architecture, size, null, 7);
    for (const { name, group } of model.parameters) {
      expect(same(started.get(name)!, (group === 0 ? weights : fresh).get(name)!), name).toBe(true);
    }
  });

  it('that is none, or is damaged, is refused with the file and the reason', async () => {
    const refusal = async (message: RegExp) => {
      await expect(readIt()).rejects.toThrow(SavedModelError);
      await expect(readIt()).rejects.toThrow(message);
      await expect(readIt()).rejects.toThrow(file);
    };
    await writeFile(file, 'text');
    await refusal(/not a safetensors file/);
    await save();
    await truncate(file, 100_000);
    await refusal(/truncated/);
    const tensor = { shape: [2], data: new Float32Array(2) };
    await writeSafetensors(file, new Map([['a', tensor]]));
    await refusal(/is not a weights file of a run: its metadata at layout/);
    await save();
    const { metadata, close } = await openSafetensors(file);
    await close();
    await writeSafetensors(file, new Map([['a', tensor]]), metadata);
    await refusal(/has no tensor "stem\.0\.weight"/);
    await writeSafetensors(file, new Map([['stem.0.weight', tensor]]), metadata);
    await refusal(/stem\.0\.weight is F32 \[2\], expected F32 \[40, 3, 4, 4\]/);
    await writeSafetensors(file, new Map([['a', tensor]]), { ...metadata, architecture: 'resnet' });
    await refusal(/unknown architecture "resnet"/);
    await writeSafetensors(file, new Map([['a', tensor]]), { ...metadata, vocab: '[1' });
    await refusal(/metadata at vocab/);
    await save();
    const saved = await openSavedModel(file);
    await truncate(file, 100_000);
    await expect(readWeights(saved).finally(saved.close)).rejects.toThrow(SavedModelError);
  });
});

it('a run at another size gets the position embedding resized from the grid that it was trained on', async () => {
  // 4 x 9 patches are as many as 6 x 6, and neither is the architecture's own grid.
  const wide = { height: 64, width: 144 };
  const { architecture } = smallNetworks.find((network) => network.architecture.family === 'vit')!;
  const trained = createModel(architecture, wide, 2);
  const values = randomWeights(trained, 2);
  await writeSavedModel(file, { ...info, architecture, size: wide }, prediction, trained, async (n) => values.get(n)!);
  const embedding = values.get('body.pos_embed')!;
  for (const [square, grid] of [
    [
      { height: 96, width: 96 },
      { rows: 6, columns: 6 },
    ],
    [
      { height: 32, width: 48 },
      { rows: 2, columns: 3 },
    ],
    [wide, { rows: 4, columns: 9 }],
  ] as const) {
    const started = await initialWeights(createModel(architecture, square, 2), architecture, square, file, 1);
    const expected = resizePositionEmbedding(embedding, embedding.length / 37, { rows: 4, columns: 9 }, grid);
    const found = started.get('body.pos_embed')!;
    expect(found).toHaveLength(expected.length);
    expect(Math.max(...found.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-6);
  }
});

it('a run of Swin at another size gets its biases resized from the windows that it was trained with', async () => {
  // The last stage has a map, and so a window, of 7 x 5: as many offsets as 5 x 7.
  const upright = { height: 224, width: 160 };
  const { architecture } = smallNetworks.find((network) => network.architecture.family === 'swin')!;
  const trained = createModel(architecture, upright, 2);
  const values = randomWeights(trained, 2);
  const name = 'body.layers.3.blocks.0.attn.relative_position_bias_table';
  const table = values.get(name)!;
  const heads = 4;
  // Biases that only know how far up or down.
  for (let i = 0; i < table.length; i++) table[i] = Math.floor(i / heads / 9);
  await writeSavedModel(
    file,
    { ...info, architecture, size: upright },
    prediction,
    trained,
    async (n) => values.get(n)!,
  );
  const at = async (size: Size) =>
    (await initialWeights(createModel(architecture, size, 2), architecture, size, file, 1)).get(name)!;
  expect(same(await at(upright), table)).toBe(true);
  const lying = await at({ height: 160, width: 224 });
  expect(lying).toHaveLength(9 * 13 * heads);
  const perRow = Array.from({ length: 9 }, (_, row) => lying.slice(row * 13 * heads, (row + 1) * 13 * heads));
  for (const row of perRow) expect(Math.max(...row) - Math.min(...row)).toBeLessThan(1e-5);
  // The middle stays the middle, and up mirrors down.
  const middles = perRow.map((row) => row[0]!);
  expect(middles[4]).toBeCloseTo(6, 5);
  expect(middles).toEqual([...middles].sort((a, b) => a - b));
  for (const [i, value] of middles.entries()) expect(value + middles[8 - i]!).toBeCloseTo(12, 5);
});

it('every architecture has the name that timm creates it by', () => {
  const table: { name: string; arch: string }[] = goldenJson('tables/architectures');
  const names = Object.fromEntries(table.map(({ name, arch }) => [name, arch]));
  for (const architecture of architectures) expect(timmName(architecture)).toBe(names[architecture.name]);
});
