/** Random resized crop with aspect ratio 1 (training-semantics 4.4). */

import type { Random } from '../domain/random.ts';

export interface CropWindow {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const tries = 10;

/** A square of `minScale`..1 of the item's area; the centred square when ten tries give none that fits. */
export function randomCrop(
  width: number,
  height: number,
  minScale: number,
  random: Pick<Random, 'next' | 'integer'>,
): CropWindow {
  for (let i = 0; i < tries; i++) {
    const area = (minScale + (1 - minScale) * random.next()) * height * width;
    const side = roundHalfEven(Math.sqrt(area));
    if (side <= width && side <= height) {
      const top = random.integer(height - side + 1);
      const left = random.integer(width - side + 1);
      return { left, top, width: side, height: side };
    }
  }
  return centreCrop(width, height);
}

/** The largest centred square. */
export function centreCrop(width: number, height: number): CropWindow {
  const side = Math.min(width, height);
  return { left: Math.floor((width - side) / 2), top: Math.floor((height - side) / 2), width: side, height: side };
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest === 0.5) return floor % 2 === 0 ? floor : floor + 1;
  return rest < 0.5 ? floor : floor + 1;
}
