/**
 * The item transform (training-semantics 3): crop, squish or pad to a fixed size, in two steps. `prepare` does what does
 * not depend on the random position and is worth caching; `finish` does the rest for one draw of the position.
 */

import type { ItemTransform } from '../domain/trainingConfig.ts';
import { type AxisBox, planAxis, resizeHorizontally, resizeVertically } from './resize.ts';
import type { RgbImage } from './rgbImage.ts';

/** Where the box lies within its free space, 0..1; x first, as the recipe draws them. */
export interface BoxPosition {
  readonly x: number;
  readonly y: number;
}

export const centred: BoxPosition = { x: 0.5, y: 0.5 };

/** The part of the image that is resized to the target; it leaves the image where padding is needed. */
export interface ItemBox {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The box for one image and position. Doubles in exactly this order, so that truncations agree with the recipe. */
export function itemBox(
  image: { readonly width: number; readonly height: number },
  transform: ItemTransform,
  position: BoxPosition,
): ItemBox {
  const { width, height } = image;
  if (transform.method === 'SQUISH') return { left: 0, top: 0, width, height };
  const target = transform.size;
  const perWidth = width / target.width;
  const perHeight = height / target.height;
  const useWidth = transform.method === 'CROP' ? perWidth < perHeight : perWidth > perHeight;
  const ratio = useWidth ? perWidth : perHeight;
  // At least one pixel: a 6000x20 image asked for a 1x400 item would otherwise truncate to an empty box.
  const boxWidth = Math.max(1, Math.trunc(ratio * target.width));
  const boxHeight = Math.max(1, Math.trunc(ratio * target.height));
  return {
    left: Math.trunc(position.x * (width - boxWidth)),
    top: Math.trunc(position.y * (height - boxHeight)),
    width: boxWidth,
    height: boxHeight,
  };
}

/**
 * What is kept of an image between epochs, from most to least finished:
 * - `item`: the result itself, where the position does not matter (squish, validation, no free space);
 * - `rows`: all rows already resized along x, where only the vertical position is drawn;
 * - `source`: the decoded image, where the horizontal position is drawn (resizing along y first would round differently).
 */
export interface PreparedImage extends RgbImage {
  readonly stage: 'item' | 'rows' | 'source';
  /** Size of the decoded image. */
  readonly sourceWidth: number;
  readonly sourceHeight: number;
}

/** Prepares a decoded image for many draws (`free`: the position is drawn each time; else it is centred). */
export function prepare(image: RgbImage, transform: ItemTransform, free: boolean): PreparedImage {
  const { width: sourceWidth, height: sourceHeight } = image;
  const { size } = transform;
  const box = itemBox(image, transform, centred);
  const freeX = free && !positionsAgree(sourceWidth, box.width);
  const freeY = free && !positionsAgree(sourceHeight, box.height);
  if (freeX) {
    return { stage: 'source', sourceWidth, sourceHeight, width: sourceWidth, height: sourceHeight, data: image.data };
  }
  if (freeY) {
    const plan = planAxis(horizontal(image, box), size.width);
    const data = resizeHorizontally(image.data, sourceWidth, 0, sourceHeight, plan);
    return { stage: 'rows', sourceWidth, sourceHeight, width: size.width, height: sourceHeight, data };
  }
  return { stage: 'item', sourceWidth, sourceHeight, ...resizeBox(image, box, size.width, size.height) };
}

/** The item for one position: exactly `transform.size`. Its data may be the prepared image's own. */
export function finish(prepared: PreparedImage, transform: ItemTransform, position: BoxPosition): RgbImage {
  const { size } = transform;
  const source = { width: prepared.sourceWidth, height: prepared.sourceHeight };
  switch (prepared.stage) {
    case 'item':
      return prepared;
    case 'rows': {
      const plan = planAxis(vertical(source, itemBox(source, transform, position)), size.height);
      const data = resizeVertically(prepared.data, size.width * 3, 0, plan);
      return { width: size.width, height: size.height, data };
    }
    case 'source':
      return resizeBox(prepared, itemBox(source, transform, position), size.width, size.height);
  }
}

/** Whether every position truncates to the same offset: at most one pixel of free space, as positions are below 1. */
function positionsAgree(imageSide: number, boxSide: number): boolean {
  return Math.abs(imageSide - boxSide) <= 1;
}

function resizeBox(image: RgbImage, box: ItemBox, width: number, height: number): RgbImage {
  const x = planAxis(horizontal(image, box), width);
  const y = planAxis(vertical(image, box), height);
  const fromRow = Math.max(box.top, 0);
  const toRow = Math.min(box.top + box.height, image.height);
  const rows = resizeHorizontally(image.data, image.width, fromRow, toRow, x);
  return { width, height, data: resizeVertically(rows, width * 3, fromRow, y) };
}

function horizontal(image: { readonly width: number }, box: ItemBox): AxisBox {
  return { size: image.width, start: box.left, length: box.width };
}

function vertical(image: { readonly height: number }, box: ItemBox): AxisBox {
  return { size: image.height, start: box.top, length: box.height };
}
