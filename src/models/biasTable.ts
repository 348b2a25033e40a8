/** Fits Swin's table of relative position biases to windows of another size. */

import type { Grid } from './positionEmbedding.ts';
import { offsetsOf } from './windows.ts';

/**
 * Resizes `table` [offsetsOf(from), heads] to [offsetsOf(window), heads]. As timm does (and BEiT before it), which knows square
 * windows only: the stored offsets are spread out in a geometric progression, so that small offsets stay dense, and read
 * bilinearly at the whole offsets of the new window. The same number of offsets on both axes: a copy.
 * @param from the window that the table is of; left out: the square one
 */
export function resizeBiasTable(
  table: Float32Array,
  heads: number,
  window: Grid,
  from: Grid = squareOf(table.length / heads),
): Float32Array {
  const [rows, columns] = [2 * window.rows - 1, 2 * window.columns - 1];
  const [storedRows, storedColumns] = [2 * from.rows - 1, 2 * from.columns - 1];
  if (rows === storedRows && columns === storedColumns) return table.slice();
  const vertical = tapsOf(storedRows, rows);
  const horizontal = tapsOf(storedColumns, columns);
  const result = new Float32Array(offsetsOf(window) * heads);
  vertical.forEach((down, row) => {
    horizontal.forEach((right, column) => {
      for (const [r, share] of down)
        for (const [c, part] of right)
          for (let h = 0; h < heads; h++)
            result[(row * columns + column) * heads + h]! += share * part * table[(r * storedColumns + c) * heads + h]!;
    });
  });
  return result;
}

/** The square window that has so many offsets. */
function squareOf(offsets: number): Grid {
  const side = (Math.sqrt(offsets) + 1) / 2;
  return { rows: side, columns: side };
}

/** Which of `side` stored offsets make each of `length` new ones, and their shares. */
function tapsOf(side: number, length: number): [index: number, share: number][][] {
  const positions = spread(side, length);
  const reach = Math.floor(length / 2);
  return Array.from({ length }, (_, i) => {
    const target = i - reach;
    const after = positions.findIndex((position) => position >= target);
    if (after === 0) return [[0, 1]];
    if (after < 0) return [[side - 1, 1]];
    const [left, right] = [positions[after - 1]!, positions[after]!];
    const share = (target - left) / (right - left);
    return [
      [after - 1, 1 - share],
      [after, share],
    ];
  });
}

/** Positions of the stored offsets: 0 and ±(1, 1 + q, 1 + q + q², ...), the last one as near to the new table's end as q allows. */
function spread(side: number, length: number): number[] {
  const [n, reach] = [Math.floor(side / 2), Math.floor(length / 2)];
  let [low, high, q] = [1.01, 1.5, 1.01];
  while (high - low > 1e-6) {
    q = (low + high) / 2;
    if ((1 - q ** n) / (1 - q) > reach) high = q;
    else low = q;
  }
  const distances: number[] = [];
  for (let i = 0, distance = 1; i < n; i++) {
    distances.push(distance);
    distance += q ** (i + 1);
  }
  return [...distances.map((d) => -d).reverse(), 0, ...distances];
}
