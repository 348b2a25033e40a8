/** The smallest model there is: logits = inputs Wᵀ + b. */

import { linear } from '../../src/engine/ops.ts';
import type { Model } from '../../src/models/model.ts';

export function softmaxRegression(inputs: number, classes: number): Model {
  const init = { kind: 'constant', value: 0 } as const;
  const common = { init, norm: false, used: true, group: 1 } as const;
  return {
    inputShape: [inputs],
    classes,
    parameters: [
      { ...common, name: 'weight', shape: [classes, inputs] },
      { ...common, name: 'bias', shape: [classes] },
    ],
    buffers: [],
    masks: [],
    forward: (tensors, x) => ({ logits: linear(x, tensors.weight!, tensors.bias!), buffers: {} }),
  };
}
