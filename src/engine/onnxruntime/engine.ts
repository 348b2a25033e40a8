/** The engine that compiles steps with ONNX Runtime, on the CPU. */

import { cpus } from 'node:os';
import { version_core as tfjsVersion } from '@tensorflow/tfjs-core';
import { env } from 'onnxruntime-node';
import type { Precision } from '../../domain/precision.ts';
import type { Engine, EngineInfo, HostArray, State, Step, StepDefinition, TensorSpec } from '../engine.ts';
import type { HalfType } from '../graph/ir.ts';
import type { Target } from '../graph/kernels/lowering.ts';
import { probeCopyStopper, probeTarget } from './probe.ts';
import type { SessionSettings } from './session.ts';
import { OnnxState } from './state.ts';
import { type CompileSettings, OnnxStep } from './step.ts';

export interface OnnxRuntimeOptions {
  /** Threads of one operator. */
  readonly computeThreads: number;
  /** FP32 unless said. FP16 and BF16 take longer: a CPU computes in float32 and rounds besides. */
  readonly precision?: Precision | undefined;
  /** What to lower to, instead of what this machine offers (for tests of the fallbacks). */
  readonly target?: Target;
  /** False: let the binding copy outputs even where that can be avoided (for tests of the fallback). */
  readonly avoidCopies?: boolean;
}

const productsOf: Readonly<Record<Precision, HalfType | undefined>> = {
  FP32: undefined,
  FP16: 'float16',
  BF16: 'bfloat16',
};

export async function openOnnxRuntime(options: OnnxRuntimeOptions): Promise<Engine> {
  const { computeThreads: threads, precision = 'FP32' } = options;
  const target = options.target ?? (await probeTarget());
  const copyStopperMessage = options.avoidCopies === false ? null : await probeCopyStopper();
  const lowerTo = { ...target, products: productsOf[precision] };
  return new OnnxRuntimeEngine({ threads, copyStopperMessage }, lowerTo, precision);
}

class OnnxRuntimeEngine implements Engine {
  readonly info: EngineInfo;
  readonly #settings: CompileSettings;
  readonly #states = new Set<OnnxState>();
  readonly #steps = new Set<OnnxStep>();

  constructor(session: SessionSettings, target: Target, precision: Precision) {
    this.info = {
      name: 'onnxruntime',
      device: cpus()[0]?.model.trim() ?? 'CPU',
      precision,
      versions: {
        'onnxruntime-node': env.versions.node ?? 'unknown',
        'tfjs-core': tfjsVersion,
        node: process.versions.node,
      },
    };
    this.#settings = { ...session, target, onDispose: (step) => this.#steps.delete(step) };
  }

  async createState(entries: Readonly<Record<string, TensorSpec & { readonly data?: HostArray }>>): Promise<State> {
    const state = new OnnxState(entries, (state) => this.#states.delete(state));
    this.#states.add(state);
    return state;
  }

  async compile(definition: StepDefinition): Promise<Step> {
    const { state } = definition;
    if (!(state instanceof OnnxState) || !this.#states.has(state))
      throw new Error('The step was defined over a state of another engine.');
    const step = await OnnxStep.compile(definition, state, this.#settings);
    this.#steps.add(step);
    return step;
  }

  async dispose(): Promise<void> {
    for (const step of this.#steps) await step.dispose();
    for (const state of this.#states) state.dispose();
  }
}
