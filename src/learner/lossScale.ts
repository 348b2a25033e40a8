/**
 * Dynamic loss scaling, as PyTorch's GradScaler does it: gradients that are rounded to fp16 lose what is below 6e-8, so the loss is
 * multiplied before the backward pass, by as much as the gradients bear without overflowing.
 */

import type { Engine } from '../engine/engine.ts';

/** Whether an engine's gradients need it. Those of BF16 have the range of float32. */
export const scalesLoss = ({ info }: Pick<Engine, 'info'>): boolean => info.precision === 'FP16';

export interface LossScale {
  /** What losses are multiplied with until the next update. */
  readonly value: number;
  readonly state: LossScaleState;
  /** After every optimiser step that was due: whether a gradient was not finite, for which the step was skipped. */
  update(overflowed: boolean): void;
}

/** What a loss scale goes on from. */
export interface LossScaleState {
  readonly value: number;
  /** Steps in a row without overflow. */
  readonly steps: number;
}

export interface LossScaleOptions {
  readonly initial?: number | undefined;
  /** Goes on from there, whatever `initial` says. */
  readonly from?: LossScaleState | null | undefined;
  /** Steps in a row without overflow after which the scale grows. */
  readonly growthInterval?: number;
}

/** PyTorch's. */
const growthFactor = 2;
const backoffFactor = 0.5;
export const initialLossScale = 65536;

export function createLossScale(options: LossScaleOptions = {}): LossScale {
  const { initial = initialLossScale, growthInterval = 2000 } = options;
  let { value, steps } = options.from ?? { value: initial, steps: 0 };
  return {
    get value() {
      return value;
    },
    get state() {
      return { value, steps };
    },
    update(overflowed) {
      steps = overflowed ? 0 : steps + 1;
      if (overflowed) value *= backoffFactor;
      if (steps < growthInterval) return;
      value *= growthFactor;
      steps = 0;
    },
  };
}
