/** Every random choice of one batch, from its seed alone: which thread works on an item, or when, changes nothing. */

import { createRandom } from '../domain/random.ts';
import type { ItemTransform } from '../domain/trainingConfig.ts';
import { type AugmentDraws, drawAugment } from './augmentDraws.ts';
import { type BoxPosition, centred } from './itemTransform.ts';
import { lightingOf } from './lighting.ts';
import { prefilterSize } from './linearAxis.ts';
import { type CropWindow, centreCrop, randomCrop } from './randomCrop.ts';
import { type Pixels, type RenderRequest, shrink } from './renderer.ts';
import { gridMatrix, gridRange, samplingMatrix } from './warp.ts';

export type BatchMode = 'train' | 'valid';

export interface ItemPlan {
  /** Position of the item transform's box. */
  readonly position: BoxPosition;
  /** undefined in validation mode. */
  readonly augment: AugmentDraws | undefined;
}

export interface BatchPlan {
  readonly items: readonly ItemPlan[];
  /** One draw for the whole batch. */
  readonly crop: CropWindow;
  /** The size every item is shrunk to before the affine sampling (only items more than twice as high as wide). */
  readonly shrunk: { readonly width: number; readonly height: number } | undefined;
}

const neutral: AugmentDraws = {
  flip: false,
  degrees: 0,
  zoom: 1,
  zoomX: 0.5,
  zoomY: 0.5,
  warpX: 0,
  warpY: 0,
  brightness: 0.5,
  contrast: 1,
};

/** Draws a batch of `count` items. */
export function planBatch(
  count: number,
  mode: BatchMode,
  seed: number,
  spec: { readonly itemTransform: ItemTransform; readonly minScale: number },
): BatchPlan {
  const { width, height } = spec.itemTransform.size;
  const items = Array.from({ length: count }, (_, i): ItemPlan => {
    if (mode === 'valid') return { position: centred, augment: undefined };
    const random = createRandom(seed, 'item', i);
    const position = { x: random.next(), y: random.next() };
    return { position, augment: drawAugment(random) };
  });
  const crop =
    mode === 'train' ? randomCrop(width, height, spec.minScale, createRandom(seed, 'crop')) : centreCrop(width, height);
  return planOf(items, crop, width, height);
}

/** The plan of given draws. */
export function planOf(items: readonly ItemPlan[], crop: CropWindow, width: number, height: number): BatchPlan {
  const ranges = items.map((item) => gridRange(gridMatrix(item.augment ?? neutral, width, height), width, height));
  const low = Math.min(...ranges.map((range) => range.low));
  const high = Math.max(...ranges.map((range) => range.high));
  return { items, crop, shrunk: prefilterSize({ width, height }, { width, height }, { low, high }) };
}

/** What the renderer has to do for one item of a batch. */
export function renderRequest(plan: BatchPlan, index: number, item: Pixels): RenderRequest {
  const { augment } = plan.items[index]!;
  const source = plan.shrunk ? shrink(item, plan.shrunk.width, plan.shrunk.height) : item;
  const moved = augment !== undefined || plan.shrunk !== undefined;
  return {
    source,
    sampling: moved
      ? samplingMatrix(augment ?? neutral, item.width, item.height, source.width, source.height)
      : undefined,
    crop: plan.crop,
    lighting: augment && lightingOf(augment.brightness, augment.contrast),
  };
}
