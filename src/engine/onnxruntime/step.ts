/** A step traced, lowered and compiled over a state. */

import type { Tensor } from 'onnxruntime-node';
import { checkDefinition, checkInputs, checkReplacements, type FullSpec, specOf } from '../definition.ts';
import type { HostArray, Step, StepDefinition, Tensors } from '../engine.ts';
import { fuse } from '../graph/fuse.ts';
import { provenInPlace } from '../graph/inPlace.ts';
import { type Graph, splatOf, type Value } from '../graph/ir.ts';
import type { Target } from '../graph/kernels/lowering.ts';
import { trace } from '../graph/trace.ts';
import { type Buffers, Session, type SessionSettings } from './session.ts';
import { newTensor, type OnnxState } from './state.ts';

/** Names in the graph: state before and after, inputs and outputs of the step. */
const before = (name: string): string => `before:${name}`;
const after = (name: string): string => `after:${name}`;
const input = (name: string): string => `in:${name}`;
const output = (name: string): string => `out:${name}`;
const unprefixed = (name: string): string => name.slice(name.indexOf(':') + 1);

const prefixed = <T>(prefix: (name: string) => string, record: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [prefix(name), value]));

/** How the entries a step replaces get their new values. */
export interface Plan {
  /** Written over the old value. */
  readonly inPlace: readonly string[];
  /** Written to the spare buffer, then swapped. */
  readonly swapped: readonly string[];
  /** Set to one number after the run. */
  readonly filled: readonly (readonly [name: string, value: number])[];
}

/** The graph of a step, the specs of its outputs, and what becomes of its state. */
export function planStep(
  definition: StepDefinition,
  target: Target,
): { graph: Graph; outputs: Record<string, FullSpec>; plan: Plan } {
  const inputs = checkDefinition(definition);
  const { state, uses, fn } = definition;
  const outputs: Record<string, FullSpec> = {};
  const specs = {
    ...prefixed(before, Object.fromEntries(uses.map((name) => [name, state.spec(name)]))),
    ...prefixed(input, inputs),
  };
  const traced = trace(
    (tensors) => {
      const pick = (prefix: (name: string) => string, names: readonly string[]): Tensors =>
        Object.fromEntries(names.map((name) => [name, tensors[prefix(name)] as Tensors[string]]));
      const result = fn(pick(before, uses), pick(input, Object.keys(inputs)));
      checkReplacements(state, result.state ?? {});
      for (const [name, tensor] of Object.entries(result.out)) outputs[name] = specOf(`out.${name}`, tensor);
      return { ...prefixed(after, result.state ?? {}), ...prefixed(output, result.out) };
    },
    specs,
    target,
  );
  const graph = fuse(traced, target);
  return { graph, outputs, plan: planReplacements(graph) };
}

/** Takes from the graph's outputs those entries that need no computing, and decides where the rest go. */
function planReplacements(graph: Graph): Plan {
  const old = new Map(graph.inputs.map((value) => [value.name as string, value]));
  const filled: [string, number][] = [];
  const computed: { name: string; before: Value | undefined; after: Value }[] = [];
  const kept = graph.outputs.filter(({ name: full, value }) => {
    if (!full.startsWith(after(''))) return true;
    const name = unprefixed(full);
    const number = splatOf(value);
    if (number !== undefined) filled.push([name, number]);
    else if (value !== old.get(before(name))) computed.push({ name, before: old.get(before(name)), after: value });
    else return false;
    return number === undefined;
  });
  graph.outputs.splice(0, graph.outputs.length, ...kept);
  const replaced = computed.filter((c): c is typeof c & { before: Value } => c.before !== undefined);
  const proofs = provenInPlace(graph, replaced);
  const swapped = replaced.filter((_, i) => !proofs[i]).map(({ name }) => name);
  const inPlace = computed.map(({ name }) => name).filter((name) => !swapped.includes(name));
  return { inPlace, swapped, filled };
}

export interface CompileSettings extends SessionSettings {
  readonly target: Target;
  readonly onDispose: (step: OnnxStep) => void;
}

export class OnnxStep implements Step {
  readonly plan: Plan;
  readonly #definition: StepDefinition;
  readonly #inputs: Readonly<Record<string, FullSpec>>;
  readonly #state: OnnxState;
  readonly #outputs: Readonly<Record<string, Tensor>>;
  /** None when the step only fills. */
  #session: Session | null;
  readonly #onDispose: (step: OnnxStep) => void;
  #disposed = false;

  private constructor(
    definition: StepDefinition,
    state: OnnxState,
    plan: Plan,
    outputs: Record<string, FullSpec>,
    session: Session | null,
    onDispose: (step: OnnxStep) => void,
  ) {
    this.#definition = definition;
    this.#inputs = checkDefinition(definition);
    this.#state = state;
    this.plan = plan;
    this.#outputs = Object.fromEntries(Object.entries(outputs).map(([name, spec]) => [name, newTensor(spec)]));
    this.#session = session;
    this.#onDispose = onDispose;
  }

  static async compile(definition: StepDefinition, state: OnnxState, settings: CompileSettings): Promise<OnnxStep> {
    const { graph, outputs, plan } = planStep(definition, settings.target);
    const session = graph.outputs.length > 0 ? await Session.create(graph, settings) : null;
    return new OnnxStep(definition, state, plan, outputs, session, settings.onDispose);
  }

  run(inputs: Readonly<Record<string, HostArray | number>>): Promise<Record<string, HostArray>> {
    return this.#state.exclusively(async () => {
      if (this.#disposed) throw new Error('The step was disposed.');
      const arrays = checkInputs(this.#inputs, inputs);
      const state = this.#state;
      const feeds: Buffers = {};
      for (const name of this.#definition.uses) feeds[before(name)] = state.current(name);
      for (const [name, spec] of Object.entries(this.#inputs)) feeds[input(name)] = newTensor(spec, arrays[name]);
      const results: Buffers = prefixed(output, this.#outputs);
      for (const name of this.plan.inPlace) results[after(name)] = state.current(name);
      for (const name of this.plan.swapped) results[after(name)] = state.spare(name);
      await this.#session?.run(feeds, results);
      for (const name of this.plan.swapped) state.swap(name);
      for (const [name, value] of this.plan.filled) state.array(name).fill(value);
      return Object.fromEntries(Object.entries(this.#outputs).map(([name, t]) => [name, t.data as HostArray]));
    });
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    const session = this.#session;
    this.#session = null;
    this.#onDispose(this);
    await session?.release();
  }
}
