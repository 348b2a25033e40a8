/** The engine that compiles steps with ONNX Runtime, on the CPU. */

import { cpus } from 'node:os';
import { version_core as tfjsVersion } from '@tensorflow/tfjs-core';
import { env } from 'onnxruntime-node';
import type { Engine, EngineInfo, HostArray, State, Step, StepDefinition, TensorSpec } from '../engine.ts';
import type { Target } from '../graph/kernels/lowering.ts';
import { probeCopyStopper, probeTarget } from './probe.ts';
import type { SessionSettings } from './session.ts';
import { OnnxState } from './state.ts';
import { type CompileSettings, OnnxStep } from './step.ts';

export interface OnnxRuntimeOptions {
  /** Threads of one operator. */
  readonly computeThreads: number;
  /** What to lower to, instead of what this machine offers (for tests of the fallbacks). */
  readonly target?: Target;
  /** False: let the binding copy outputs even where that can be avoided (for tests of the fallback). */
  readonly avoidCopies?: boolean;
}

export async function openOnnxRuntime(options: OnnxRuntimeOptions): Promise<Engine> {
  const target = options.target ?? (await probeTarget());
  const copyStopperMessage = options.avoidCopies === false ? null : await probeCopyStopper();
  return new OnnxRuntimeEngine({ threads: options.computeThreads, copyStopperMessage }, target);
}

class OnnxRuntimeEngine implements Engine {
  readonly info: EngineInfo = {
    name: 'onnxruntime',
    device: cpus()[0]?.model.trim() ?? 'CPU',
    precision: 'FP32',
    versions: {
      'onnxruntime-node': env.versions.node ?? 'unknown',
      'tfjs-core': tfjsVersion,
      node: process.versions.node,
    },
  };
  readonly #settings: CompileSettings;
  readonly #states = new Set<OnnxState>();
  readonly #steps = new Set<OnnxStep>();

  constructor(session: SessionSettings, target: Target) {
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
