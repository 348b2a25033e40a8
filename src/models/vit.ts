/** Vision transformer (Dosovitskiy et al., An Image is Worth 16x16 Words, 2021) with timm's keys and shapes. */

import * as tf from '@tensorflow/tfjs-core';
import type { VitArchitecture } from '../domain/architecture.ts';
import type { Size } from '../domain/trainingConfig.ts';
import { gelu, layerNorm, linear, patchify } from '../engine/ops.ts';
import type { Body } from './body.ts';
import { normParameters, type ParameterSpec, parameter, under, type Weights, weightAndBias } from './parameters.ts';
import type { Grid } from './positionEmbedding.ts';

export type VitSizes = Pick<VitArchitecture, 'depth' | 'dim' | 'heads' | 'patch'> & { readonly size: Size };

const epsilon = 1e-6;
const truncatedNormal = { kind: 'truncatedNormal', std: 0.02 } as const;

/** Patches per column and row of an image. */
export function patchGrid({ height, width }: Size, patch: number): Grid {
  return { rows: height / patch, columns: width / patch };
}

/** The class token after the final normalisation, [n, dim]. */
export function vit(sizes: VitSizes): Body {
  const { depth, dim, patch, size } = sizes;
  const { rows, columns } = patchGrid(size, patch);
  const fanIn = 3 * patch * patch;
  const blocks = Array.from({ length: depth }, (_, i) => `blocks.${i}`);
  // PyTorch's default for a convolution, which timm keeps here: Kaiming uniform with a = sqrt 5 comes to 1 / sqrt(fan-in)
  const convolution = { kind: 'uniform', bound: 1 / Math.sqrt(fanIn) } as const;
  return {
    parameters: [
      parameter('cls_token', [1, 1, dim], { kind: 'normal', std: 1e-6 }),
      parameter('pos_embed', [1, 1 + rows * columns, dim], truncatedNormal),
      parameter('patch_embed.proj.weight', [dim, 3, patch, patch], convolution),
      parameter('patch_embed.proj.bias', [dim], convolution),
      ...blocks.flatMap((name) => blockParameters(name, dim)),
      ...normParameters('norm', dim),
    ],
    masks: [],
    headInputs: dim,
    forward(weights, images) {
      const tokens = vitTokens(sizes, weights, images);
      const [n] = tokens.shape as [number];
      return norm(tokens.slice([0, 0, 0], [n, 1, dim]).reshape([n, dim]), under(weights, 'norm'));
    },
  };
}

/** All tokens before the final normalisation: [n, 1 + rows * columns, dim], the class token first, patches row by row. */
export function vitTokens({ depth, dim, heads }: VitSizes, weights: Weights, images: tf.Tensor): tf.Tensor {
  const patches = patchify(images, weights('patch_embed.proj.weight'), weights('patch_embed.proj.bias'));
  const [n, rows, columns] = patches.shape as [number, number, number];
  const classToken = weights('cls_token').tile([n, 1, 1]);
  let x = tf.concat([classToken, patches.reshape([n, rows * columns, dim])], 1).add(weights('pos_embed'));
  for (let i = 0; i < depth; i++) x = block(x, under(weights, `blocks.${i}`), heads);
  return x;
}

function block(x: tf.Tensor, w: Weights, heads: number): tf.Tensor {
  const y = x.add(attention(norm(x, under(w, 'norm1')), under(w, 'attn'), heads));
  const hidden = gelu(linear(norm(y, under(w, 'norm2')), w('mlp.fc1.weight'), w('mlp.fc1.bias')));
  return y.add(linear(hidden, w('mlp.fc2.weight'), w('mlp.fc2.bias')));
}

/** Multi-head self-attention. Rows of the `qkv` weight: all of q, then k, then v; inside each, head by head. */
function attention(x: tf.Tensor, w: Weights, heads: number): tf.Tensor {
  const [n, tokens, dim] = x.shape as [number, number, number];
  const width = dim / heads;
  const qkv = linear(x, w('qkv.weight'), w('qkv.bias'))
    .reshape([n, tokens, 3, heads, width])
    .transpose([2, 0, 3, 1, 4]);
  const [q, k, v] = tf.unstack(qkv, 0) as [tf.Tensor, tf.Tensor, tf.Tensor];
  const scores = tf.softmax(tf.matMul(q.mul(width ** -0.5), k, false, true));
  const mixed = tf.matMul(scores, v).transpose([0, 2, 1, 3]).reshape([n, tokens, dim]);
  return linear(mixed, w('proj.weight'), w('proj.bias'));
}

function norm(x: tf.Tensor, w: Weights): tf.Tensor {
  return layerNorm(x, w('weight'), w('bias'), epsilon);
}

function blockParameters(name: string, dim: number): ParameterSpec[] {
  return [
    ...normParameters(`${name}.norm1`, dim),
    ...weightAndBias(`${name}.attn.qkv`, [3 * dim, dim], truncatedNormal),
    ...weightAndBias(`${name}.attn.proj`, [dim, dim], truncatedNormal),
    ...normParameters(`${name}.norm2`, dim),
    ...weightAndBias(`${name}.mlp.fc1`, [4 * dim, dim], truncatedNormal),
    ...weightAndBias(`${name}.mlp.fc2`, [dim, 4 * dim], truncatedNormal),
  ];
}
