/** Writes a graph as an ONNX ModelProto. Field numbers are those of onnx.proto3, written straight with protobufjs' writer. */

import protobuf from 'protobufjs/minimal.js';
import { type Attribute, type Graph, microsoft, type Node, nchwcDomain, onnxType, type Value } from './ir.ts';

type Writer = protobuf.Writer;

const irVersion = 9;
const opset = 20;

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

/** ValueInfoProto: name 1, type 2; TypeProto: tensor_type 1, sequence_type 4; Tensor: elem_type 1, shape 2 (dim 1, dim_value 1). */
function writeValueInfo(writer: Writer, name: string, value: Value, sequence: boolean): void {
  const tensorType = (w: Writer) =>
    message(w, 1, (w) => {
      w.uint32(varint(1)).int32(onnxType[value.dtype]);
      message(w, 2, (w) => {
        for (const d of value.shape) message(w, 1, (w) => w.uint32(varint(1)).int64(d));
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
function writeConstant(writer: Writer, name: string, value: Value): void {
  const data = value.data as NonNullable<Value['data']>;
  for (const d of value.shape) writer.uint32(varint(1)).int64(d);
  writer.uint32(varint(2)).int32(onnxType[value.dtype]);
  text(writer, 8, name);
  writer.uint32(lengthDelimited(9)).bytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/**
 * The bytes of the model. Every output name gets a tensor of its own: a value that is an input, a constant or already another
 * output is copied by an Identity. Inputs nothing reads are left out.
 */
export function encodeModel(graph: Graph): Uint8Array {
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

  const writer = protobuf.Writer.create();
  writer.uint32(varint(1)).int64(irVersion);
  text(writer, 2, 'rungraph');
  // GraphProto: node 1, name 2, initializer 5, input 11, output 12.
  message(writer, 7, (w) => {
    graph.liveNodes().forEach((node, index) => {
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
    for (const value of constants) message(w, 5, (w) => writeConstant(w, nameOf(value), value));
    for (const value of graph.inputs)
      if (used.has(value)) message(w, 11, (w) => writeValueInfo(w, value.name as string, value, false));
    for (const { name, value, sequence } of graph.outputs)
      message(w, 12, (w) => writeValueInfo(w, name, value, sequence));
  });
  // ModelProto.opset_import 8; OperatorSetIdProto: domain 1, version 2.
  for (const [domain, version] of [
    ['', opset],
    [microsoft, 1],
    [nchwcDomain, 1],
  ] as const)
    message(writer, 8, (w) => {
      if (domain) text(w, 1, domain);
      w.uint32(varint(2)).int64(version);
    });
  return writer.finish();
}
