/** Writes a graph as an ONNX ModelProto. Field numbers are those of onnx.proto3, written straight with protobufjs' writer. */

import protobuf from 'protobufjs/minimal.js';
import { sizeOf } from '../../domain/shape.ts';
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
function writeConstant(writer: Writer, name: string, value: Value): void {
  const data = value.data as ElementData;
  writeTensorHeader(writer, name, value);
  writer.uint32(lengthDelimited(9)).bytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function writeTensorHeader(writer: Writer, name: string, value: Value): void {
  for (const d of value.shape) writer.uint32(varint(1)).int64(d);
  writer.uint32(varint(2)).int32(onnxType[value.dtype]);
  text(writer, 8, name);
}

/**
 * The bytes of the model. Every output name gets a tensor of its own: a value that is an input, a constant or already another
 * output is copied by an Identity. Inputs nothing reads are left out.
 */
export function encodeModel(graph: Graph, options: ModelOptions = {}): Uint8Array {
  const { head, body, tail } = encodeParts(graph, options, new Set());
  return Buffer.concat([head, fieldStart(graphField, body.length), body, tail]);
}

/** Bytes above which protobuf's readers refuse a message. */
const messageLimit = 2 ** 31 - 1;

/**
 * The same in pieces, with the inputs named in `initializers` as float32 initializers: they are no inputs any more, and their values
 * are fetched one at a time when they are due, so that a large model never lies in memory.
 */
export async function* encodeModelInPieces(
  graph: Graph,
  options: ModelOptions,
  initializers: ReadonlySet<string>,
  fetch: (name: string) => Promise<Float32Array>,
): AsyncGenerator<Uint8Array, void> {
  const { head, body, tail, initialized } = encodeParts(graph, options, initializers);
  const tensors = initialized.map((value) => {
    const bytes = 4 * sizeOf(value.shape);
    const writer = protobuf.Writer.create();
    writeTensorHeader(writer, value.name as string, value);
    const header = Buffer.concat([writer.finish(), fieldStart(9, bytes)]);
    return { value, bytes, start: Buffer.concat([fieldStart(initializerField, header.length + bytes), header]) };
  });
  const length = tensors.reduce((sum, { start, bytes }) => sum + start.length + bytes, body.length);
  if (length > messageLimit) throw new Error(`A model of ${length} bytes is more than an ONNX file can hold.`);
  yield head;
  yield fieldStart(graphField, length);
  yield body;
  for (const { value, bytes, start } of tensors) {
    yield start;
    const data = await fetch(value.name as string);
    if (data.byteLength !== bytes) throw new Error(`${value.name} needs ${bytes} bytes, got ${data.byteLength}.`);
    yield new Uint8Array(data.buffer, data.byteOffset, bytes);
  }
  yield tail;
}

const graphField = 7;
const initializerField = 5;

/** What comes before the content of a length-delimited field. */
function fieldStart(field: number, length: number): Uint8Array {
  return protobuf.Writer.create().uint32(lengthDelimited(field)).uint32(length).finish();
}

interface Parts {
  /** Of the ModelProto, before its graph. */
  readonly head: Uint8Array;
  /** Content of the GraphProto, without those initializers. */
  readonly body: Uint8Array;
  readonly tail: Uint8Array;
  /** Inputs that are initializers, as far as they are used. */
  readonly initialized: readonly Value[];
}

function encodeParts(graph: Graph, options: ModelOptions, initializers: ReadonlySet<string>): Parts {
  const { versions = newest, batch, producerVersion, description, metadata = {} } = options;
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
  const head = protobuf.Writer.create();
  head.uint32(varint(1)).int64(versions.ir);
  text(head, 2, 'rungraph');
  if (producerVersion !== undefined) text(head, 3, producerVersion);
  if (description !== undefined) text(head, 6, description);
  // GraphProto: node 1, name 2, initializer 5, input 11, output 12.
  const w = protobuf.Writer.create();
  const initialized: Value[] = [];
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
  for (const value of constants) message(w, initializerField, (w) => writeConstant(w, nameOf(value), value));
  for (const value of graph.inputs) {
    if (!used.has(value)) continue;
    const name = value.name as string;
    if (initializers.has(name)) initialized.push(value);
    else message(w, 11, (w) => writeValueInfo(w, name, value, false, batch));
  }
  for (const { name, value, sequence } of graph.outputs)
    message(w, 12, (w) => writeValueInfo(w, name, value, sequence, batch));
  const tail = protobuf.Writer.create();
  // ModelProto.opset_import 8; OperatorSetIdProto: domain 1, version 2.
  for (const [domain, version] of [
    ['', versions.opset],
    [microsoft, 1],
    [nchwcDomain, 1],
  ] as const)
    if (!domain || domains.has(domain))
      message(tail, 8, (w) => {
        if (domain) text(w, 1, domain);
        w.uint32(varint(2)).int64(version);
      });
  // ModelProto.metadata_props 14; StringStringEntryProto: key 1, value 2.
  for (const [key, value] of Object.entries(metadata))
    message(tail, 14, (w) => {
      text(w, 1, key);
      text(w, 2, value);
    });
  return { head: head.finish(), body: w.finish(), tail: tail.finish(), initialized };
}
