/**
 * A tfjs backend that computes nothing: its kernels append operators to the graph being traced. tfjs-core's own autodiff then
 * gives the backward pass as more operators.
 */

import {
  type BackendValues,
  type DataId,
  DataStorage,
  type DataType,
  engine,
  KernelBackend,
  registerBackend,
  registerKernel,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import '../tfjs.ts';
import { type ElementData, type ElementType, Graph, type Value } from './ir.ts';
import type { Lowering, Target } from './kernels/lowering.ts';
import { kernels } from './kernels/table.ts';

export const graphBackendName = 'graph';

/** tfjs ops that draw numbers in JavaScript: a trace would freeze what they drew. */
const randomOps = new Set([
  'rand',
  'randomGamma',
  'randomNormal',
  'randomStandardNormal',
  'randomUniform',
  'randomUniformInt',
  'truncatedNormal',
  'dropout',
  'multinomial',
]);

/** The tfjs ops being executed, outermost first: `['dropout', 'randomUniform']`. */
function activeOps(): string[] {
  const { scopeStack } = engine().state;
  return scopeStack.flatMap(({ name }) => (name?.endsWith('__op') ? [name.slice(0, -'__op'.length)] : []));
}

/** The op being executed that draws numbers, if one does. */
const drawingOp = (): string | undefined => activeOps().find((op) => randomOps.has(op));

/** What is thrown when a traced function draws random numbers, through a tfjs op or by itself. */
export function randomProblem(): Error {
  const op = drawingOp();
  return new Error(
    `${op ? `tf.${op}` : 'Math.random'} inside a compiled step would give the same numbers on every run: ` +
      'draw them outside and pass them as an input.',
  );
}

interface Recording {
  readonly graph: Graph;
  readonly target: Target;
}

class GraphBackend extends KernelBackend {
  #recording: Recording | null = null;
  readonly #values = new DataStorage<Value>(this, engine());

  /** Runs `body` with everything that the backend's kernels do appended to a new graph. */
  record(target: Target, body: (graph: Graph) => void): Graph {
    if (this.#recording) throw new Error('A step cannot be compiled inside the function of another.');
    const graph = new Graph();
    this.#recording = { graph, target };
    try {
      body(graph);
    } finally {
      this.#recording = null;
    }
    return graph;
  }

  valueBehind(tensor: TensorInfo): Value {
    return this.#values.get(tensor.dataId);
  }

  /** A tensor for a value. Each gets a data id of its own, so that tfjs' reference counts never meet. */
  tensorInfo(value: Value): TensorInfo {
    const dataId = {};
    this.#values.set(dataId, value);
    return { dataId, shape: [...value.shape], dtype: (value.dtype === 'int64' ? 'int32' : value.dtype) as DataType };
  }

  append(
    lowering: Lowering,
    inputs: Record<string, TensorInfo | undefined>,
    attributes: object,
  ): TensorInfo | TensorInfo[] {
    const values: Record<string, Value> = {};
    for (const [name, tensor] of Object.entries(inputs)) if (tensor) values[name] = this.valueBehind(tensor);
    const { graph, target } = this.#current();
    const result = lowering(graph, values as never, attributes as never, target);
    return isList(result) ? result.map((value) => this.tensorInfo(value)) : this.tensorInfo(result);
  }

  /** Called for every array that becomes a tensor: constants, and all that tfjs computes in JavaScript. */
  override write(values: BackendValues, shape: number[], dtype: DataType): DataId {
    const dataId = {};
    this.move(dataId, values, shape, dtype);
    return dataId;
  }

  override move(dataId: DataId, values: BackendValues, shape: number[], dtype: DataType): void {
    if (drawingOp()) throw randomProblem();
    const { graph } = this.#current();
    const data = elementsOf(values as ArrayLike<number>, dtype);
    const type = dtype as ElementType;
    // tf.ones, zeros and fill arrive as arrays: one element expanded is as good and can be folded.
    const splat = data.length > 0 && data.every((x) => Object.is(x, data[0]));
    const value = splat
      ? graph.expand(graph.constant(data.slice(0, 1), type, []), shape)
      : graph.constant(data, type, shape);
    this.#values.set(dataId, value);
  }

  override readSync(): never {
    const op = activeOps().at(0);
    throw new Error(
      `${op ? `tf.${op}` : 'The function'} needs the value of a tensor, but inside a compiled step tensors have no values yet: ` +
        'do not call data(), dataSync(), array() or print() or branch on a tensor there; pass what is needed as an input, ' +
        'or return the tensor in `out` and read it after the run.',
    );
  }

  override read(): never {
    return this.readSync();
  }

  override disposeData(dataId: DataId): boolean {
    this.#values.delete(dataId);
    return true;
  }

  /** Values live as long as their graph. */
  override incRef(): void {}
  override refCount(): number {
    return 1;
  }
  override numDataIds(): number {
    return this.#values.numDataIds();
  }
  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }
  override timerAvailable(): boolean {
    return false;
  }
  override floatPrecision(): 16 | 32 {
    return 32;
  }
  override epsilon(): number {
    return 1e-7;
  }
  override dispose(): void {}

  #current(): Recording {
    if (!this.#recording) throw new Error('A tensor of a compiled step was used outside its function.');
    return this.#recording;
  }
}

const isList = (result: Value | readonly Value[]): result is readonly Value[] => Array.isArray(result);

function elementsOf(values: ArrayLike<number>, dtype: DataType): Exclude<ElementData, BigInt64Array> {
  switch (dtype) {
    case 'float32':
      return Float32Array.from(values);
    case 'int32':
      return Int32Array.from(values);
    case 'bool':
      return Uint8Array.from(values);
    case 'complex64':
    case 'string':
      throw new Error(`A tensor of type ${dtype} cannot be part of a compiled step.`);
  }
}

export const graphBackend = new GraphBackend();
registerBackend(graphBackendName, () => graphBackend, 0);
for (const [kernelName, lowering] of Object.entries(kernels))
  registerKernel({
    kernelName,
    backendName: graphBackendName,
    kernelFunc: ({ inputs, attrs }) => graphBackend.append(lowering, inputs, attrs ?? {}),
  });
