/** The compiled steps of training besides the optimiser's: one micro-batch forward and backward, and forward alone. */

import * as tf from '@tensorflow/tfjs-core';
import type { Engine, State, Step, TensorSpec, Tensors } from '../engine/engine.ts';
import { crossEntropy } from '../engine/ops.ts';
import type { Model } from '../models/model.ts';
import type { ModelParameter } from '../models/parameters.ts';
import { gradientOf } from './adam.ts';
import { scalesLoss } from './lossScale.ts';

/**
 * Forward, backward, and gradients added to their buffers, scaled by batchSize / effectiveBatchSize; buffers of the model are
 * replaced. Inputs: `inputs` [batchSize, ...], `labels` [batchSize] int32, the model's masks and, where the engine needs it
 * (`scalesLoss`), `lossScale`, which the gradients are multiplied with besides. Out: `loss`, the micro-batch's unscaled mean.
 */
export function compileMicroStep(
  engine: Engine,
  state: State,
  model: Model,
  trained: readonly ModelParameter[],
  batchSize: number,
  effectiveBatchSize: number,
): Promise<Step> {
  const names = trained.map((p) => p.name);
  const maskSpecs = model.masks.map(({ name, shape }): [string, TensorSpec] => [
    name,
    { shape: [batchSize, ...shape] },
  ]);
  return engine.compile({
    state,
    uses: [...weightNames(model), ...names.map(gradientOf)],
    inputs: {
      inputs: { shape: [batchSize, ...model.inputShape] },
      labels: { shape: [batchSize], dtype: 'int32' },
      ...(scalesLoss(engine) ? { lossScale: { shape: [] } } : {}),
      ...Object.fromEntries(maskSpecs),
    },
    fn: (tensors, { inputs, labels, lossScale, ...masks }) => {
      let buffers: Tensors = {};
      const lossOf = () => {
        const result = model.forward(tensors, inputs!, masks);
        buffers = result.buffers;
        Object.values(buffers).forEach(tf.keep); // tfjs frees what a differentiated function makes but does not return
        return crossEntropy(result.logits, labels!);
      };
      const share = tf.scalar(batchSize / effectiveBatchSize);
      const { value: loss, grads } = tf.valueAndGrads(lossOf)(
        names.map((name) => tensors[name]!),
        lossScale ? lossScale.mul(share) : share,
      );
      const gradients = names.map((name, i) => [gradientOf(name), tensors[gradientOf(name)]!.add(grads[i]!)]);
      return { state: { ...unkept(buffers), ...Object.fromEntries(gradients) }, out: { loss } };
    },
  });
}

/** Forward without dropout, on running statistics. Input: `inputs` [batchSize, ...]. Out: `logits` [batchSize, classes]. */
export function compileForward(engine: Engine, state: State, model: Model, batchSize: number): Promise<Step> {
  return engine.compile({
    state,
    uses: weightNames(model),
    inputs: { inputs: { shape: [batchSize, ...model.inputShape] } },
    fn: (tensors, { inputs }) => ({ out: { logits: model.forward(tensors, inputs!).logits } }),
  });
}

/** The same tensors, no longer exempt from tf.tidy. */
function unkept(tensors: Tensors): Tensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, kept]) => {
      const tensor = kept.clone();
      kept.dispose();
      return [name, tensor];
    }),
  );
}

/** What a forward pass reads. */
function weightNames({ parameters, buffers }: Model): string[] {
  return [...parameters.filter((p) => p.used), ...buffers].map((entry) => entry.name);
}
