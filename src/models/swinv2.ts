/** Swin Transformer V2 (Liu et al., Scaling Up Capacity and Resolution, 2022) with timm's keys and shapes. */

import * as tf from '@tensorflow/tfjs-core';
import { linear } from '../engine/ops.ts';
import { normParameters, parameter, under, type Weights, weightAndBias } from './parameters.ts';
import type { Grid } from './positionEmbedding.ts';
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

export type SwinV2Sizes = SwinSizes & {
  /** Per stage: the window whose relative positions the weights were trained on; 0: its own. */
  readonly pretrainedWindows: readonly number[];
};

const zeros = { kind: 'constant', value: 0 } as const;
/** Width of the network that makes the bias of relative positions. */
const biasHidden = 512;
/** Cosines are multiplied by at most 100. */
const logitLimit = Math.log(100);

/** The network without classifier for images of `sizes.size`. */
export function swinv2(sizes: SwinV2Sizes): SwinBody {
  return swinBody(sizes, familyOf(sizes.pretrainedWindows));
}

/** Normalisation comes last in a branch and starts at zero; a small network makes the bias of every offset. */
function familyOf(pretrainedWindows: readonly number[]): Family {
  return {
    blockParameters({ name, dim, heads }) {
      const attn = `${name}.attn`;
      return [
        parameter(`${attn}.logit_scale`, [heads, 1, 1], { kind: 'constant', value: Math.log(10) }),
        parameter(`${attn}.q_bias`, [dim], zeros),
        parameter(`${attn}.v_bias`, [dim], zeros),
        ...weightAndBias(`${attn}.cpb_mlp.0`, [biasHidden, 2], truncatedNormal),
        parameter(`${attn}.cpb_mlp.2.weight`, [heads, biasHidden], truncatedNormal),
        parameter(`${attn}.qkv.weight`, [3 * dim, dim], truncatedNormal),
        ...weightAndBias(`${attn}.proj`, [dim, dim], truncatedNormal),
        ...normParameters(`${name}.norm1`, dim, { weight: 0, bias: 0 }),
        ...mlpParameters(`${name}.mlp`, dim),
        ...normParameters(`${name}.norm2`, dim, { weight: 0, bias: 0 }),
      ];
    },
    mergeParameters: (name, dim) => [
      parameter(`${name}.reduction.weight`, [2 * dim, 4 * dim], truncatedNormal),
      ...normParameters(`${name}.norm`, 2 * dim),
    ],
    merge: mergeCells,
    block(x, w, block, keep) {
      const pretrained = pretrainedWindows[block.stage]!;
      const mixed = withinWindows(x, block, (x) => attention(x, under(w, 'attn'), block, pretrained));
      const y = x.add(keep(1, norm(mixed, under(w, 'norm1'))));
      return y.add(keep(2, norm(mlp(y, under(w, 'mlp')), under(w, 'norm2'))));
    },
  };
}

/** A 2x2 cell of tokens [n, tokens, 4 * dim] projected to [n, tokens, 2 * dim], then normalised. */
export function mergeCells(cells: tf.Tensor, w: Weights): tf.Tensor {
  return norm(linear(cells, w('reduction.weight')), under(w, 'norm'));
}

/** x [images * windows, area, dim] -> the same. Queries and keys meet as cosines, times a learnt factor per head. */
function attention(x: tf.Tensor, w: Weights, { windows, dim, heads }: Block, pretrained: number): tf.Tensor {
  const qkvBias = tf.concat([w('q_bias'), tf.zeros([dim]), w('v_bias')]);
  const [q, k, v] = splitHeads(linear(x, w('qkv.weight'), qkvBias), heads);
  const factor = tf.exp(tf.clipByValue(w('logit_scale'), Number.NEGATIVE_INFINITY, logitLimit));
  const bias = pairwise(offsetBias(w, windows.window, pretrained), windows);
  const mixed = attend(unit(q).mul(factor), unit(k), v, bias, windows);
  return linear(mixed, w('proj.weight'), w('proj.bias'));
}

/** The bias of every offset within a window, [offsets, heads], between 0 and 16. */
function offsetBias(w: Weights, window: Grid, pretrained: number): tf.Tensor {
  const offsets = tf.tensor2d(relativeCoordinates(window, pretrained), [offsetsOf(window), 2]);
  const hidden = linear(offsets, w('cpb_mlp.0.weight'), w('cpb_mlp.0.bias')).relu();
  return linear(hidden, w('cpb_mlp.2.weight')).sigmoid().mul(16);
}

/**
 * Every offset within a window as (down, right), row by row: [offsets, 2]. t = 8 * offset / (window - 1), of the pretrained window
 * where there is one, becomes sign(t) * log2(|t| + 1) / 3.
 */
export function relativeCoordinates({ rows, columns }: Grid, pretrained: number): Float32Array {
  const coordinates = new Float32Array(offsetsOf({ rows, columns }) * 2);
  const scaled = (offset: number, side: number): number => {
    const t = (8 * offset) / ((pretrained || side) - 1);
    return (Math.sign(t) * Math.log2(Math.abs(t) + 1)) / 3;
  };
  let i = 0;
  for (let down = 1 - rows; down < rows; down++)
    for (let right = 1 - columns; right < columns; right++) {
      coordinates[i++] = scaled(down, rows);
      coordinates[i++] = scaled(right, columns);
    }
  return coordinates;
}

/** Below it a vector is divided by it instead of by its length. */
const shortest = 1e-12;

/** x / max(|x|, 1e-12) over the last axis. */
function unit(x: tf.Tensor): tf.Tensor {
  const f = tf.customGrad((x, save) => {
    const input = x as tf.Tensor;
    const inverseLength = tf.rsqrt(tf.maximum(input.square().sum(-1, true), shortest ** 2));
    const y = input.mul(inverseLength);
    (save as tf.GradSaveFunc)([y, inverseLength]);
    return { value: y, gradFunc: unitGradient };
  });
  return f(x);
}

/** With y = x / |x|: dx = (dy - y (dy · y)) / |x|. */
function unitGradient(dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor {
  const [y, inverseLength] = saved as [tf.Tensor, tf.Tensor];
  return dy.sub(y.mul(dy.mul(y).sum(-1, true))).mul(inverseLength);
}
