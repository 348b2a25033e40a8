/** What every family of kernels shares: the shape of a lowering, broadcasting, axes, slices. */

import { backend_util } from '@tensorflow/tfjs-core';
import { type ElementType, type Graph, type HalfType, type Shape, sameShape, splatOf, type Value } from '../ir.ts';

/** What the session that will run the graph can do. */
export interface Target {
  /** Channels per block of the com.microsoft.nchwc operators on this CPU (16 with AVX-512, 8 with AVX2); 0: do not use them. */
  readonly nchwcBlock: number;
  /** The com.microsoft operators are there. */
  readonly contrib: boolean;
  /** What operands and results of matrix products and convolutions are rounded to; absent: they are not. */
  readonly products?: HalfType | undefined;
}

/**
 * Appends to the graph what one call of a tfjs kernel computes. Each lowering declares the inputs and attributes of its own
 * kernel; tfjs guarantees that they match the kernel's name.
 */
export type Lowering = (graph: Graph, inputs: never, attributes: never, target: Target) => Value | readonly Value[];

export interface Unary {
  readonly x: Value;
}
export interface Binary {
  readonly a: Value;
  readonly b: Value;
}

export const broadcast = (a: Shape, b: Shape): Shape =>
  backend_util.assertAndGetBroadcastShape(a as number[], b as number[]);

/** Axes as tfjs gives them (one, several, negative, none = all) in ascending order. */
export function axesOf(axis: number | readonly number[] | null | undefined, rank: number): number[] {
  const axes = axis === null || axis === undefined ? [] : [axis].flat();
  if (axes.length === 0) return [...Array(rank).keys()];
  return axes.map((i) => (i < 0 ? i + rank : i)).sort((a, b) => a - b);
}

export const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** The source of an Expand where the other operand already brings the shape. */
export function unexpanded(value: Value, other: Value, out: Shape): Value {
  if (value.node?.op !== 'Expand') return value;
  const source = value.node.inputs[0] as Value;
  return sameShape(broadcast(source.shape, other.shape), out) ? source : value;
}

/** An elementwise operator of two operands, with its neutral elements left out. */
export function binary(graph: Graph, op: string, a: Value, b: Value, dtype: ElementType = a.dtype): Value {
  const out = broadcast(a.shape, b.shape);
  const [left, right] = [splatOf(a), splatOf(b)];
  if (op === 'Mul' && right === 1) return graph.expand(a, out);
  if (op === 'Mul' && left === 1) return graph.expand(b, out);
  if (op === 'Add' && left === 0) return graph.expand(b, out);
  if ((op === 'Add' || op === 'Sub') && right === 0) return graph.expand(a, out);
  if (op === 'Div' && right === 1) return graph.expand(a, out);
  const first = unexpanded(a, b, out);
  return graph.op(op, [first, unexpanded(b, first, out)], dtype, out);
}

/** `x[begin : begin + size]`; a size of -1 reaches to the end. */
export function slice(graph: Graph, x: Value, begin: readonly number[], size: readonly number[]): Value {
  const out = x.shape.map((d, i) => ((size[i] as number) < 0 ? d - (begin[i] as number) : (size[i] as number)));
  const axes = [...out.keys()].filter((i) => out[i] !== x.shape[i]);
  if (axes.length === 0) return x;
  const starts = axes.map((i) => begin[i] as number);
  const ends = axes.map((i) => (begin[i] as number) + (out[i] as number));
  return graph.op('Slice', [x, graph.indices(starts), graph.indices(ends), graph.indices(axes)], x.dtype, out);
}
