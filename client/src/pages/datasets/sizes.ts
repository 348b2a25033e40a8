/** What sizes images have, summed up. */

export interface SizeCount {
  readonly width: number;
  readonly height: number;
  readonly count: number;
}

export interface SizeSummary {
  readonly images: number;
  readonly distinct: number;
  /** Pixels: of the narrowest and of the widest image, and the same for heights. */
  readonly width: readonly [least: number, most: number];
  readonly height: readonly [least: number, most: number];
  readonly landscape: number;
  readonly portrait: number;
  readonly square: number;
}

/** Null when there are no images. */
export function summarizeSizes(sizes: readonly SizeCount[]): SizeSummary | null {
  const [first] = sizes;
  if (!first) return null;
  let images = 0;
  let [landscape, portrait, square] = [0, 0, 0];
  const width: [number, number] = [first.width, first.width];
  const height: [number, number] = [first.height, first.height];
  for (const size of sizes) {
    images += size.count;
    if (size.width > size.height) landscape += size.count;
    else if (size.width < size.height) portrait += size.count;
    else square += size.count;
    widen(width, size.width);
    widen(height, size.height);
  }
  return { images, distinct: sizes.length, width, height, landscape, portrait, square };
}

function widen(range: [number, number], value: number): void {
  range[0] = Math.min(range[0], value);
  range[1] = Math.max(range[1], value);
}

/** One value per image: what histograms are made of. */
export function perImage(sizes: readonly SizeCount[], side: 'width' | 'height'): number[] {
  return sizes.flatMap((size) => new Array<number>(size.count).fill(size[side]));
}
