/** Geometry of the affine and warp augmentation (training-semantics 4.2): maps from output to input, as 3x3 matrices by rows. */

import type { AugmentDraws } from './augmentDraws.ts';
import { solve } from './linearSystem.ts';

/** 3x3, row by row; a point (x, y) maps to ((m0 x + m1 y + m2) / d, (m3 x + m4 y + m5) / d), d = m6 x + m7 y + m8. */
export type Homography = readonly number[];

/** Flip, rotate and zoom in normalised coordinates ([-1, 1], x right, y down), with the aspect correction. */
export function affineMatrix(
  draws: Pick<AugmentDraws, 'flip' | 'degrees' | 'zoom' | 'zoomX' | 'zoomY'>,
  width: number,
  height: number,
): Homography {
  const theta = (draws.degrees * Math.PI) / 180;
  const cos = Math.cos(theta);
  const sin = Math.sin(theta);
  const scale = 1 / draws.zoom;
  const flip = [draws.flip ? -1 : 1, 0, 0, 0, 1, 0, 0, 0, 1];
  const rotate = [cos, sin, 0, -sin, cos, 0, 0, 0, 1];
  const zoom = [scale, 0, (1 - scale) * (2 * draws.zoomX - 1), 0, scale, (1 - scale) * (2 * draws.zoomY - 1), 0, 0, 1];
  const m = [...multiply(multiply(flip, rotate), zoom)];
  m[1]! *= height / width;
  m[3]! *= width / height;
  return m;
}

/**
 * The projective map that takes the moved corners back to the square's corners: its 8 coefficients and a closing 1.
 * With |warp| <= 0.2 its denominator cannot vanish inside the square.
 */
export function warpMatrix(warpX: number, warpY: number): Homography {
  const corners = [
    [-1, -1],
    [-1, 1],
    [1, -1],
    [1, 1],
  ] as const;
  const moved = [
    [-1 - warpY, -1 - warpX],
    [-1 + warpY, 1 + warpX],
    [1 + warpY, -1 + warpX],
    [1 - warpY, 1 - warpX],
  ] as const;
  const rows = corners.flatMap(([px, py], k) => {
    const [qx, qy] = moved[k]!;
    return [
      [qx, qy, 1, 0, 0, 0, -px * qx, -px * qy, px],
      [0, 0, 0, qx, qy, 1, -py * qx, -py * qy, py],
    ];
  });
  return [...solve(rows), 1];
}

/**
 * From output pixel (column, row) of a width x height item to a pixel position in a source of sourceWidth x sourceHeight
 * (the item itself, or its shrunken copy), corners aligned.
 */
export function samplingMatrix(
  draws: AugmentDraws,
  width: number,
  height: number,
  sourceWidth: number,
  sourceHeight: number,
): Homography {
  const toSource = [
    (sourceWidth - 1) / 2,
    0,
    (sourceWidth - 1) / 2,
    0,
    (sourceHeight - 1) / 2,
    (sourceHeight - 1) / 2,
    0,
    0,
    1,
  ];
  return multiply(toSource, multiply(gridMatrix(draws, width, height), toNormalised(width, height)));
}

/** From normalised output to normalised input coordinates: affine, then warp. */
export function gridMatrix(draws: AugmentDraws, width: number, height: number): Homography {
  return multiply(warpMatrix(draws.warpX, draws.warpY), affineMatrix(draws, width, height));
}

/** Pixel indices to [-1, 1]; an axis of one pixel gives 0. */
function toNormalised(width: number, height: number): Homography {
  const x = width > 1 ? [2 / (width - 1), 0, -1] : [0, 0, 0];
  const y = height > 1 ? [0, 2 / (height - 1), -1] : [0, 0, 0];
  return [...x, ...y, 0, 0, 1];
}

/** Smallest and largest coordinate (x and y alike) that a sampling grid reaches: a projective map takes its extremes at corners. */
export function gridRange(grid: Homography, width: number, height: number): { low: number; high: number } {
  const xs = width > 1 ? [-1, 1] : [0];
  const ys = height > 1 ? [-1, 1] : [0];
  const reached = xs.flatMap((x) => ys.flatMap((y) => apply(grid, x, y)));
  return { low: Math.min(...reached), high: Math.max(...reached) };
}

export function apply(m: Homography, x: number, y: number): [number, number] {
  const d = m[6]! * x + m[7]! * y + m[8]!;
  return [(m[0]! * x + m[1]! * y + m[2]!) / d, (m[3]! * x + m[4]! * y + m[5]!) / d];
}

function multiply(a: Homography, b: Homography): Homography {
  return Array.from({ length: 9 }, (_, k) => {
    const row = Math.floor(k / 3) * 3;
    const column = k % 3;
    return a[row]! * b[column]! + a[row + 1]! * b[column + 3]! + a[row + 2]! * b[column + 6]!;
  });
}
