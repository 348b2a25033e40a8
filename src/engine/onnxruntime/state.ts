/** Tensors that live between steps, in buffers that sessions read and write directly. */

import { Tensor } from 'onnxruntime-node';
import { type FullSpec, fullSpec, newArray, requireFit } from '../definition.ts';
import type { HostArray, State, TensorSpec } from '../engine.ts';
import { createExclusion } from '../exclusion.ts';

interface Entry {
  readonly spec: FullSpec;
  current: Tensor;
  /** Where steps that cannot write in place put the next value; allocated for the first such step. */
  spare: Tensor | null;
}

export const newTensor = (spec: FullSpec, data: HostArray = newArray(spec)): Tensor =>
  data instanceof Int32Array
    ? new Tensor('int32', data, spec.shape)
    : new Tensor('float32', data as Float32Array, spec.shape);

export class OnnxState implements State {
  readonly #entries: Map<string, Entry>;
  readonly #onDispose: (state: OnnxState) => void;
  readonly exclusively = createExclusion();

  constructor(
    entries: Readonly<Record<string, TensorSpec & { readonly data?: HostArray }>>,
    onDispose: (state: OnnxState) => void,
  ) {
    this.#onDispose = onDispose;
    this.#entries = new Map(
      Object.entries(entries).map(([name, { data, ...given }]) => {
        const spec = fullSpec(given);
        if (data) requireFit(name, spec, data);
        return [name, { spec, current: newTensor(spec, data?.slice()), spare: null }];
      }),
    );
  }

  get names(): readonly string[] {
    return [...this.#entries.keys()];
  }

  spec(name: string): FullSpec {
    return this.#entry(name).spec;
  }

  async read(name: string): Promise<HostArray> {
    return this.array(name).slice();
  }

  async write(name: string, data: HostArray): Promise<void> {
    requireFit(name, this.spec(name), data);
    this.array(name).set(data);
  }

  dispose(): void {
    this.#entries.clear();
    this.#onDispose(this);
  }

  /** The buffer that holds the value now. */
  current(name: string): Tensor {
    return this.#entry(name).current;
  }

  array(name: string): HostArray {
    return this.current(name).data as HostArray;
  }

  /** The buffer for the next value of a step that cannot write in place. */
  spare(name: string): Tensor {
    const entry = this.#entry(name);
    entry.spare ??= newTensor(entry.spec);
    return entry.spare;
  }

  /** Makes what is in the spare buffer the value. */
  swap(name: string): void {
    const entry = this.#entry(name);
    const next = this.spare(name);
    entry.spare = entry.current;
    entry.current = next;
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name);
    if (!entry) throw new Error(`The state has no ${name}, or was disposed.`);
    return entry;
  }
}
