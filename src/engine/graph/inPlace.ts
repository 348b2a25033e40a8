/**
 * Which state tensors a step may overwrite where they are. ONNX Runtime runs independent nodes in any order, so the node that writes
 * the new value may run before another that still reads the old one, and the result is silently wrong. A tensor is safe when
 * every reader of its old value must have run before the writer: is an ancestor of it, or is the writer itself and elementwise.
 */

import { type Graph, type Node, sameShape, type Value } from './ir.ts';

/** Their outputs may share the memory of their input. */
const views = new Set(['Reshape', 'Identity']);

/** Operators that read element i of an operand of their own shape only to write element i. */
const elementwise = new Set(['Add', 'Sub', 'Mul', 'Div']);

export interface Replacement {
  /** The state tensor as the step receives it: an input of the graph. */
  readonly before: Value;
  /** What replaces it: an output of the graph. */
  readonly after: Value;
}

/** For each replacement, whether `after` may be written into the memory of `before`. */
export function provenInPlace(graph: Graph, replacements: readonly Replacement[]): boolean[] {
  const consumers = new Map<Value, Node[]>();
  for (const node of graph.liveNodes())
    for (const input of new Set(node.inputs)) consumers.set(input, [...(consumers.get(input) ?? []), node]);
  const results = new Set(graph.outputs.map(({ value }) => value));

  /** The values that may lie in the memory of `value`. */
  const aliases = (value: Value): Value[] => [
    value,
    ...(consumers.get(value) ?? []).flatMap((n) => (views.has(n.op) ? aliases(n.outputs[0] as Value) : [])),
  ];

  return replacements.map(({ before, after }) => {
    const old = aliases(before);
    // Copied out at a time nobody knows.
    if (old.some((value) => results.has(value))) return false;
    const waiting = new Set(old.flatMap((value) => consumers.get(value) ?? []).filter((n) => !views.has(n.op)));
    if (waiting.size === 0) return true;
    let written = after;
    while (written.node && views.has(written.node.op)) written = written.node.inputs[0] as Value;
    const writer = written.node;
    if (!writer) return false;
    if (waiting.delete(writer)) {
      const aligned = writer.inputs.every((v) => !old.includes(v) || sameShape(v.shape, written.shape));
      if (!elementwise.has(writer.op) || !aligned) return false;
    }
    return allAncestors(waiting, writer);
  });
}

/** True when every one of `nodes` runs before `node` in any order. */
function allAncestors(nodes: ReadonlySet<Node>, node: Node): boolean {
  const waiting = new Set(nodes);
  const seen = new Set<Node>([node]);
  const stack = [node];
  while (waiting.size > 0) {
    const next = stack.pop();
    if (!next) return false;
    for (const { node: producer } of next.inputs) {
      if (!producer || seen.has(producer)) continue;
      seen.add(producer);
      waiting.delete(producer);
      stack.push(producer);
    }
  }
  return true;
}
