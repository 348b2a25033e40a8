/** Reading and adding by index. */

import type { GatherV2Attrs, OneHotAttrs, UnsortedSegmentSumAttrs } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../../domain/shape.ts';
import type { Value } from '../ir.ts';
import { axisOf, binary, type Lowering } from './lowering.ts';

const oneHot: Lowering = (graph, { indices }: { indices: Value }, attributes: OneHotAttrs) => {
  const { depth, onValue, offValue, dtype } = attributes;
  const classes = graph.constant(
    Int32Array.from({ length: depth }, (_, i) => i),
    'int32',
    [depth],
  );
  const column = graph.reshape(indices, [...indices.shape, 1]);
  const hit = graph.op('Equal', [column, classes], 'bool', [...indices.shape, depth]);
  const type = dtype === 'float32' ? 'float32' : 'int32';
  const number = (x: number) => (type === 'float32' ? graph.float(x) : graph.int32(x));
  return binary(
    graph,
    'Add',
    binary(graph, 'Mul', graph.cast(hit, type), number(onValue - offValue)),
    number(offValue),
  );
};

const gather: Lowering = (graph, { x, indices }: { x: Value; indices: Value }, { axis, batchDims }: GatherV2Attrs) => {
  if (batchDims) throw new Error('tf.gather with batchDims cannot be compiled: gather each batch row by itself.');
  const along = axisOf(axis, x.shape.length);
  const out = [...x.shape.slice(0, along), ...indices.shape, ...x.shape.slice(along + 1)];
  return graph.op('Gather', [x, indices], x.dtype, out, { axis: along });
};

/** Adds the rows of x to the row of the result their segment id names. */
const unsortedSegmentSum: Lowering = (
  graph,
  { x, segmentIds }: { x: Value; segmentIds: Value },
  { numSegments }: UnsortedSegmentSumAttrs,
) => {
  const rows = sizeOf(segmentIds.shape);
  const rest = x.shape.slice(segmentIds.shape.length);
  const out = [numSegments, ...rest];
  const zero = x.dtype === 'float32' ? graph.float(0) : graph.int32(0);
  const ids = graph.cast(graph.reshape(segmentIds, [rows, 1]), 'int64');
  const inputs = [graph.expand(zero, out), ids, graph.reshape(x, [rows, ...rest])];
  return graph.op('ScatterND', inputs, x.dtype, out, { reduction: 'add' });
};

export const indexing: Readonly<Record<string, Lowering>> = {
  OneHot: oneHot,
  GatherV2: gather,
  UnsortedSegmentSum: unsortedSegmentSum,
};
