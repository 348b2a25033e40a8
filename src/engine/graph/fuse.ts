/**
 * A traced graph rewritten for ONNX Runtime's CPU kernels, where it takes to know who else reads a value. What these operators
 * compute stays the same, element by element.
 */

import { sizeOf } from '../../domain/shape.ts';
import { Graph, microsoft, type Node, type Shape, sameShape, splatOf, type Value } from './ir.ts';
import type { Target } from './kernels/lowering.ts';

/** Appends to `graph` what replaces `node`, whose inputs are already there, or null: nothing does. */
type Rule = (graph: Graph, node: Node, inputs: readonly Value[], context: Context) => Value | null;

interface Context {
  readonly target: Target;
  /** How many nodes and outputs read a value of the graph being rewritten. */
  readonly readers: ReadonlyMap<Value, number>;
}

/** The same inputs and outputs by name. */
export function fuse(source: Graph, target: Target): Graph {
  const graph = new Graph();
  const context: Context = { target, readers: countReaders(source) };
  const values = new Map<Value, Value>();
  for (const input of source.inputs) values.set(input, graph.input(input.name as string, input.dtype, input.shape));
  const copyOf = (old: Value): Value => values.get(old) ?? graph.constant(old.data as never, old.dtype, old.shape);
  for (const node of source.liveNodes()) {
    const inputs = node.inputs.map(copyOf);
    const replacement = rules[node.op]?.(graph, node, inputs, context);
    const outputs = replacement
      ? [replacement]
      : graph.node(
          node.op,
          inputs,
          node.outputs.map(({ dtype, shape }) => [dtype, shape] as const),
          node.attributes,
          node.domain,
        );
    for (const [i, output] of node.outputs.entries()) values.set(output, outputs[i] as Value);
  }
  for (const { name, value } of source.outputs) graph.output(name, copyOf(value));
  return graph;
}

function countReaders(graph: Graph): Map<Value, number> {
  const readers = new Map<Value, number>();
  const read = (value: Value) => readers.set(value, (readers.get(value) ?? 0) + 1);
  for (const node of graph.liveNodes()) node.inputs.forEach(read);
  for (const { value } of graph.outputs) read(value);
  return readers;
}

/** Gelu of what a bias was just added to, when only it reads the sum: one pass instead of two. */
const biasGelu: Rule = (graph, node, [x], { target, readers }) => {
  const old = node.inputs[0] as Value;
  const sum = unreshaped(x as Value);
  if (!target.contrib || sum.node?.op !== 'Add' || !readOnce(old, readers)) return null;
  const [product, bias] = sum.node.inputs as [Value, Value];
  if (bias.shape.length !== 1 || bias.shape[0] !== product.shape.at(-1)) return null;
  return graph.reshape(graph.op('BiasGelu', [product, bias], 'float32', product.shape, {}, microsoft), old.shape);
};

/** True when nothing but a chain of single readers leads from the source of `value`'s reshapes to its reader. */
function readOnce(value: Value, readers: ReadonlyMap<Value, number>): boolean {
  for (let v = value; ; v = v.node.inputs[0] as Value) {
    if (readers.get(v) !== 1) return false;
    if (v.node?.op !== 'Reshape') return true;
  }
}

const unreshaped = (value: Value): Value =>
  value.node?.op === 'Reshape' ? unreshaped(value.node.inputs[0] as Value) : value;

/** erf(x)/2 + 1/2, which lies between 0 and 1, is a HardSigmoid: one pass instead of two, in place. */
const halfErf: Rule = (graph, node, [scaled, shift], { readers }) => {
  const [erf, scale] = scaled?.node?.op === 'Mul' ? scaled.node.inputs : [];
  if (erf?.node?.op !== 'Erf' || splatOf(scale!) !== 0.5 || splatOf(shift!) !== 0.5) return null;
  if (readers.get(node.inputs[0]!) !== 1) return null;
  return graph.op('HardSigmoid', [erf], erf.dtype, erf.shape, { alpha: { float: 0.5 }, beta: { float: 0.5 } });
};

/** Elements from which on a Transpose is worth the threads of a Gather, and how many must stay together. */
const [manyElements, longRow] = [1 << 16, 16];

/** ONNX Runtime transposes on one thread. Where whole rows move, a Gather of rows does the same on all. */
const rowGather: Rule = (graph, node, [x]) => {
  const perm = node.attributes.perm as readonly number[];
  const { shape } = x as Value;
  let kept = perm.length;
  while (kept > 0 && perm[kept - 1] === kept - 1) kept--;
  const row = sizeOf(shape.slice(kept));
  const rows = sizeOf(shape.slice(0, kept));
  if (row < longRow || rows * row < manyElements) return null;
  const order = graph.constant(rowOrder(shape.slice(0, kept), perm.slice(0, kept)), 'int32', [rows]);
  return graph.reshape(gatherRows(graph, graph.reshape(x as Value, [rows, row]), order), node.outputs[0]!.shape);
};

const gatherRows = (graph: Graph, x: Value, order: Value): Value =>
  graph.op('Gather', [x, order], x.dtype, [order.shape[0] as number, x.shape[1] as number], { axis: 0 });

/** Row-major places in an array of `shape` in the order in which the transposed array holds them. */
function rowOrder(shape: Shape, perm: readonly number[]): Int32Array {
  const strides = shape.map((_, i) => sizeOf(shape.slice(i + 1)));
  let places = [0];
  for (const axis of perm)
    places = places.flatMap((place) =>
      Array.from({ length: shape[axis] as number }, (_, i) => place + i * (strides[axis] as number)),
    );
  return Int32Array.from(places);
}

/** A slice of gathered rows gathers only those: queries, keys and values each leave their product in one pass. */
const slicedGather: Rule = (graph, node, [x, starts, ends, axes]) => {
  const gather = unreshaped(x as Value);
  const order = gather.node?.op === 'Gather' ? (gather.node.inputs[1] as Value) : undefined;
  if (!sameShape(axes?.shape ?? [], [1]) || axes?.data?.[0] !== 0n || node.inputs.length !== 4) return null;
  if (!gather.node || order?.shape.length !== 1 || !order.data || gather.node.attributes.axis !== 0) return null;
  const perSlice = gather.shape[0]! / x!.shape[0]!;
  if (gather.shape.length !== 2 || !Number.isInteger(perSlice)) return null;
  const [start, end] = [Number(starts!.data![0]) * perSlice, Number(ends!.data![0]) * perSlice];
  const part = graph.constant((order.data as Int32Array).slice(start, end), order.dtype, [end - start]);
  return graph.reshape(gatherRows(graph, gather.node.inputs[0] as Value, part), node.outputs[0]!.shape);
};

const rules: Readonly<Record<string, Rule>> = {
  Gelu: biasGelu,
  Add: halfErf,
  Transpose: rowGather,
  Slice: slicedGather,
};
