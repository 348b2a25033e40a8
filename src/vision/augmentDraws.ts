/** The random values of one item's augmentation (training-semantics 4.1). */

import type { Random } from '../domain/random.ts';

export interface AugmentDraws {
  readonly flip: boolean;
  /** Rotation in degrees. */
  readonly degrees: number;
  readonly zoom: number;
  /** Centre of the zoom as a share of width and height. */
  readonly zoomX: number;
  readonly zoomY: number;
  /** Perspective warp along x and y. */
  readonly warpX: number;
  readonly warpY: number;
  /** 0.5 leaves the image as it is. */
  readonly brightness: number;
  /** 1 leaves the image as it is. */
  readonly contrast: number;
}

/** Every value and its mask are always drawn, in the recipe's order; a masked value is the neutral one. */
export function drawAugment(random: Random): AugmentDraws {
  const uniform = (low: number, high: number) => low + (high - low) * random.next();
  const masked = (probability: number, value: number, neutral: number) =>
    random.next() < probability ? value : neutral;
  const maxLogContrast = -Math.log(0.8);
  return {
    flip: random.next() < 0.5,
    degrees: masked(0.75, uniform(-10, 10), 0),
    zoom: masked(0.75, uniform(1, 1.1), 1),
    zoomX: random.next(),
    zoomY: random.next(),
    warpX: masked(0.75, uniform(-0.2, 0.2), 0),
    warpY: masked(0.75, uniform(-0.2, 0.2), 0),
    brightness: masked(0.75, uniform(0.4, 0.6), 0.5),
    contrast: masked(0.75, Math.exp(uniform(-maxLogContrast, maxLogContrast)), 1),
  };
}
