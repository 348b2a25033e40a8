/** Fits a ViT's position embedding to another grid of patches. */

export interface Grid {
  readonly rows: number;
  readonly columns: number;
}

/**
 * Resizes the grid part of `embedding` [1 + from.rows * from.columns, dim] bicubically with antialiasing; the first row (class
 * token) is copied. Same kernel and borders as torch's `interpolate(mode='bicubic', antialias=True, align_corners=False)`.
 */
export function resizePositionEmbedding(embedding: Float32Array, dim: number, from: Grid, to: Grid): Float32Array {
  const prefix = embedding.subarray(0, dim);
  const wide = resizeAxis(embedding.subarray(dim), from.rows, from.columns, to.columns, dim);
  const resized = resizeAxis(wide, 1, from.rows, to.rows, to.columns * dim);
  const result = new Float32Array(dim + resized.length);
  result.set(prefix);
  result.set(resized, dim);
  return result;
}

/** [outer, from, inner] -> [outer, to, inner]. */
function resizeAxis(source: ArrayLike<number>, outer: number, from: number, to: number, inner: number): Float64Array {
  const result = new Float64Array(outer * to * inner);
  for (let i = 0; i < to; i++) {
    const { start, weights } = taps(i, from, to);
    for (let o = 0; o < outer; o++) {
      for (let k = 0; k < inner; k++) {
        let sum = 0;
        weights.forEach((weight, j) => {
          sum += weight * source[(o * from + start + j) * inner + k]!;
        });
        result[(o * to + i) * inner + k] = sum;
      }
    }
  }
  return result;
}

/** Which inputs make output `i`, and their weights (sum 1). The kernel widens when shrinking: that is the antialiasing. */
function taps(i: number, from: number, to: number): { start: number; weights: number[] } {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const support = 2 * stretch;
  const centre = (i + 0.5) * scale;
  const start = Math.max(Math.trunc(centre - support + 0.5), 0);
  const end = Math.min(Math.trunc(centre + support + 0.5), from);
  const raw = Array.from({ length: end - start }, (_, j) => cubic((j + start - centre + 0.5) / stretch));
  const total = raw.reduce((sum, weight) => sum + weight, 0);
  return { start, weights: raw.map((weight) => weight / total) };
}

/** Keys' cubic convolution kernel with a = -0.5. */
function cubic(x: number): number {
  const a = -0.5;
  const t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  if (t < 2) return (((t - 5) * t + 8) * t - 4) * a;
  return 0;
}
