/** Swin Transformer (Liu et al., Hierarchical Vision Transformer using Shifted Windows, 2021) with timm's keys and shapes. */

import type { Tensor } from '@tensorflow/tfjs-core';
import { linear } from '../engine/ops.ts';
import { normParameters, type ParameterSpec, parameter, under, type Weights, weightAndBias } from './parameters.ts';
import {
  type Block,
  type Family,
  mlp,
  mlpParameters,
  norm,
  type SwinBody,
  type SwinSizes,
  swinBody,
  truncatedNormal,
  withinWindows,
} from './swinBody.ts';
import { attend, pairwise, splitHeads } from './windowAttention.ts';
import { offsetsOf } from './windows.ts';

/** The network without classifier for images of `sizes.size`. */
export function swin(sizes: SwinSizes): SwinBody {
  return swinBody(sizes, family);
}

/** Normalisation comes first in a branch; a table holds the bias of every offset between two tokens. */
const family: Family = {
  blockParameters({ name, dim, heads, windows }) {
    return [
      ...normParameters(`${name}.norm1`, dim),
      parameter(`${name}.attn.relative_position_bias_table`, [offsetsOf(windows.window), heads], truncatedNormal),
      ...weightAndBias(`${name}.attn.qkv`, [3 * dim, dim], truncatedNormal),
      ...weightAndBias(`${name}.attn.proj`, [dim, dim], truncatedNormal),
      ...normParameters(`${name}.norm2`, dim),
      ...mlpParameters(`${name}.mlp`, dim),
    ];
  },
  mergeParameters(name, dim): ParameterSpec[] {
    return [
      ...normParameters(`${name}.norm`, 4 * dim),
      parameter(`${name}.reduction.weight`, [2 * dim, 4 * dim], truncatedNormal),
    ];
  },
  merge: mergeCells,
  block(x, w, block, keep) {
    const mixed = withinWindows(norm(x, under(w, 'norm1')), block, (x) => attention(x, under(w, 'attn'), block));
    const y = x.add(keep(1, mixed));
    return y.add(keep(2, mlp(norm(y, under(w, 'norm2')), under(w, 'mlp'))));
  },
};

/** A 2x2 cell of tokens [n, tokens, 4 * dim] normalised, then projected to [n, tokens, 2 * dim]. */
export function mergeCells(cells: Tensor, w: Weights): Tensor {
  return linear(norm(cells, under(w, 'norm')), w('reduction.weight'));
}

/** x [images * windows, area, dim] -> the same. */
function attention(x: Tensor, w: Weights, { windows, dim, heads }: Block): Tensor {
  const [q, k, v] = splitHeads(linear(x, w('qkv.weight'), w('qkv.bias')), heads);
  const bias = pairwise(w('relative_position_bias_table'), windows);
  const mixed = attend(q.mul((dim / heads) ** -0.5), k, v, bias, windows);
  return linear(mixed, w('proj.weight'), w('proj.bias'));
}
