/** ConvNeXt (Liu et al., A ConvNet for the 2020s, 2022) with timm's keys and shapes. */

import type { Tensor } from '@tensorflow/tfjs-core';
import type { ConvNeXtArchitecture } from '../domain/architecture.ts';
import { depthwiseConv, gelu, layerNorm, linear, patchify } from '../engine/ops.ts';
import type { Body } from './body.ts';
import { normParameters, type ParameterSpec, parameter, under, type Weights, weightAndBias } from './parameters.ts';

export type ConvNeXtSizes = Pick<ConvNeXtArchitecture, 'depths' | 'dims' | 'convMlp'>;

const epsilon = 1e-6;
const truncatedNormal = { kind: 'truncatedNormal', std: 0.02 } as const;

/** The feature map of the last stage, [n, ⌊H/32⌋, ⌊W/32⌋, dims[3]], without a final normalisation. */
export function convnext({ depths, dims, convMlp }: ConvNeXtSizes): Body {
  const [stem, , , last] = dims;
  const parameters = [
    ...weightAndBias('stem.0', [stem, 3, 4, 4], truncatedNormal),
    ...normParameters('stem.1', stem),
    ...dims.flatMap((dim, stage) => [
      ...(stage ? downsampleParameters(`stages.${stage}`, dims[stage - 1]!, dim) : []),
      ...range(depths[stage]!).flatMap((block) => blockParameters(`stages.${stage}.blocks.${block}`, dim, convMlp)),
    ]),
    // timm's own classifier normalises with it; the fastai head does not
    ...normParameters('head.norm', last).map((p) => ({ ...p, used: false })),
  ];
  return {
    parameters,
    masks: [],
    headInputs: 2 * last,
    forward(weights, images) {
      let x = patchify(images, weights('stem.0.weight'), weights('stem.0.bias'));
      x = norm(x, under(weights, 'stem.1'));
      depths.forEach((depth, stage) => {
        const w = under(weights, `stages.${stage}`);
        if (stage) {
          x = norm(x, under(w, 'downsample.0'));
          x = patchify(x, w('downsample.1.weight'), w('downsample.1.bias'));
        }
        for (let i = 0; i < depth; i++) x = block(x, under(w, `blocks.${i}`));
      });
      return x;
    },
  };
}

/** x + gamma * MLP(LN(depthwise 7x7(x))). */
function block(x: Tensor, w: Weights): Tensor {
  let y = depthwiseConv(x, w('conv_dw.weight'), w('conv_dw.bias'));
  y = norm(y, under(w, 'norm'));
  y = pointwise(y, under(w, 'mlp.fc1'));
  y = gelu(y);
  y = pointwise(y, under(w, 'mlp.fc2'));
  return x.add(y.mul(w('gamma')));
}

function norm(x: Tensor, w: Weights): Tensor {
  return layerNorm(x, w('weight'), w('bias'), epsilon);
}

/** A linear layer over channels, its weight stored as (out, in) or as a 1x1 convolution (out, in, 1, 1). */
function pointwise(x: Tensor, w: Weights): Tensor {
  const weight = w('weight');
  return linear(x, weight.reshape([weight.shape[0]!, weight.shape[1]!]), w('bias'));
}

function blockParameters(name: string, dim: number, convMlp: boolean): ParameterSpec[] {
  const trailing = convMlp ? [1, 1] : [];
  return [
    parameter(`${name}.gamma`, [dim], { kind: 'constant', value: 1e-6 }),
    ...weightAndBias(`${name}.conv_dw`, [dim, 1, 7, 7], truncatedNormal),
    ...normParameters(`${name}.norm`, dim),
    ...weightAndBias(`${name}.mlp.fc1`, [4 * dim, dim, ...trailing], truncatedNormal),
    ...weightAndBias(`${name}.mlp.fc2`, [dim, 4 * dim, ...trailing], truncatedNormal),
  ];
}

function downsampleParameters(stage: string, from: number, to: number): ParameterSpec[] {
  return [
    ...normParameters(`${stage}.downsample.0`, from),
    ...weightAndBias(`${stage}.downsample.1`, [to, from, 2, 2], truncatedNormal),
  ];
}

function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}
