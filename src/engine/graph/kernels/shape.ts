/** Moving elements: shapes, slices, joins, padding, splats. */

import type {
  ConcatAttrs,
  ExpandDimsAttrs,
  FillAttrs,
  PackAttrs,
  PadV2Attrs,
  ReshapeAttrs,
  ReverseAttrs,
  SliceAttrs,
  SplitVAttrs,
  TileAttrs,
  TransposeAttrs,
  UnpackAttrs,
} from '@tensorflow/tfjs-core';
import { sizeOf } from '../../../domain/shape.ts';
import type { ElementType, Graph, Value } from '../ir.ts';
import { axesOf, axisOf, type Lowering, slice, type Unary } from './lowering.ts';

const scalar = (graph: Graph, value: number, dtype: ElementType): Value => {
  if (dtype === 'float32') return graph.float(value);
  if (dtype === 'int32') return graph.int32(value);
  return graph.constant(Uint8Array.of(value ? 1 : 0), 'bool', []);
};

const reshape: Lowering = (graph, { x }: Unary, { shape }: ReshapeAttrs) => {
  const known = sizeOf(shape.filter((d) => d >= 0));
  return graph.reshape(
    x,
    shape.map((d) => (d < 0 ? sizeOf(x.shape) / known : d)),
  );
};

const expandDims: Lowering = (graph, { input }: { input: Value }, { dim }: ExpandDimsAttrs) =>
  graph.reshape(input, [...input.shape].toSpliced(axisOf(dim, input.shape.length + 1), 0, 1));

const split: Lowering = (graph, { x }: Unary, { numOrSizeSplits, axis }: SplitVAttrs) => {
  const along = axisOf(axis, x.shape.length);
  const length = x.shape[along] as number;
  const given = Array.isArray(numOrSizeSplits)
    ? numOrSizeSplits
    : Array<number>(numOrSizeSplits).fill(length / numOrSizeSplits);
  const known = given.filter((d) => d >= 0).reduce((sum, d) => sum + d, 0);
  const sizes = given.map((d) => (d < 0 ? length - known : d));
  const outputs = sizes.map((d) => [x.dtype, x.shape.with(along, d)] as const);
  return graph.node('Split', [x, graph.indices(sizes)], outputs, { axis: along });
};

const join = (graph: Graph, parts: readonly Value[], axis: number): Value => {
  const [first] = parts as [Value];
  if (parts.length === 1) return first;
  const length = parts.reduce((sum, x) => sum + (x.shape[axis] as number), 0);
  return graph.op('Concat', parts, first.dtype, first.shape.with(axis, length), { axis });
};

const concat: Lowering = (graph, inputs: Record<string, Value>, { axis }: ConcatAttrs) => {
  const all = Object.values(inputs);
  const parts = all.filter((x) => sizeOf(x.shape) > 0);
  return join(graph, parts.length ? parts : all.slice(0, 1), axisOf(axis, (all[0] as Value).shape.length));
};

const pack: Lowering = (graph, inputs: Record<string, Value>, { axis }: PackAttrs) => {
  const parts = Object.values(inputs);
  const along = axisOf(axis, (parts[0] as Value).shape.length + 1);
  return join(
    graph,
    parts.map((x) => graph.reshape(x, [...x.shape].toSpliced(along, 0, 1))),
    along,
  );
};

const unpack: Lowering = (graph, { value }: { value: Value }, { axis }: UnpackAttrs) => {
  const along = axisOf(axis, value.shape.length);
  const origin = value.shape.map(() => 0);
  return Array.from({ length: value.shape[along] as number }, (_, k) =>
    graph.reshape(
      slice(graph, value, origin.with(along, k), value.shape.with(along, 1)),
      value.shape.toSpliced(along, 1),
    ),
  );
};

const pad: Lowering = (graph, { x }: Unary, { paddings, constantValue }: PadV2Attrs) => {
  const before = paddings.map((p) => p[0]);
  const after = paddings.map((p) => p[1]);
  if ([...before, ...after].every((p) => p === 0)) return x;
  const out = x.shape.map((d, i) => d + (before[i] as number) + (after[i] as number));
  const fill = scalar(graph, constantValue ?? 0, x.dtype);
  return graph.op('Pad', [x, graph.indices([...before, ...after]), fill], x.dtype, out);
};

const tile: Lowering = (graph, { x }: Unary, { reps }: TileAttrs) => {
  const out = x.shape.map((d, i) => d * (reps[i] as number));
  const onlyBroadcasts = x.shape.every((d, i) => d === 1 || reps[i] === 1);
  return onlyBroadcasts ? graph.expand(x, out) : graph.op('Tile', [x, graph.indices(reps)], x.dtype, out);
};

const reverse: Lowering = (graph, { x }: Unary, { dims }: ReverseAttrs) => {
  const axes = axesOf(dims, x.shape.length);
  const starts = graph.indices(axes.map(() => -1));
  const ends = graph.indices(axes.map((i) => -(x.shape[i] as number) - 1));
  return graph.op('Slice', [x, starts, ends, graph.indices(axes), graph.indices(axes.map(() => -1))], x.dtype, x.shape);
};

export const shapes: Readonly<Record<string, Lowering>> = {
  Reshape: reshape,
  ExpandDims: expandDims,
  Transpose: (graph, { x }: Unary, { perm }: TransposeAttrs) => graph.transpose(x, perm),
  Slice: (graph, { x }: Unary, { begin, size }: SliceAttrs) => slice(graph, x, begin as number[], size as number[]),
  SplitV: split,
  Concat: concat,
  Pack: pack,
  Unpack: unpack,
  PadV2: pad,
  Tile: tile,
  Reverse: reverse,
  Fill: (graph, _inputs, { shape, value, dtype }: FillAttrs) =>
    graph.expand(scalar(graph, value as number, (dtype ?? 'float32') as ElementType), shape),
  ZerosLike: (graph, { x }: Unary) => graph.expand(scalar(graph, 0, x.dtype), x.shape),
  OnesLike: (graph, { x }: Unary) => graph.expand(scalar(graph, 1, x.dtype), x.shape),
};
