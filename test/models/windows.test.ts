import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { gelu, layerNorm } from '../../src/engine/ops.ts';
import { resizeBiasTable } from '../../src/models/biasTable.ts';
import { weightsOf } from '../../src/models/parameters.ts';
import * as swin from '../../src/models/swin.ts';
import * as swinv2 from '../../src/models/swinv2.ts';
import { rearrange, rearrangement } from '../../src/models/tokens.ts';
import { cellsOf, imageOrder, relativeIndex, windowsOf } from '../../src/models/windows.ts';
import { engines } from '../learner/engines.ts';
import { excess, type GoldenTensors, goldenJson, goldenTensors, maxDifference } from './goldenFiles.ts';

let tables: GoldenTensors;
beforeAll(async () => {
  tables = await goldenTensors('tables/tables');
});

const grid = (text: string) => {
  const [rows, columns] = text.split('x').map(Number) as [number, number];
  return { rows, columns };
};

describe('windows', () => {
  it.each(['2x3', '4x4', '7x7'])('of %s number the offsets between their tokens as timm does', (window) => {
    expect([...relativeIndex(grid(window))]).toEqual([...tables.int(`rel_index.${window}`)]);
  });

  it('of 12x12 too', () => {
    const { sum, first_row } = goldenJson('tables/tables')['rel_index.12x12.checksum'];
    const index = relativeIndex(grid('12x12'));
    expect(index.reduce((total, i) => total + i, 0)).toBe(sum);
    expect([...index.subarray(0, 144)]).toEqual(first_row);
  });

  it.each([
    ['8x8', 4],
    ['14x14', 7],
    ['7x9', 4],
    ['10x5', 5],
  ])('of a shifted %s map with window %d hide the same tokens from each other', (map, window) => {
    const name = `${map}.win${window}`;
    const expected = goldenJson('tables/tables')[`mask.${name}`];
    const windows = windowsOf(grid(map), grid(map), window, true);
    expect([windows.window.rows, windows.window.columns]).toEqual(expected.window);
    expect(windows.count).toBe(expected.n_windows);
    const blocked = tables.int(`mask_is_blocked.${name}`);
    expect(blocked.length).toBeGreaterThan(0);
    expect([...windows.mask!].map((value) => (value === -100 ? 1 : value))).toEqual([...blocked]);
  });

  it('roll before they pad', () => {
    const { places, mask } = windowsOf({ rows: 1, columns: 6 }, { rows: 1, columns: 6 }, 4, true);
    expect([...places]).toEqual([2, 3, 4, 5, 0, 1, -1, -1]);
    expect([...mask!.subarray(0, 16)]).toEqual(new Array(16).fill(0));
  });

  it('take the nominal map’s length where it is within the window', () => {
    const windows = windowsOf({ rows: 8, columns: 8 }, { rows: 7, columns: 7 }, 7, true);
    expect([windows.window, windows.count, windows.mask]).toEqual([{ rows: 7, columns: 7 }, 4, null]);
  });
});

describe('relative positions', () => {
  it.each([
    ['4x4', 0],
    ['4x4', 3],
    ['6x6', 0],
    ['8x8', 0],
    ['12x12', 0],
  ])('of SwinV2 windows %s, pretrained with %d, are timm’s', (window, pretrained) => {
    const coordinates = swinv2.relativeCoordinates(grid(window), pretrained);
    expect(excess(coordinates, tables.float(`v2_coords.${window}.pre${pretrained}`), 1e-5, 1e-5)).toBeLessThan(1);
  });

  it.each([
    [7, 6],
    [7, 8],
    [12, 16],
  ])('of Swin are resized from window %d to %d as timm does', (from, to) => {
    const name = `relbias.win${from}_to_${to}`;
    const [, heads] = tables.shape(`${name}.in`) as [number, number];
    const resized = resizeBiasTable(tables.float(`${name}.in`), heads, { rows: to, columns: to });
    expect(excess(resized, tables.float(`${name}.out`), 1e-5, 1e-5)).toBeLessThan(1);
  });

  it('of Swin stay as they are when the window does', () => {
    const table = tables.float('relbias.win7_to_6.in');
    expect(resizeBiasTable(table, 2, { rows: 7, columns: 7 })).toEqual(table);
  });
});

describe.each(engines)('on $name', ({ create }) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await create();
  });
  afterAll(() => engine.dispose());

  /** What `f` makes of tensors of the fixture, by their names in it. */
  async function computed(names: readonly string[], f: (...tensors: tf.Tensor[]) => tf.Tensor): Promise<Float32Array> {
    const state = await engine.createState({});
    const step = await engine.compile({
      state,
      uses: [],
      inputs: Object.fromEntries(names.map((name) => [name, { shape: tables.shape(name) }])),
      fn: (_, inputs) => ({ out: { y: f(...names.map((name) => inputs[name]!)) } }),
    });
    const { y } = await step.run(Object.fromEntries(names.map((name) => [name, tables.float(name)])));
    const result = Float32Array.from(y!);
    await step.dispose();
    state.dispose();
    return result;
  }

  it.each([
    ['4x4x3', 'v1', swin.mergeCells],
    ['4x4x3', 'v2', swinv2.mergeCells],
    ['5x3x2', 'v1', swin.mergeCells],
    ['5x3x2', 'v2', swinv2.mergeCells],
  ])('patches of %s are merged as in timm: %s', async (map, version, merge) => {
    const name = `merge.${map}`;
    const [n, rows, columns, dim] = tables.shape(`${name}.x`) as [number, number, number, number];
    const after = { rows: Math.ceil(rows / 2), columns: Math.ceil(columns / 2) };
    const before = { rows, columns };
    const intoCells = rearrangement(imageOrder(before), cellsOf(before, after, imageOrder(after)));
    const keys = ['norm_w', 'norm_b', 'red'].map((key) => `${name}.${version}.${key}`);
    const merged = await computed([`${name}.x`, ...keys], (x, weight, bias, reduction) => {
      const cells = rearrange(x!.reshape([n, rows * columns, dim]), intoCells).reshape([n, -1, 4 * dim]);
      return merge(cells, weightsOf({ 'norm.weight': weight!, 'norm.bias': bias!, 'reduction.weight': reduction! }));
    });
    expect(excess(merged, tables.float(`${name}.${version}.out`), 1e-5, 1e-5)).toBeLessThan(1);
  });

  it('GELU and its derivative are exact', async () => {
    const y = await computed(['gelu.x'], gelu);
    expect(excess(y, tables.float('gelu.y'), 1e-5, 1e-5)).toBeLessThan(1);
    const dy = await computed(['gelu.x'], (x) => tf.grad(gelu)(x!));
    expect(maxDifference(dy, tables.float('gelu.dy'))).toBeLessThan(1e-5);
  });

  it.each([
    ['1e-05', 1e-5],
    ['1e-06', 1e-6],
  ])('layer normalisation takes an epsilon of %s', async (text, epsilon) => {
    const y = await computed(['ln.x', 'ln.w', 'ln.b'], (x, w, b) => layerNorm(x!, w!, b!, epsilon));
    expect(excess(y, tables.float(`ln.y.eps${text}`), 1e-5, 1e-5)).toBeLessThan(1);
  });
});
