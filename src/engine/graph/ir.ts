/**
 * The graph a traced step becomes: ONNX operators over values of static shape. Building only appends, so creation order is a
 * topological order; an operator with the same inputs and attributes as an earlier one is that earlier one; what no
 * output needs is dropped when the graph is read (`liveNodes`).
 */

import { createHash } from 'node:crypto';

/** Types of values on their way to being rounded; nothing computes in them. */
export type HalfType = 'float16' | 'bfloat16';
export type ElementType = 'float32' | 'int32' | 'int64' | 'bool' | HalfType;
export type ElementData = Float32Array | Int32Array | BigInt64Array | Uint8Array;
export type Shape = readonly number[];

/** A number is an integer attribute, `{ float }` a floating-point one. */
export type Attribute = number | readonly number[] | string | { readonly float: number };
export type Attributes = Readonly<Record<string, Attribute>>;

/** A tensor in the graph: made by a node, or an input (has a name), or a constant (has data). */
export interface Value {
  readonly id: number;
  readonly dtype: ElementType;
  readonly shape: Shape;
  readonly node?: Node;
  readonly name?: string;
  readonly data?: ElementData;
}

export interface Node {
  readonly op: string;
  /** Operator set: '' is ONNX's own. */
  readonly domain: string;
  readonly inputs: readonly Value[];
  readonly attributes: Attributes;
  readonly outputs: readonly Value[];
}

export interface Output {
  readonly name: string;
  readonly value: Value;
  /** The value is a sequence of tensors, not a tensor. */
  readonly sequence: boolean;
}

/** ONNX Runtime's own operators. */
export const microsoft = 'com.microsoft';
/** ONNX Runtime's operators over channel-blocked images. */
export const nchwcDomain = 'com.microsoft.nchwc';

/** TensorProto.DataType. */
export const onnxType: Readonly<Record<ElementType, number>> = {
  float32: 1,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  bfloat16: 16,
};

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((d, i) => d === b[i]);

export class Graph {
  readonly nodes: Node[] = [];
  readonly inputs: Value[] = [];
  readonly outputs: Output[] = [];
  #nextId = 0;
  readonly #byKey = new Map<string, Node>();
  readonly #constants = new Map<string, Value>();

  input(name: string, dtype: ElementType, shape: Shape): Value {
    const value: Value = { id: this.#nextId++, dtype, shape, name };
    this.inputs.push(value);
    return value;
  }

  output(name: string, value: Value): void {
    this.outputs.push({ name, value, sequence: false });
  }

  /** Adds a first output of sequence type that holds `of`. */
  sequenceOutput(name: string, of: Value): void {
    this.outputs.unshift({ name, value: this.op('SequenceConstruct', [of], of.dtype, of.shape), sequence: true });
  }

  constant(data: ElementData, dtype: ElementType, shape: Shape): Value {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const key = `${dtype}|${shape}|${data.length <= 64 ? Buffer.from(bytes).toString('latin1') : createHash('sha1').update(bytes).digest('base64')}`;
    let value = this.#constants.get(key);
    if (!value) {
      value = { id: this.#nextId++, dtype, shape, data };
      this.#constants.set(key, value);
    }
    return value;
  }

  float(x: number): Value {
    return this.constant(Float32Array.of(x), 'float32', []);
  }

  int32(x: number): Value {
    return this.constant(Int32Array.of(x), 'int32', []);
  }

  /** A vector of int64, as ONNX wants shapes, axes and offsets. */
  indices(xs: readonly number[]): Value {
    return this.constant(BigInt64Array.from(xs, BigInt), 'int64', [xs.length]);
  }

  /** A vector of n float32 ones. */
  ones(n: number): Value {
    return this.constant(new Float32Array(n).fill(1), 'float32', [n]);
  }

  /** Appends a node with several outputs, or finds an identical one. */
  node(
    op: string,
    inputs: readonly Value[],
    outputs: readonly (readonly [ElementType, Shape])[],
    attributes: Attributes = {},
    domain = '',
  ): readonly Value[] {
    const key = `${domain}.${op}(${inputs.map((i) => i.id)})${JSON.stringify(attributes)}${outputs.length}`;
    let node = this.#byKey.get(key);
    if (!node) {
      const values: Value[] = [];
      node = { op, domain, inputs, attributes, outputs: values };
      for (const [dtype, shape] of outputs) values.push({ id: this.#nextId++, dtype, shape, node });
      this.nodes.push(node);
      this.#byKey.set(key, node);
    }
    return node.outputs;
  }

  /** Appends a node with one output, or finds an identical one. */
  op(
    op: string,
    inputs: readonly Value[],
    dtype: ElementType,
    shape: Shape,
    attributes: Attributes = {},
    domain = '',
  ): Value {
    return this.node(op, inputs, [[dtype, shape]], attributes, domain)[0] as Value;
  }

  reshape(x: Value, shape: Shape): Value {
    const source = x.node?.op === 'Reshape' ? (x.node.inputs[0] as Value) : x;
    if (sameShape(source.shape, shape)) return source;
    if (source.data) return this.constant(source.data, source.dtype, shape);
    return this.op('Reshape', [source, this.indices(shape)], source.dtype, shape);
  }

  /** Output axis i is input axis `permutation[i]`. Two transposes in a row are one; moving only axes of length 1 is a reshape. */
  transpose(x: Value, permutation: readonly number[]): Value {
    if (x.node?.op === 'Transpose') {
      const first = x.node.attributes.perm as readonly number[];
      return this.transpose(
        x.node.inputs[0] as Value,
        permutation.map((i) => first[i] as number),
      );
    }
    const shape = permutation.map((i) => x.shape[i] as number);
    const long = permutation.filter((i) => x.shape[i] !== 1);
    if (long.every((axis, i) => i === 0 || (long[i - 1] as number) < axis)) return this.reshape(x, shape);
    return this.op('Transpose', [x], x.dtype, shape, { perm: permutation });
  }

  expand(x: Value, shape: Shape): Value {
    return sameShape(x.shape, shape) ? x : this.op('Expand', [x, this.indices(shape)], x.dtype, shape);
  }

  cast(x: Value, dtype: ElementType): Value {
    return x.dtype === dtype ? x : this.op('Cast', [x], dtype, x.shape, { to: onnxType[dtype] });
  }

  /** The nodes the outputs need, in topological order. */
  liveNodes(): Node[] {
    const live = new Set<Node>();
    const stack = this.outputs.flatMap(({ value }) => value.node ?? []);
    for (let node = stack.pop(); node; node = stack.pop()) {
      if (live.has(node)) continue;
      live.add(node);
      for (const input of node.inputs) if (input.node && !live.has(input.node)) stack.push(input.node);
    }
    return this.nodes.filter((node) => live.has(node));
  }
}

/** The one number every element of `value` has, if that is known: a constant of one element, expanded or not. */
export function splatOf(value: Value): number | undefined {
  let source = value;
  while (source.node?.op === 'Expand') source = source.node.inputs[0] as Value;
  return source.data?.length === 1 ? Number(source.data[0]) : undefined;
}
