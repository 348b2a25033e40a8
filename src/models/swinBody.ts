/**
 * What Swin and SwinV2 share (Liu et al., Swin Transformer, 2021; Swin Transformer V2, 2022), with timm's keys: patches, four stages
 * of blocks that attend within windows, every other block's windows shifted, 2x2 patches merged between stages.
 */

import type { Tensor } from '@tensorflow/tfjs-core';
import type { SwinArchitecture } from '../domain/architecture.ts';
import type { Size } from '../domain/size.ts';
import type { Tensors } from '../engine/engine.ts';
import { gelu, layerNorm, linear, patchify } from '../engine/ops.ts';
import type { Body } from './body.ts';
import {
  type MaskSpec,
  normParameters,
  type ParameterSpec,
  parameter,
  under,
  type Weights,
  weightAndBias,
} from './parameters.ts';
import type { Grid } from './positionEmbedding.ts';
import { inverse, type Rearrangement, rearrange, rearrangement } from './tokens.ts';
import { cellsOf, imageOrder, type Windows, windowsOf } from './windows.ts';

export type SwinSizes = Pick<SwinArchitecture, 'dim' | 'window' | 'patch' | 'dropPath'> & {
  readonly depths: readonly number[];
  readonly heads: readonly number[];
  readonly size: Size;
};

const epsilon = 1e-5;
export const truncatedNormal = { kind: 'truncatedNormal', std: 0.02 } as const;

/** One block of the network. */
export interface Block {
  /** `layers.1.blocks.0`. */
  readonly name: string;
  readonly stage: number;
  readonly dim: number;
  readonly heads: number;
  readonly windows: Windows;
  /** From the order in which the stage holds its tokens to that of the windows. */
  readonly intoWindows: Rearrangement;
  /** Probability that training drops each of its two branches. */
  readonly drop: number;
}

interface Stage {
  readonly name: string;
  readonly dim: number;
  /** Image places of the tokens in the order in which the stage holds them. */
  readonly order: Int32Array;
  /** From the stage before: [tokens / 4, 4 * dim] after a reshape. */
  readonly merge: Rearrangement | null;
  readonly blocks: readonly Block[];
}

/** What differs between the two families. */
export interface Family {
  blockParameters(block: Block): ParameterSpec[];
  /** `dim`: channels before; twice as many after. */
  mergeParameters(name: string, dim: number): ParameterSpec[];
  /** Cells of 2x2 tokens [n, tokens, 4 * dim] -> [n, tokens, 2 * dim]. */
  merge(cells: Tensor, weights: Weights): Tensor;
  /** x [n, tokens, dim] -> the same; `keep` multiplies a branch by its drop-path mask. */
  block(x: Tensor, weights: Weights, block: Block, keep: Keep): Tensor;
}

export type Keep = (branch: 1 | 2, y: Tensor) => Tensor;

export interface SwinBody extends Body {
  /** timm's `forward_features`: the normalised map of the last stage [n, rows, columns, channels]. */
  features(weights: Weights, images: Tensor, masks?: Tensors): Tensor;
}

/** The mean over the last stage's normalised map: [n, channels]. */
export function swinBody(sizes: SwinSizes, family: Family): SwinBody {
  const { dim, patch } = sizes;
  const { stages, map } = stagesOf(sizes);
  const blocks = stages.flatMap((stage) => stage.blocks);
  const { order, dim: channels } = stages.at(-1)!;
  const toImage = rearrangement(order, imageOrder(map));
  const convolution = { kind: 'uniform', bound: 1 / Math.sqrt(3 * patch * patch) } as const;

  const features: SwinBody['features'] = (weights, images, masks) => {
    const patches = patchify(images, weights('patch_embed.proj.weight'), weights('patch_embed.proj.bias'));
    const [n, rows, columns] = patches.shape as [number, number, number];
    let x = norm(patches.reshape([n, rows * columns, dim]), under(weights, 'patch_embed.norm'));
    for (const stage of stages) {
      const w = under(weights, stage.name);
      if (stage.merge) {
        const cells = rearrange(x, stage.merge).reshape([n, stage.order.length, 2 * stage.dim]);
        x = family.merge(cells, under(w, 'downsample'));
      } else x = rearrange(x, rearrangement(imageOrder({ rows, columns }), stage.order));
      for (const block of stage.blocks) x = family.block(x, under(weights, block.name), block, keeping(block, masks));
    }
    return rearrange(norm(x, under(weights, 'norm')), toImage).reshape([n, map.rows, map.columns, channels]);
  };
  return {
    parameters: [
      parameter('patch_embed.proj.weight', [dim, 3, patch, patch], convolution),
      parameter('patch_embed.proj.bias', [dim], convolution),
      ...normParameters('patch_embed.norm', dim),
      ...stages.flatMap((stage) => [
        ...(stage.merge ? family.mergeParameters(`${stage.name}.downsample`, stage.dim / 2) : []),
        ...stage.blocks.flatMap((block) => family.blockParameters(block)),
      ]),
      ...normParameters('norm', channels),
    ],
    masks: blocks.filter((block) => block.drop > 0).flatMap(dropMasks),
    headInputs: channels,
    features,
    forward: (weights, images, masks) => features(weights, images, masks).mean([1, 2]),
  };
}

/** Every stage with its blocks, and the map of the last. */
function stagesOf({ depths, dim, heads, window, patch, dropPath, size }: SwinSizes): { stages: Stage[]; map: Grid } {
  const total = depths.reduce((sum, depth) => sum + depth, 0);
  const grid: Grid = { rows: Math.floor(size.height / patch), columns: Math.floor(size.width / patch) };
  const stages: Stage[] = [];
  let map = grid;
  let first = 0;
  for (const [s, depth] of depths.entries()) {
    const before = map;
    if (s > 0) map = { rows: Math.ceil(map.rows / 2), columns: Math.ceil(map.columns / 2) };
    const nominal = { rows: grid.rows >> s, columns: grid.columns >> s };
    const plain = windowsOf(map, nominal, window, false);
    const shifted = windowsOf(map, nominal, window, true);
    // Blocks that are not shifted then find their windows in place.
    const order = plain.places.includes(-1) ? imageOrder(map) : plain.places;
    const name = `layers.${s}`;
    const blocks = Array.from({ length: depth }, (_, i): Block => {
      const windows = i % 2 ? shifted : plain;
      return {
        name: `${name}.blocks.${i}`,
        stage: s,
        dim: dim * 2 ** s,
        heads: heads[s]!,
        windows,
        intoWindows: rearrangement(order, windows.places),
        drop: (dropPath * (first + i)) / Math.max(total - 1, 1),
      };
    });
    const merge = s > 0 ? rearrangement(stages[s - 1]!.order, cellsOf(before, map, order)) : null;
    stages.push({ name, dim: dim * 2 ** s, order, merge, blocks });
    first += depth;
  }
  return { stages, map };
}

/** Tokens per column and row of a stage's windows. */
export function stageWindow({ window, patch, size }: SwinSizes, stage: number): Grid {
  const side = (pixels: number): number => Math.min(window, Math.floor(pixels / patch) >> stage);
  return { rows: side(size.height), columns: side(size.width) };
}

const maskName = ({ name }: Block, branch: 1 | 2): string => `${name}.drop_path${branch}`;

function dropMasks(block: Block): MaskSpec[] {
  return ([1, 2] as const).map((branch) => ({ name: maskName(block, branch), shape: [], keep: 1 - block.drop }));
}

/** Each image's branch as a whole is kept or dropped. */
function keeping(block: Block, masks: Tensors | undefined): Keep {
  return (branch, y) => {
    if (!masks || block.drop === 0) return y;
    const mask = masks[maskName(block, branch)]!;
    return y.mul(mask.reshape([mask.size, 1, 1]));
  };
}

/** Normalises over the channels. */
export function norm(x: Tensor, w: Weights): Tensor {
  return layerNorm(x, w('weight'), w('bias'), epsilon);
}

/** fc2(gelu(fc1(x))). */
export function mlp(x: Tensor, w: Weights): Tensor {
  return linear(gelu(linear(x, w('fc1.weight'), w('fc1.bias'))), w('fc2.weight'), w('fc2.bias'));
}

/** Of `mlp`, which is four times as wide inside. */
export function mlpParameters(name: string, dim: number): ParameterSpec[] {
  return [
    ...weightAndBias(`${name}.fc1`, [4 * dim, dim], truncatedNormal),
    ...weightAndBias(`${name}.fc2`, [dim, 4 * dim], truncatedNormal),
  ];
}

/** x [n, tokens, dim] -> attention of its windows [n * count, area, dim] -> back in the order of x. */
export function withinWindows(x: Tensor, { windows, intoWindows, dim }: Block, f: (x: Tensor) => Tensor): Tensor {
  const n = x.shape[0]!;
  const area = windows.window.rows * windows.window.columns;
  const y = f(rearrange(x, intoWindows).reshape([n * windows.count, area, dim]));
  return rearrange(y.reshape([n, windows.count * area, dim]), inverse(intoWindows));
}
