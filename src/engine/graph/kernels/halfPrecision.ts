/**
 * Matrix products and convolutions, forward and backward, in half precision as CUDA's autocast computes them: operands (a bias among
 * them) are rounded to the element type of the target, sums are float32, the result is rounded again, so that scaled gradients
 * overflow here when they do there. Parameters, gradients, optimiser and every other operator stay float32. On a CPU the rounding
 * is work on top: two Casts around a float32 operator.
 */

import type { Graph, HalfType, Value } from '../ir.ts';
import type { Lowering } from './lowering.ts';

/** Operators whose output has no element that their first operand has not. */
const movers = new Set(['Reshape', 'Transpose', 'Slice', 'Gather', 'Expand']);

/** The same lowerings, for targets whose products are of half precision; other targets get what they got. */
export function inHalfPrecision(lowerings: Readonly<Record<string, Lowering>>): Readonly<Record<string, Lowering>> {
  return Object.fromEntries(Object.entries(lowerings).map(([kernel, lowering]) => [kernel, inHalf(lowering)]));
}

function inHalf(lowering: Lowering): Lowering {
  return (graph, inputs: Readonly<Record<string, Value>>, attributes, target) => {
    const { products } = target;
    if (!products) return lowering(graph, inputs as never, attributes, target);
    const operands = Object.entries(inputs).map(([name, value]) => [name, rounded(graph, value, products)]);
    const result = lowering(graph, Object.fromEntries(operands) as never, attributes, target);
    return rounded(graph, result as Value, products);
  };
}

/**
 * float32 values, each the nearest that `type` can hold, ties to even, and infinite beyond its range. What already holds such values
 * is left as it is.
 */
function rounded(graph: Graph, value: Value, type: HalfType): Value {
  if (value.dtype !== 'float32' || isRounded(value, type)) return value;
  return graph.cast(graph.cast(value, type), 'float32');
}

function isRounded(value: Value, type: HalfType): boolean {
  let source = value;
  while (source.node && movers.has(source.node.op)) source = source.node.inputs[0]!;
  return source.node?.op === 'Cast' && source.node.inputs[0]!.dtype === type;
}
