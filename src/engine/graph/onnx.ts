/** Writes a graph as an ONNX ModelProto. Field numbers are those of onnx.proto3, written straight with protobufjs' writer. */

import protobuf from 'protobufjs/minimal.js';
import {
  type Attribute,
  type ElementData,
  type Graph,
  microsoft,
  type Node,
  nchwcDomain,
  onnxType,
  type Value,
} from './ir.ts';

type Writer = protobuf.Writer;

/** Of the format, and of ONNX's own operators. */
export interface OnnxVersions {
  readonly ir: number;
  readonly opset: number;
}

/** What the lowerings use. */
const newest: OnnxVersions = { ir: 9, opset: 20 };

/** What a model says besides its graph, for models that leave this program. */
export interface ModelOptions {
  readonly versions?: OnnxVersions;
  /** Values of inputs: they become initializers and are no inputs any more. */
  readonly initializers?: ReadonlyMap<string, ElementData>;
  /** Name of the first dimension of every input and output, whose length is open then. */
  readonly batch?: string;
  readonly producerVersion?: string;
  /** For people. */
  readonly description?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

const varint = (field: number): number => field << 3;
const fixed32 = (field: number): number => (field << 3) | 5;
const lengthDelimited = (field: number): number => (field << 3) | 2;

function message(writer: Writer, field: number, write: (writer: Writer) => void): void {
  writer.uint32(lengthDelimited(field)).fork();
  write(writer);
  writer.ldelim();
}

function text(writer: Writer, field: number, value: string): void {
  writer.uint32(lengthDelimited(field)).string(value);
}

/** AttributeProto: name 1, f 2, i 3, s 4, ints 8, type 20 (FLOAT 1, INT 2, STRING 3, INTS 7). */
function writeAttribute(writer: Writer, name: string, value: Attribute): void {
  text(writer, 1, name);
  if (typeof value === 'number') {
    writer.uint32(varint(3)).int64(value).uint32(varint(20)).int32(2);
  } else if (typeof value === 'string') {
    text(writer, 4, value);
    writer.uint32(varint(20)).int32(3);
  } else if ('float' in value) {
    writer.uint32(fixed32(2)).float(value.float).uint32(varint(20)).int32(1);
  } else {
    for (const i of value) writer.uint32(varint(8)).int64(i);
    writer.uint32(varint(20)).int32(7);
  }
}

/** ValueInfoProto: name 1, type 2; TypeProto: tensor_type 1, sequence_type 4; Tensor: elem_type 1, shape 2 (dim 1: dim_value 1, dim_param 2). */
function writeValueInfo(writer: Writer, name: string, value: Value, sequence: boolean, batch?: string): void {
  const tensorType = (w: Writer) =>
    message(w, 1, (w) => {
      w.uint32(varint(1)).int32(onnxType[value.dtype]);
      message(w, 2, (w) => {
        value.shape.forEach((d, axis) => {
          message(w, 1, (w) => {
            if (axis === 0 && batch !== undefined) text(w, 2, batch);
            else w.uint32(varint(1)).int64(d);
          });
        });
      });
    });
  text(writer, 1, name);
  message(writer, 2, (w) => (sequence ? message(w, 4, (w) => message(w, 1, tensorType)) : tensorType(w)));
}

/** NodeProto: input 1, output 2, name 3, op_type 4, attribute 5, domain 7. */
function writeNode(writer: Writer, node: Node, index: number, nameOf: (value: Value) => string): void {
  for (const input of node.inputs) text(writer, 1, nameOf(input));
  for (const output of node.outputs) text(writer, 2, nameOf(output));
  text(writer, 3, `${node.op}_${index}`);
  text(writer, 4, node.op);
  for (const [name, value] of Object.entries(node.attributes))
    message(writer, 5, (w) => writeAttribute(w, name, value));
  if (node.domain) text(writer, 7, node.domain);
}

/** TensorProto: dims 1, data_type 2, name 8, raw_data 9 (little-endian, as typed arrays are on every platform Node runs on). */
function writeConstant(writer: Writer, name: string, value: Value, data: ElementData): void {
  for (const d of value.shape) writer.uint32(varint(1)).int64(d);
  writer.uint32(varint(2)).int32(onnxType[value.dtype]);
  text(writer, 8, name);
  writer.uint32(lengthDelimited(9)).bytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/**
 * The bytes of the model. Every output name gets a tensor of its own: a value that is an input, a constant or already another
 * output is copied by an Identity. Inputs nothing reads are left out.
 */
export function encodeModel(graph: Graph, options: ModelOptions = {}): Uint8Array {
  const { versions = newest, initializers, batch, producerVersion, description, metadata = {} } = options;
  const names = new Map<Value, string>(graph.inputs.map((i) => [i, i.name as string]));
  const constants: Value[] = [];
  const used = new Set<Value>();
  const nameOf = (value: Value): string => {
    used.add(value);
    let name = names.get(value);
    if (name === undefined) {
      name = `#${value.id}`;
      names.set(value, name);
      if (value.data) constants.push(value);
    }
    return name;
  };
  for (const { name, value } of graph.outputs) if (value.node && !names.has(value)) names.set(value, name);

  const nodes = graph.liveNodes();
  const domains = new Set(nodes.map((node) => node.domain));
  const writer = protobuf.Writer.create();
  writer.uint32(varint(1)).int64(versions.ir);
  text(writer, 2, 'rungraph');
  if (producerVersion !== undefined) text(writer, 3, producerVersion);
  if (description !== undefined) text(writer, 6, description);
  // GraphProto: node 1, name 2, initializer 5, input 11, output 12.
  message(writer, 7, (w) => {
    nodes.forEach((node, index) => {
      message(w, 1, (w) => writeNode(w, node, index, nameOf));
    });
    for (const { name, value } of graph.outputs) {
      if (nameOf(value) === name) continue;
      message(w, 1, (w) => {
        text(w, 1, nameOf(value));
        text(w, 2, name);
        text(w, 4, 'Identity');
      });
    }
    text(w, 2, 'step');
    for (const value of constants)
      message(w, 5, (w) => writeConstant(w, nameOf(value), value, value.data as ElementData));
    for (const value of graph.inputs) {
      if (!used.has(value)) continue;
      const name = value.name as string;
      const data = initializers?.get(name);
      if (data) message(w, 5, (w) => writeConstant(w, name, value, data));
      else message(w, 11, (w) => writeValueInfo(w, name, value, false, batch));
    }
    for (const { name, value, sequence } of graph.outputs)
      message(w, 12, (w) => writeValueInfo(w, name, value, sequence, batch));
  });
  // ModelProto.opset_import 8; OperatorSetIdProto: domain 1, version 2.
  for (const [domain, version] of [
    ['', versions.opset],
    [microsoft, 1],
    [nchwcDomain, 1],
  ] as const)
    if (!domain || domains.has(domain))
      message(writer, 8, (w) => {
        if (domain) text(w, 1, domain);
        w.uint32(varint(2)).int64(version);
      });
  // ModelProto.metadata_props 14; StringStringEntryProto: key 1, value 2.
  for (const [key, value] of Object.entries(metadata))
    message(writer, 14, (w) => {
      text(w, 1, key);
      text(w, 2, value);
    });
  return writer.finish();
}
