/** Matrix products. Two-dimensional ones become Gemm, whose transposes cost nothing. */

import type { _FusedMatMulAttrs, BatchMatMulAttrs } from '@tensorflow/tfjs-core';
import { sizeOf } from '../../../domain/shape.ts';
import { type Graph, microsoft, type Value } from '../ir.ts';
import { type Binary, binary, broadcast, type Lowering, type Target } from './lowering.ts';

interface Product {
  readonly a: Value;
  readonly b: Value;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly bias?: Value | undefined;
}

const swapLastTwo = (graph: Graph, x: Value): Value => {
  const axes = [...x.shape.keys()];
  const [row, column] = axes.splice(-2) as [number, number];
  return graph.transpose(x, [...axes, column, row]);
};

/** `op(a) · op(b) + bias`, batch dimensions broadcast. */
export function matMul(graph: Graph, product: Product, target: Target): Value {
  const { a, b, transposeA = false, transposeB = false, bias } = product;
  const [rankA, rankB] = [a.shape.length, b.shape.length];
  const m = a.shape[rankA - (transposeA ? 1 : 2)] as number;
  const k = a.shape[rankA - (transposeA ? 2 : 1)] as number;
  const n = b.shape[rankB - (transposeB ? 2 : 1)] as number;
  const [batchA, batchB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const batch = broadcast(batchA, batchB);
  // One matrix on the right: the batch of the left folds into its rows.
  if (sizeOf(batch) === 1 || (sizeOf(batchB) === 1 && !transposeA)) {
    const rows = sizeOf(batchA) * m;
    const left = graph.reshape(a, transposeA ? [k, m] : [rows, k]);
    const right = graph.reshape(b, transposeB ? [n, k] : [k, n]);
    const attributes = { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 };
    const y = graph.op('Gemm', [left, right], 'float32', [rows, n], attributes);
    // Gemm fills its result with the bias on one thread before it adds the product.
    const sum = bias ? binary(graph, 'Add', y, rowBias(graph, bias, m, batchA)) : y;
    return graph.reshape(sum, [...batch, m, n]);
  }
  const out = [...batch, m, n];
  const y =
    (transposeA || transposeB) && target.contrib
      ? graph.op(
          'FusedMatMul',
          [a, b],
          'float32',
          out,
          { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 },
          microsoft,
        )
      : graph.op(
          'MatMul',
          [transposeA ? swapLastTwo(graph, a) : a, transposeB ? swapLastTwo(graph, b) : b],
          'float32',
          out,
        );
  return bias ? binary(graph, 'Add', y, bias) : y;
}

/** A bias that broadcasts over `(batch · m, n)`: a scalar, a row, or one per row where there is no batch. */
function rowBias(graph: Graph, bias: Value, m: number, batch: readonly number[]): Value {
  const columns = bias.shape.at(-1) ?? 1;
  if (sizeOf(bias.shape) === columns) return graph.reshape(bias, [columns]);
  if (sizeOf(batch) === 1 && sizeOf(bias.shape) === m * columns) return graph.reshape(bias, [m, columns]);
  throw new Error(`A fused matMul's bias must be one row, got (${bias.shape}): add it after the product.`);
}

const fusedMatMul: Lowering = (
  graph,
  { a, b, bias, preluActivationWeights }: Binary & { bias?: Value; preluActivationWeights?: Value },
  { transposeA, transposeB, activation }: _FusedMatMulAttrs,
  target,
) => {
  if (preluActivationWeights || activation !== 'linear')
    throw new Error(`A fused matMul with activation ${activation} cannot be compiled: apply it after the product.`);
  return matMul(graph, { a, b, transposeA, transposeB, bias }, target);
};

export const matrixProducts: Readonly<Record<string, Lowering>> = {
  BatchMatMul: (graph, { a, b }: Binary, { transposeA, transposeB }: BatchMatMulAttrs, target) =>
    matMul(graph, { a, b, transposeA, transposeB }, target),
  _FusedMatMul: fusedMatMul,
};
