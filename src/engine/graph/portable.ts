/**
 * A traced function made into a model that ONNX runtimes in general take: a batch of any size, and operators of ONNX's own set 17
 * only, which is old enough for all of them and the first with LayerNormalization.
 */

import { type Attributes, Graph, type Node, type Value } from './ir.ts';

/** What `portableGraph` keeps to: the operator set, and the version of the format that came with it. */
export const portableVersions = { ir: 8, opset: 17 };

/** Two batch sizes that no other dimension of a network is likely to be equal to. */
const batches = [11, 13] as const;

/**
 * @param traceFor the graph of the same function for a batch of that many; it must be lowered to ONNX's own operators
 * @param input name of an input whose first axis is the batch
 * @throws Error when the function computes something else for another batch size than the same along a longer first axis
 */
export function portableGraph(traceFor: (batch: number) => Graph, input: string): Graph {
  const [small, large] = [traceFor(batches[0]), traceFor(batches[1])];
  const graph = new Graph();
  const copies = new Map<Value, Value>();
  for (const { name, dtype, shape } of small.inputs) graph.input(name!, dtype, shape);
  small.inputs.forEach((value, i) => {
    copies.set(value, graph.inputs[i]!);
  });
  const batch = (): Value => {
    const images = graph.inputs.find(({ name }) => name === input)!;
    return graph.op('Shape', [images], 'int64', [1], { start: 0, end: 1 });
  };
  const nodes = small.liveNodes();
  const others = large.liveNodes();
  const used = new Set([...nodes.flatMap((node) => node.inputs), ...small.outputs.map(({ value }) => value)]);
  const copy = (value: Value, other: Value, node?: Node): Value => {
    const made = copies.get(value);
    if (made) return made;
    if (!value.data || !other.data) throw unportable(node, 'has another structure');
    if (sameData(value, other)) return graph.constant(value.data, value.dtype, value.shape);
    return vector(graph, linearParts(value, other, node), node?.op === 'Reshape', batch);
  };
  if (nodes.length !== others.length) throw unportable(undefined, 'has another number of operators');
  nodes.forEach((node, i) => {
    const other = others[i]!;
    if (node.domain) throw new Error(`The operator ${node.domain}.${node.op} is no part of ONNX.`);
    if (node.op !== other.op || JSON.stringify(node.attributes) !== JSON.stringify(other.attributes))
      throw unportable(node, `becomes ${other.op} with other attributes`);
    const inputs = node.inputs.map((value, k) => copy(value, other.inputs[k]!, node));
    rewrite(graph, node, inputs, used).forEach((value, k) => {
      copies.set(node.outputs[k]!, value);
    });
  });
  small.outputs.forEach(({ name, value }, i) => {
    graph.output(name, copy(value, large.outputs[i]!.value));
  });
  return graph;
}

/** The node's outputs, by operators of set 17. Trailing outputs that nothing uses are left out. */
function rewrite(graph: Graph, node: Node, inputs: readonly Value[], used: ReadonlySet<Value>): readonly Value[] {
  const { op, attributes, outputs } = node;
  const [x] = inputs as [Value];
  switch (op) {
    case 'Gelu':
      return [gelu(graph, x)];
    case 'ReduceMean':
    case 'ReduceMax':
    case 'ReduceMin': {
      const axes = Array.from(inputs[1]!.data as BigInt64Array, Number);
      return [graph.op(op, [x], outputs[0]!.dtype, outputs[0]!.shape, { ...attributes, axes } satisfies Attributes)];
    }
    default: {
      const needed = outputs.slice(0, 1 + outputs.findLastIndex((value) => used.has(value)));
      const specs = needed.map(({ dtype, shape }) => [dtype, shape] as const);
      return graph.node(op, inputs, specs, attributes);
    }
  }
}

/** x · (1 + erf(x/√2)) / 2. */
function gelu(graph: Graph, x: Value): Value {
  const op = (name: string, ...operands: Value[]) => graph.op(name, operands, 'float32', x.shape);
  const erf = op('Erf', op('Mul', x, graph.float(Math.SQRT1_2)));
  return op('Mul', op('Mul', x, graph.float(0.5)), op('Add', erf, graph.float(1)));
}

/** An element of a shape or an offset: factor · batch + constant. */
interface LinearPart {
  readonly factor: number;
  readonly constant: number;
}

function linearParts(value: Value, other: Value, node: Node | undefined): LinearPart[] {
  const [small, large] = [value.data!, other.data!];
  if (value.dtype !== 'int64' || small.length !== large.length || value.shape.length !== 1)
    throw unportable(node, `has another constant of type ${value.dtype}`);
  const [m, n] = batches;
  return Array.from({ length: small.length }, (_, i) => {
    const [a, b] = [Number(small[i]), Number(large[i])];
    const factor = (b - a) / (n - m);
    if (!Number.isInteger(factor)) throw unportable(node, `has ${b} instead of ${a} in a constant`);
    return { factor, constant: a - factor * m };
  });
}

/** A vector of int64 computed from the batch size; the one unknown of a Reshape is left to it. */
function vector(graph: Graph, parts: readonly LinearPart[], isShape: boolean, batch: () => Value): Value {
  const unknown = parts.filter(({ factor }) => factor !== 0);
  if (isShape && unknown.length === 1 && unknown[0]!.constant === 0) {
    return graph.indices(parts.map(({ factor, constant }) => (factor === 0 ? constant : -1)));
  }
  const elements = parts.map(({ factor, constant }) => {
    if (factor === 0) return graph.indices([constant]);
    const scaled = factor === 1 ? batch() : graph.op('Mul', [batch(), graph.indices([factor])], 'int64', [1]);
    return constant === 0 ? scaled : graph.op('Add', [scaled, graph.indices([constant])], 'int64', [1]);
  });
  if (elements.length === 1) return elements[0]!;
  return graph.op('Concat', elements, 'int64', [elements.length], { axis: 0 });
}

function sameData(a: Value, b: Value): boolean {
  if (a.dtype !== b.dtype || String(a.shape) !== String(b.shape)) return false;
  const bytes = ({ data }: Value) => Buffer.from(data!.buffer, data!.byteOffset, data!.byteLength);
  return bytes(a).equals(bytes(b));
}

function unportable(node: Node | undefined, how: string): Error {
  const what = node ? `the operator ${node.op}` : 'the graph';
  return new Error(`With another batch size ${what} ${how}: it cannot be exported for any batch.`);
}
