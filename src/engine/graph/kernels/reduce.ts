/** Sums, means, extremes and what is built of them. */

import type { ArgMaxAttrs, SoftmaxAttrs, SumAttrs } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../../domain/shape.ts';
import type { Graph, Shape, Value } from '../ir.ts';
import { axesOf, axisOf, type Lowering, type Unary } from './lowering.ts';

/** tfjs names the axes of reductions differently from kernel to kernel. */
interface ReduceAttributes extends Partial<SumAttrs> {
  readonly reductionIndices?: number | number[];
}

function reduce(graph: Graph, op: string, x: Value, { axis, reductionIndices, keepDims }: ReduceAttributes): Value {
  const axes = axesOf(axis ?? reductionIndices, x.shape.length);
  const kept = x.shape.map((d, i) => (axes.includes(i) ? 1 : d));
  const out = keepDims ? kept : kept.filter((_, i) => !axes.includes(i));
  if (axes.every((i) => x.shape[i] === 1)) return graph.reshape(x, out);
  return graph.reshape(graph.op(op, [x, graph.indices(axes)], x.dtype, kept, { keepdims: 1 }), out);
}

const reduction =
  (op: string): Lowering =>
  (graph, { x }: Unary, attributes: ReduceAttributes) =>
    reduce(graph, op, x, attributes);

/** Rows from which on a matrix is cut into blocks, so that their sums spread over threads. */
const blockedRows = 1024;

/**
 * The sum of a matrix `(rows, columns)` over its rows, as `out`: the gradient of every bias and scale. ReduceSum does it at
 * 7 GB/s here, a product with a vector of ones at 45.
 */
function columnSums(graph: Graph, x: Value, out: Shape): Value {
  const columns = x.shape.at(-1) as number;
  const rows = sizeOf(x.shape) / columns;
  const blocks = rows >= blockedRows ? ([16, 8, 4, 7, 2].find((k) => rows % k === 0) ?? 1) : 1;
  const ones = graph.reshape(graph.ones(rows), [blocks, 1, rows / blocks]);
  const blocked = graph.reshape(x, [blocks, rows / blocks, columns]);
  const sums = graph.op('MatMul', [ones, blocked], 'float32', [blocks, 1, columns]);
  if (blocks === 1) return graph.reshape(sums, out);
  return graph.reshape(
    graph.op('ReduceSum', [sums, graph.indices([0])], 'float32', [1, columns], { keepdims: 0 }),
    out,
  );
}

/** Rows below which ReduceSum is as fast as a product with ones. */
const fewRows = 64;

const sum: Lowering = (graph, { x }: Unary, attributes: ReduceAttributes) => {
  const rank = x.shape.length;
  const axes = axesOf(attributes.axis, rank);
  const columns = x.shape.at(-1) ?? 1;
  const leading = axes.length === rank - 1 && !axes.includes(rank - 1);
  if (leading && x.dtype === 'float32' && columns > 1 && sizeOf(x.shape) / columns >= fewRows)
    return columnSums(graph, x, attributes.keepDims ? x.shape.map((d, i) => (i === rank - 1 ? d : 1)) : [columns]);
  return reduce(graph, 'ReduceSum', x, attributes);
};

const argMax: Lowering = (graph, { x }: Unary, { axis }: ArgMaxAttrs) => {
  const along = axisOf(axis, x.shape.length);
  const out = x.shape.toSpliced(along, 1);
  return graph.cast(graph.op('ArgMax', [x], 'int64', out, { axis: along, keepdims: 0 }), 'int32');
};

/** All and Any: the smallest and the largest of 0 and 1. */
const logical =
  (op: string): Lowering =>
  (graph, { x }: Unary, attributes: ReduceAttributes) =>
    graph.cast(reduce(graph, op, graph.cast(x, 'int32'), attributes), 'bool');

export const reductions: Readonly<Record<string, Lowering>> = {
  Sum: sum,
  Mean: reduction('ReduceMean'),
  Max: reduction('ReduceMax'),
  Min: reduction('ReduceMin'),
  ArgMax: argMax,
  All: logical('ReduceMin'),
  Any: logical('ReduceMax'),
  Softmax: (graph, { logits }: { logits: Value }, { dim }: SoftmaxAttrs) =>
    graph.op('Softmax', [logits], 'float32', logits.shape, { axis: axisOf(dim, logits.shape.length) }),
};
