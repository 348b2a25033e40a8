/**
 * fastai's classification head: [max and mean pooling of a feature map], batch norm, dropout 0.25, linear without bias, ReLU,
 * batch norm, dropout 0.5, linear without bias.
 */

import * as tf from '@tensorflow/tfjs-core';
import type { Tensors } from '../engine/engine.ts';
import { linear } from '../engine/ops.ts';
import {
  type BufferSpec,
  type MaskSpec,
  normParameters,
  type ParameterSpec,
  parameter,
  under,
  type Weights,
} from './parameters.ts';

export interface HeadSizes {
  /** Length of the pooled vector. */
  readonly inputs: number;
  readonly hidden: number;
  readonly classes: number;
}

export interface Head {
  readonly parameters: readonly ParameterSpec[];
  readonly buffers: readonly BufferSpec[];
  readonly masks: readonly MaskSpec[];
  /**
   * pooled [n, inputs] -> logits [n, classes]. With `masks` (training) the batch's own statistics normalise and `buffers`
   * holds the new running ones; without, the running ones normalise and `buffers` is empty.
   */
  forward(weights: Weights, pooled: tf.Tensor, masks?: Tensors): { logits: tf.Tensor; buffers: Tensors };
}

const epsilon = 1e-5;
/** Share of the new batch in the running statistics. */
const momentum = 0.1;
/** fastai starts batch norm biases here. */
const biasStart = 0.001;

/** A feature map [n, h, w, c] becomes [n, 2c], maxima first, then means; vectors pass. */
export function pool(features: tf.Tensor): tf.Tensor {
  if (features.rank === 2) return features;
  const [n, height, width, channels] = features.shape as [number, number, number, number];
  const pixels = features.reshape([n, height * width, channels]);
  return tf.concat([pixels.max(1), pixels.mean(1)], 1);
}

export function head({ inputs, hidden, classes }: HeadSizes): Head {
  return {
    parameters: [
      ...normParameters('bn1', inputs, { bias: biasStart }),
      parameter('linear1.weight', [hidden, inputs], kaimingNormal(inputs)),
      ...normParameters('bn2', hidden, { bias: biasStart }),
      parameter('linear2.weight', [classes, hidden], kaimingNormal(hidden)),
    ],
    buffers: [...runningStatistics('bn1', inputs), ...runningStatistics('bn2', hidden)],
    masks: [
      { name: 'dropout1', shape: [inputs], keep: 0.75 },
      { name: 'dropout2', shape: [hidden], keep: 0.5 },
    ],
    forward(weights, pooled, masks) {
      const buffers: Tensors = {};
      const stage = (x: tf.Tensor, norm: string, dropout: string): tf.Tensor => {
        const w = under(weights, norm);
        if (!masks) return normalise(x, w('running_mean'), w('running_var'), w);
        const { mean, variance } = tf.moments(x, 0);
        const unbiased = variance.mul(x.shape[0]! / (x.shape[0]! - 1));
        buffers[`${norm}.running_mean`] = mix(w('running_mean'), mean);
        buffers[`${norm}.running_var`] = mix(w('running_var'), unbiased);
        return normalise(x, mean, variance, w).mul(masks[dropout]!);
      };
      let x = linear(stage(pooled, 'bn1', 'dropout1'), weights('linear1.weight'));
      x = linear(stage(x.relu(), 'bn2', 'dropout2'), weights('linear2.weight'));
      return { logits: x, buffers };
    },
  };
}

function normalise(x: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor, w: Weights): tf.Tensor {
  return x.sub(mean).mul(variance.add(epsilon).rsqrt()).mul(w('weight')).add(w('bias'));
}

function mix(running: tf.Tensor, batch: tf.Tensor): tf.Tensor {
  return running.mul(1 - momentum).add(batch.mul(momentum));
}

/** For a layer followed by ReLU: std = sqrt(2 / fan-in). */
function kaimingNormal(fanIn: number) {
  return { kind: 'normal', std: Math.sqrt(2 / fanIn) } as const;
}

function runningStatistics(norm: string, width: number): BufferSpec[] {
  return [
    { name: `${norm}.running_mean`, shape: [width], value: 0 },
    { name: `${norm}.running_var`, shape: [width], value: 1 },
  ];
}
