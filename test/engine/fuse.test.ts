/** Graphs rewritten for ONNX Runtime's kernels hold the operators wanted and compute what they did. */

import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { sizeOf } from '../../src/domain/shape.ts';
import { fuse } from '../../src/engine/graph/fuse.ts';
import { Graph, type Value } from '../../src/engine/graph/ir.ts';
import { encodeModel } from '../../src/engine/graph/onnx.ts';

const target = { nchwcBlock: 0, contrib: true };

const opsOf = (graph: Graph): string[] => graph.liveNodes().map((node) => node.op);

/** The outputs for inputs that count up from -1 in hundredths. */
async function compute(graph: Graph): Promise<number[][]> {
  const feeds = Object.fromEntries(
    graph.inputs.map(({ name, shape }) => [
      name as string,
      new Tensor(
        Float32Array.from({ length: sizeOf(shape) }, (_, i) => i / 100 - 1),
        shape,
      ),
    ]),
  );
  const session = await InferenceSession.create(encodeModel(graph), { graphOptimizationLevel: 'disabled' });
  const results = await session.run(feeds);
  await session.release();
  return graph.outputs.map(({ name }) => [...(results[name]!.data as Float32Array)]);
}

/** A graph over the inputs x (of `shape`) and bias (of `shape`'s last axis), with the outputs that `build` returns. */
function graphOf(shape: readonly number[], build: (graph: Graph, x: Value, bias: Value) => Value[]): Graph {
  const graph = new Graph();
  const x = graph.input('x', 'float32', shape);
  const bias = graph.input('bias', 'float32', shape.slice(-1));
  for (const [i, value] of build(graph, x, bias).entries()) graph.output(`y${i}`, value);
  return graph;
}

const gelu = (graph: Graph, x: Value): Value => graph.op('Gelu', [x], 'float32', x.shape);
const add = (graph: Graph, a: Value, b: Value): Value => graph.op('Add', [a, b], 'float32', a.shape);

test('GELU of a sum with a bias is one operator, through reshapes', async () => {
  const graph = graphOf([6, 4], (g, x, bias) => [gelu(g, g.reshape(add(g, x, bias), [2, 3, 4]))]);
  const fused = fuse(graph, target);
  expect(opsOf(fused)).toEqual(['BiasGelu', 'Reshape']);
  expect(fused.outputs[0]!.value.shape).toEqual([2, 3, 4]);
  const [[got], [wanted]] = [await compute(fused), await compute(graph)];
  for (const [i, value] of got!.entries()) expect(value).toBeCloseTo(wanted![i]!, 6);
});

test('GELU stays apart where the sum is needed too, where it is no bias, and without contrib operators', () => {
  const twice = graphOf([6, 4], (g, x, bias) => {
    const sum = add(g, x, bias);
    return [gelu(g, sum), sum];
  });
  expect(opsOf(fuse(twice, target))).toEqual(['Add', 'Gelu']);
  const matrix = graphOf([6, 4], (g, x) => [gelu(g, add(g, x, x))]);
  expect(opsOf(fuse(matrix, target))).toEqual(['Add', 'Gelu']);
  const plain = graphOf([6, 4], (g, x, bias) => [gelu(g, add(g, x, bias))]);
  expect(opsOf(fuse(plain, { ...target, contrib: false }))).toEqual(['Add', 'Gelu']);
});

test('half of erf plus a half is one operator', async () => {
  const scaledErf = (scale: number) =>
    graphOf([50, 8], (g, x) => {
      const erf = g.op('Erf', [x], 'float32', x.shape);
      return [add(g, g.op('Mul', [erf, g.float(scale)], 'float32', x.shape), g.float(0.5))];
    });
  const fused = fuse(scaledErf(0.5), target);
  expect(opsOf(fused)).toEqual(['Erf', 'HardSigmoid']);
  expect(await compute(fused)).toEqual(await compute(scaledErf(0.5)));
  expect(opsOf(fuse(scaledErf(0.75), target))).toEqual(['Erf', 'Mul', 'Add']);
});

test('a large transpose of whole rows gathers them', async () => {
  const graph = graphOf([5, 7, 3, 4, 160], (g, x) => [g.transpose(x, [2, 0, 3, 1, 4])]);
  const fused = fuse(graph, target);
  expect(opsOf(fused)).toContain('Gather');
  expect(opsOf(fused)).not.toContain('Transpose');
  expect(await compute(fused)).toEqual(await compute(graph));
});

test('a small transpose, one of short rows, and one that moves the last axis stay', () => {
  const shapes: [number[], number[]][] = [
    [
      [2, 3, 16],
      [1, 0, 2],
    ],
    [
      [100, 100, 8],
      [1, 0, 2],
    ],
    [
      [10, 100, 100],
      [0, 2, 1],
    ],
  ];
  for (const [shape, perm] of shapes) {
    const graph = graphOf(shape, (g, x) => [g.transpose(x, perm)]);
    expect(opsOf(fuse(graph, target)), shape.join()).toEqual(['Transpose']);
  }
});

test('slices of a transpose gather their own rows only', async () => {
  const graph = graphOf([8, 49, 3, 4, 32], (g, x) => {
    const split = g.transpose(x, [2, 0, 3, 1, 4]);
    const part = (start: number, end: number) =>
      g.op(
        'Slice',
        [split, g.indices([start]), g.indices([end]), g.indices([0])],
        'float32',
        split.shape.with(0, end - start),
      );
    return [part(0, 1), part(1, 3)];
  });
  const fused = fuse(graph, target);
  expect(opsOf(fused).filter((op) => op !== 'Reshape')).toEqual(['Gather', 'Gather']);
  expect(await compute(fused)).toEqual(await compute(graph));
});

test('a slice of gathered rows along another axis stays a slice', async () => {
  const graph = graphOf([64, 8, 160], (g, x) => {
    const moved = g.transpose(x, [1, 0, 2]);
    return [
      g.op('Slice', [moved, g.indices([3]), g.indices([9]), g.indices([1])], 'float32', [8, 6, 160]),
      g.op('Slice', [moved, g.indices([2]), g.indices([5]), g.indices([0])], 'float32', [3, 64, 160]),
    ];
  });
  const fused = fuse(graph, target);
  expect(opsOf(fused)).toContain('Slice');
  expect(await compute(fused)).toEqual(await compute(graph));
});
