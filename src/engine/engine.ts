/**
 * One way to run a training step, whatever computes it. Models and the learner are written in plain tfjs-core ops and see
 * only this file; `onnxruntime` traces a step once and runs it compiled, `tensorflow` runs it eagerly.
 */

import type { Tensor } from '@tensorflow/tfjs-core';
import type { Precision } from '../domain/precision.ts';

export type DType = 'float32' | 'int32';

export interface TensorSpec {
  readonly shape: readonly number[];
  /** float32 unless said. */
  readonly dtype?: DType;
}

export type Tensors = Record<string, Tensor>;
export type HostArray = Float32Array | Int32Array;

/** What a run needs to record about where it ran. */
export interface EngineInfo {
  readonly name: 'onnxruntime' | 'tensorflow' | 'tfjs-cpu';
  readonly device: string;
  readonly precision: Precision;
  readonly versions: Readonly<Record<string, string>>;
}

/**
 * Named tensors that live on the engine between steps: parameters, optimiser moments, gradient buffers, running
 * statistics. Several steps may be compiled over one state; each names the entries it reads and those it replaces.
 */
export interface State {
  readonly names: readonly string[];
  spec(name: string): Required<TensorSpec>;
  /** A copy of the current value, row-major. */
  read(name: string): Promise<HostArray>;
  /** Replaces the value; the length must match. */
  write(name: string, data: HostArray): Promise<void>;
  dispose(): void;
}

export interface StepDefinition {
  readonly state: State;
  /** Entries of `state` that `fn` receives. Those absent take no part in the graph. */
  readonly uses: readonly string[];
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  /**
   * Pure: the same tensors in give the same tensors out. May call tf.grads; must not read values (`dataSync`, `print`),
   * draw random numbers or branch on data. `state` of the result replaces the entries of those names, shapes unchanged.
   */
  readonly fn: (state: Tensors, inputs: Tensors) => { readonly state?: Tensors; readonly out: Tensors };
}

export interface Step {
  /**
   * Runs once. `inputs` has one array (or a number for a scalar) per declared input. The arrays returned are valid until
   * the next run of this step.
   */
  run(inputs: Readonly<Record<string, HostArray | number>>): Promise<Record<string, HostArray>>;
  dispose(): Promise<void>;
}

export interface Engine {
  readonly info: EngineInfo;
  /** Entries without data start as zeros. */
  createState(entries: Readonly<Record<string, TensorSpec & { readonly data?: HostArray }>>): Promise<State>;
  compile(definition: StepDefinition): Promise<Step>;
  dispose(): Promise<void>;
}
