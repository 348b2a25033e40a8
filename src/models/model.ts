/** Body and head as one network. */

import type { Tensor } from '@tensorflow/tfjs-core';
import type { Size } from '../domain/trainingConfig.ts';
import type { Tensors } from '../engine/engine.ts';
import type { Body } from './body.ts';
import { head, pool } from './head.ts';
import {
  type BufferSpec,
  type MaskSpec,
  type ModelParameter,
  type ParameterGroup,
  type ParameterSpec,
  under,
  weightsOf,
} from './parameters.ts';

export interface Model {
  /** Of one input, without the batch: [height, width, 3]. */
  readonly inputShape: readonly number[];
  readonly classes: number;
  /** Body first, then head, each in registration order. */
  readonly parameters: readonly ModelParameter[];
  readonly buffers: readonly BufferSpec[];
  readonly masks: readonly MaskSpec[];
  /**
   * inputs [n, ...inputShape] -> logits [n, classes]. `tensors` holds every parameter and buffer by name. With `masks` it is a
   * training pass and `buffers` holds the buffers' new values; without, `buffers` is empty.
   */
  forward(tensors: Tensors, inputs: Tensor, masks?: Tensors): { logits: Tensor; buffers: Tensors };
}

/** Keys of the body are timm's below this prefix. */
export const bodyPrefix = 'body';
export const headPrefix = 'head';

/** fastai's width of the head's hidden layer. */
const hidden = 512;

/** A body with the fastai head on top. */
export function classifier(body: Body, { height, width }: Size, classes: number): Model {
  const top = head({ inputs: body.headInputs, hidden, classes });
  return {
    inputShape: [height, width, 3],
    classes,
    parameters: [...grouped(body.parameters, bodyPrefix, 0), ...grouped(top.parameters, headPrefix, 1)],
    buffers: named(top.buffers, headPrefix),
    masks: [...named(body.masks, bodyPrefix), ...named(top.masks, headPrefix)],
    forward(tensors, inputs, masks) {
      const weights = weightsOf(tensors);
      const features = body.forward(under(weights, bodyPrefix), inputs, masks && below(masks, bodyPrefix));
      const { logits, buffers } = top.forward(
        under(weights, headPrefix),
        pool(features),
        masks && below(masks, headPrefix),
      );
      return {
        logits,
        buffers: Object.fromEntries(Object.entries(buffers).map(([name, t]) => [`${headPrefix}.${name}`, t])),
      };
    },
  };
}

function named<T extends { readonly name: string }>(specs: readonly T[], prefix: string): T[] {
  return specs.map((spec) => ({ ...spec, name: `${prefix}.${spec.name}` }));
}

function grouped(specs: readonly ParameterSpec[], prefix: string, group: ParameterGroup): ModelParameter[] {
  return named(specs, prefix).map((spec) => ({ ...spec, group }));
}

/** The entries of `tensors` below `prefix`, by their names without it. */
function below(tensors: Tensors, prefix: string): Tensors {
  return Object.fromEntries(
    Object.entries(tensors).flatMap(([name, t]) =>
      name.startsWith(`${prefix}.`) ? [[name.slice(prefix.length + 1), t]] : [],
    ),
  );
}
