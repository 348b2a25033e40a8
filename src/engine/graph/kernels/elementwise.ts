/** Arithmetic, comparisons and functions of one element. */

import type { CastAttrs, ClipByValueAttrs, StepAttrs } from '@tensorflow/tfjs-core';
import type { ElementType, Graph, Value } from '../ir.ts';
import { type Binary, binary, broadcast, type Lowering, type Unary, unexpanded } from './lowering.ts';

const arithmetic =
  (op: string): Lowering =>
  (graph, { a, b }: Binary) =>
    binary(graph, op, a, b);

const comparison =
  (op: string): Lowering =>
  (graph, { a, b }: Binary) =>
    binary(graph, op, a, b, 'bool');

const unary =
  (op: string): Lowering =>
  (graph, { x }: Unary) =>
    graph.op(op, [x], x.dtype, x.shape);

const test =
  (op: string): Lowering =>
  (graph, { x }: Unary) =>
    graph.op(op, [x], 'bool', x.shape);

const not = (graph: Graph, x: Value): Value => graph.op('Not', [x], 'bool', x.shape);
const number = (graph: Graph, value: number, dtype: ElementType): Value =>
  dtype === 'float32' ? graph.float(value) : graph.int32(value);

/** 1 above zero, `alpha` at zero and below, NaN for NaN. */
const step: Lowering = (graph, { x }: Unary, { alpha }: StepAttrs) => {
  const above = graph.op('Greater', [x, number(graph, 0, x.dtype)], 'bool', x.shape);
  const value = graph.op('Where', [above, graph.float(1), graph.float(alpha)], 'float32', x.shape);
  if (x.dtype !== 'float32') return value;
  return graph.op('Where', [graph.op('IsNaN', [x], 'bool', x.shape), x, value], 'float32', x.shape);
};

const select: Lowering = (graph, { condition, t, e }: { condition: Value; t: Value; e: Value }) => {
  const out = broadcast(broadcast(t.shape, e.shape), condition.shape);
  return graph.op('Where', [condition, unexpanded(t, condition, out), unexpanded(e, condition, out)], t.dtype, out);
};

export const elementwise: Readonly<Record<string, Lowering>> = {
  Add: arithmetic('Add'),
  Sub: arithmetic('Sub'),
  Multiply: arithmetic('Mul'),
  RealDiv: arithmetic('Div'),
  Maximum: arithmetic('Max'),
  Minimum: arithmetic('Min'),
  Pow: arithmetic('Pow'),
  SquaredDifference: (graph, { a, b }: Binary) => {
    const difference = binary(graph, 'Sub', a, b);
    return binary(graph, 'Mul', difference, difference);
  },
  AddN: (graph, inputs: Record<string, Value>) => Object.values(inputs).reduce((a, b) => binary(graph, 'Add', a, b)),

  Equal: comparison('Equal'),
  NotEqual: (graph, { a, b }: Binary) => not(graph, binary(graph, 'Equal', a, b, 'bool')),
  Greater: comparison('Greater'),
  GreaterEqual: comparison('GreaterOrEqual'),
  Less: comparison('Less'),
  LessEqual: comparison('LessOrEqual'),
  LogicalAnd: comparison('And'),
  LogicalOr: comparison('Or'),
  LogicalNot: (graph, { x }: Unary) => not(graph, x),
  Select: select,

  Neg: unary('Neg'),
  Abs: unary('Abs'),
  Sign: unary('Sign'),
  Floor: unary('Floor'),
  Ceil: unary('Ceil'),
  Sqrt: unary('Sqrt'),
  Square: (graph, { x }: Unary) => graph.op('Mul', [x, x], x.dtype, x.shape),
  Rsqrt: (graph, { x }: Unary) => graph.op('Reciprocal', [graph.op('Sqrt', [x], x.dtype, x.shape)], x.dtype, x.shape),
  Reciprocal: unary('Reciprocal'),
  Exp: unary('Exp'),
  Log: unary('Log'),
  Erf: unary('Erf'),
  Sin: unary('Sin'),
  Cos: unary('Cos'),
  Tanh: unary('Tanh'),
  Sigmoid: unary('Sigmoid'),
  Relu: unary('Relu'),
  Softplus: unary('Softplus'),
  Step: step,
  ClipByValue: (graph, { x }: Unary, { clipValueMin, clipValueMax }: ClipByValueAttrs) =>
    graph.op('Clip', [x, number(graph, clipValueMin, x.dtype), number(graph, clipValueMax, x.dtype)], x.dtype, x.shape),
  IsNan: test('IsNaN'),
  IsInf: test('IsInf'),
  IsFinite: (graph, { x }: Unary) =>
    not(
      graph,
      graph.op(
        'Or',
        [graph.op('IsNaN', [x], 'bool', x.shape), graph.op('IsInf', [x], 'bool', x.shape)],
        'bool',
        x.shape,
      ),
    ),

  Cast: (graph, { x }: Unary, { dtype }: CastAttrs) => graph.cast(x, dtype as ElementType),
  Identity: (_graph, { x }: Unary) => x,
};
