/** Attention within windows, as Swin and SwinV2 share it once they have queries, keys, values and a bias of relative positions. */

import * as tf from '@tensorflow/tfjs-core';
import { relativeIndex, type Windows } from './windows.ts';

type Three = [tf.Tensor, tf.Tensor, tf.Tensor];

/** qkv [b, tokens, 3 * dim] -> queries, keys and values, [b, heads, tokens, dim / heads] each. */
export function splitHeads(qkv: tf.Tensor, heads: number): Three {
  const [b, tokens, width] = qkv.shape as [number, number, number];
  const split = qkv.reshape([b, tokens, 3, heads, width / 3 / heads]).transpose([2, 0, 3, 1, 4]);
  return tf.unstack(split, 0) as Three;
}

/**
 * softmax(q kᵀ + bias + mask) v for every window: [images * windows, heads, area, width] each, `bias` [heads, area, area] ->
 * [images * windows, area, heads * width].
 */
export function attend(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, bias: tf.Tensor, windows: Windows): tf.Tensor {
  const [b, heads, area, width] = q.shape as [number, number, number, number];
  const scores = tf.matMul(q, k, false, true);
  // Rows that broadcast over what shares a bias: the gradient of a row is then one sum over a matrix.
  const shared = windows.mask ? bias.add(tf.tensor(windows.mask, [windows.count, 1, area, area], 'float32')) : bias;
  const rows = scores.reshape([-1, shared.size]).add(shared.reshape([shared.size]));
  const weights = tf.softmax(rows.reshape([b, heads, area, area]));
  return tf
    .matMul(weights, v)
    .transpose([0, 2, 1, 3])
    .reshape([b, area, heads * width]);
}

/** A table [offsets, heads] read at every pair of tokens: [heads, area, area]. */
export function pairwise(table: tf.Tensor, { window }: Windows): tf.Tensor {
  const area = window.rows * window.columns;
  const index = tf.tensor1d(relativeIndex(window), 'int32');
  return tf.gather(table, index).transpose([1, 0]).reshape([table.shape[1]!, area, area]);
}
