/** The lowering table: tfjs kernel -> ONNX operators. What is not here cannot be compiled. */

import type { Value } from '../ir.ts';
import { convolutions } from './convolution.ts';
import { depthwiseConvolutions } from './depthwise.ts';
import { elementwise } from './elementwise.ts';
import { inHalfPrecision } from './halfPrecision.ts';
import { indexing } from './indexing.ts';
import type { Lowering, Unary } from './lowering.ts';
import { matrixProducts } from './matmul.ts';
import { reductions } from './reduce.ts';
import { shapes } from './shape.ts';

/** Kernels only this backend has; `ops.ts` gives their gradients and what other backends do instead. */
const ours: Readonly<Record<string, Lowering>> = {
  LayerNormalization: (
    graph,
    { x, scale, bias }: Unary & { scale: Value; bias: Value },
    { epsilon }: { epsilon: number },
  ) => {
    const statistics = x.shape.with(-1, 1);
    return graph.node(
      'LayerNormalization',
      [x, scale, bias],
      [
        ['float32', x.shape],
        ['float32', statistics],
        ['float32', statistics],
      ],
      { axis: -1, epsilon: { float: epsilon } },
    );
  },
  Gelu: (graph, { x }: Unary) => graph.op('Gelu', [x], 'float32', x.shape),
};

export const kernels: Readonly<Record<string, Lowering>> = {
  ...elementwise,
  ...shapes,
  ...reductions,
  ...indexing,
  ...inHalfPrecision({ ...matrixProducts, ...depthwiseConvolutions, ...convolutions }),
  ...ours,
};
