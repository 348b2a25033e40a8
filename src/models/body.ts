import type { Tensor } from '@tensorflow/tfjs-core';
import type { Tensors } from '../engine/engine.ts';
import type { MaskSpec, ParameterSpec, Weights } from './parameters.ts';

/** A network without classifier: one architecture with its sizes filled in. Each family is one file. */
export interface Body {
  /** In timm's registration order. */
  readonly parameters: readonly ParameterSpec[];
  /** Inputs of `forward` in training only. */
  readonly masks: readonly MaskSpec[];
  /** Length of the vector per image that the head receives, after pooling. */
  readonly headInputs: number;
  /**
   * images [n, height, width, 3], normalised -> a feature map [n, h, w, channels], which the head pools, or one vector per
   * image [n, channels]. `masks` is absent outside training.
   */
  forward(weights: Weights, images: Tensor, masks?: Tensors): Tensor;
}
