/** What every engine checks of a step: its definition, what its function returns, what a run is given. */

import type { Tensor } from '@tensorflow/tfjs-core';
import { sizeOf } from '../domain/shape.ts';
import type { HostArray, State, StepDefinition, TensorSpec, Tensors } from './engine.ts';

export type FullSpec = Required<TensorSpec>;

export const fullSpec = ({ shape, dtype = 'float32' }: TensorSpec): FullSpec => ({ shape, dtype });

export const newArray = ({ shape, dtype }: FullSpec): HostArray =>
  dtype === 'int32' ? new Int32Array(sizeOf(shape)) : new Float32Array(sizeOf(shape));

const describe = ({ shape, dtype }: FullSpec): string => `${dtype} (${shape.join(',')})`;

/** Throws unless `data` fits `spec`; `what` names it in the message. */
export function requireFit(what: string, spec: FullSpec, data: HostArray): void {
  const type = spec.dtype === 'int32' ? Int32Array : Float32Array;
  if (!(data instanceof type) || data.length !== sizeOf(spec.shape))
    throw new Error(
      `${what} is ${describe(spec)}: it takes ${type.name} of ${sizeOf(spec.shape)}, ` +
        `got ${data.constructor.name} of ${data.length}.`,
    );
}

/** The definition's inputs with every type filled in; throws when `uses` names what the state does not have. */
export function checkDefinition({ state, uses, inputs }: StepDefinition): Record<string, FullSpec> {
  const known = new Set(state.names);
  for (const name of uses)
    if (!known.has(name)) throw new Error(`The step uses ${name}, which its state does not have.`);
  return Object.fromEntries(Object.entries(inputs).map(([name, spec]) => [name, fullSpec(spec)]));
}

/** Throws unless the state a step's function returned fits the state it runs over. */
export function checkReplacements(state: State, replaced: Tensors): void {
  const known = new Set(state.names);
  for (const [name, tensor] of Object.entries(replaced)) {
    if (!known.has(name)) throw new Error(`The step replaces ${name}, which its state does not have.`);
    const [wanted, got] = [describe(state.spec(name)), describe(specOf(`state.${name}`, tensor))];
    if (wanted !== got) throw new Error(`The step replaces ${name}, which is ${wanted}, with ${got}.`);
  }
}

/** The spec of a tensor that leaves a step. */
export function specOf(what: string, tensor: Tensor): FullSpec {
  const { shape, dtype } = tensor;
  if (dtype !== 'float32' && dtype !== 'int32')
    throw new Error(`${what} is ${dtype}: cast it to float32 or int32 before it is returned.`);
  return { shape, dtype };
}

/** The arrays of one run, a number made an array of one; throws when an input is missing, unknown or does not fit. */
export function checkInputs(
  specs: Readonly<Record<string, FullSpec>>,
  given: Readonly<Record<string, HostArray | number>>,
): Record<string, HostArray> {
  for (const name of Object.keys(given))
    if (!Object.hasOwn(specs, name)) throw new Error(`The step has no input ${name}.`);
  const arrays: Record<string, HostArray> = {};
  for (const [name, spec] of Object.entries(specs)) {
    const value = given[name];
    if (value === undefined) throw new Error(`The step's input ${name} is missing.`);
    const array =
      typeof value !== 'number' ? value : spec.dtype === 'int32' ? Int32Array.of(value) : Float32Array.of(value);
    requireFit(`The step's input ${name}`, spec, array);
    arrays[name] = array;
  }
  return arrays;
}
