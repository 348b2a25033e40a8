/** The engine that runs a step op by op on any registered tfjs backend: nothing is compiled, tensors stay on the backend. */

import * as tf from '@tensorflow/tfjs-core';
import {
  checkDefinition,
  checkInputs,
  checkReplacements,
  type FullSpec,
  fullSpec,
  requireFit,
  specOf,
} from './definition.ts';
import type { Engine, EngineInfo, HostArray, State, Step, StepDefinition, TensorSpec, Tensors } from './engine.ts';
import { createExclusion } from './exclusion.ts';
import { activate } from './tfjs.ts';

/** `backend`: the tfjs name of a registered backend. */
export function openEager(backend: string, info: EngineInfo): Engine {
  return new EagerEngine(backend, info);
}

class EagerState implements State {
  readonly #backend: string;
  readonly #specs: Readonly<Record<string, FullSpec>>;
  readonly #tensors = new Map<string, tf.Tensor>();
  readonly #onDispose: (state: EagerState) => void;
  readonly exclusively = createExclusion();

  constructor(
    backend: string,
    entries: Readonly<Record<string, TensorSpec & { readonly data?: HostArray }>>,
    onDispose: (state: EagerState) => void,
  ) {
    this.#backend = backend;
    this.#onDispose = onDispose;
    this.#specs = Object.fromEntries(Object.entries(entries).map(([name, spec]) => [name, fullSpec(spec)]));
    for (const [name, { data }] of Object.entries(entries)) this.#place(name, data);
  }

  get names(): readonly string[] {
    return Object.keys(this.#specs);
  }

  spec(name: string): FullSpec {
    const spec = this.#specs[name];
    if (!spec) throw new Error(`The state has no ${name}.`);
    return spec;
  }

  async read(name: string): Promise<HostArray> {
    return ((await this.tensor(name).data()) as HostArray).slice();
  }

  async write(name: string, data: HostArray): Promise<void> {
    this.#place(name, data);
  }

  dispose(): void {
    for (const tensor of this.#tensors.values()) tensor.dispose();
    this.#tensors.clear();
    this.#onDispose(this);
  }

  tensor(name: string): tf.Tensor {
    this.spec(name);
    const tensor = this.#tensors.get(name);
    if (!tensor) throw new Error('The state was disposed.');
    return tensor;
  }

  /** Takes over `tensor` as the value of `name`. */
  replace(name: string, tensor: tf.Tensor): void {
    this.#tensors.get(name)?.dispose();
    this.#tensors.set(name, tensor);
  }

  #place(name: string, data: HostArray | undefined): void {
    const { shape, dtype } = this.spec(name);
    if (data) requireFit(name, { shape, dtype }, data);
    activate(this.#backend);
    this.replace(name, data ? tf.tensor(data.slice(), [...shape], dtype) : tf.zeros([...shape], dtype));
  }
}

class EagerStep implements Step {
  readonly #backend: string;
  readonly #definition: StepDefinition;
  readonly #state: EagerState;
  readonly #inputs: Readonly<Record<string, FullSpec>>;
  #disposed = false;

  constructor(backend: string, definition: StepDefinition, state: EagerState) {
    this.#backend = backend;
    this.#definition = definition;
    this.#state = state;
    this.#inputs = checkDefinition(definition);
  }

  run(given: Readonly<Record<string, HostArray | number>>): Promise<Record<string, HostArray>> {
    return this.#state.exclusively(async () => {
      if (this.#disposed) throw new Error('The step was disposed.');
      const arrays = checkInputs(this.#inputs, given);
      activate(this.#backend);
      const { state, out } = tf.tidy(() => this.#compute(arrays) as unknown as tf.TensorContainer) as unknown as {
        state: Tensors;
        out: Tensors;
      };
      for (const [name, tensor] of Object.entries(state)) this.#state.replace(name, tensor);
      const results: Record<string, HostArray> = {};
      for (const [name, tensor] of Object.entries(out)) {
        results[name] = (await tensor.data()) as HostArray;
        tensor.dispose();
      }
      return results;
    });
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
  }

  /** Every tensor returned is a handle of its own: `fn` may return one twice, or an entry of the state as it was. */
  #compute(arrays: Readonly<Record<string, HostArray>>): { state: Tensors; out: Tensors } {
    const { uses, fn } = this.#definition;
    const used = Object.fromEntries(uses.map((name) => [name, this.#state.tensor(name)]));
    const inputs = Object.fromEntries(
      Object.entries(this.#inputs).map(([name, { shape, dtype }]) => [
        name,
        tf.tensor(arrays[name] as HostArray, [...shape], dtype),
      ]),
    );
    const { state = {}, out } = fn(used, inputs);
    checkReplacements(this.#state, state);
    for (const [name, tensor] of Object.entries(out)) specOf(`out.${name}`, tensor);
    const handles = (tensors: Tensors): Tensors =>
      Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tensor.clone()]));
    const result = { state: handles(state), out: handles(out) };
    // `fn` may have kept what it returns past a scope of its own; its handle would never be freed.
    for (const tensor of [...Object.values(state), ...Object.values(out)]) if (tensor.kept) tensor.dispose();
    return result;
  }
}

class EagerEngine implements Engine {
  readonly info: EngineInfo;
  readonly #backend: string;
  readonly #states = new Set<EagerState>();

  constructor(backend: string, info: EngineInfo) {
    this.#backend = backend;
    this.info = info;
  }

  async createState(entries: Readonly<Record<string, TensorSpec & { readonly data?: HostArray }>>): Promise<State> {
    const state = new EagerState(this.#backend, entries, (disposed) => this.#states.delete(disposed));
    this.#states.add(state);
    return state;
  }

  async compile(definition: StepDefinition): Promise<Step> {
    const { state } = definition;
    if (!(state instanceof EagerState) || !this.#states.has(state))
      throw new Error('The step was defined over a state of another engine.');
    return new EagerStep(this.#backend, definition, state);
  }

  async dispose(): Promise<void> {
    for (const state of this.#states) state.dispose();
  }
}
