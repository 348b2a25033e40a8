import type { PreparedImage } from './itemTransform.ts';

/**
 * Prepared images in shared memory. It fills up and then keeps what it has: epochs visit every image once in a new order,
 * where dropping the least recently used would drop just what comes next.
 */
export interface MemoryCache {
  /** Whether there may be room for more. */
  readonly open: boolean;
  get(key: string): PreparedImage | undefined;
  /** Ignored when the key is there already or the image does not fit. */
  add(key: string, image: PreparedImage): void;
}

export function createMemoryCache(limitBytes: number): MemoryCache {
  const images = new Map<string, PreparedImage>();
  let used = 0;
  let full = limitBytes === 0;
  return {
    get open() {
      return !full;
    },
    get: (key) => images.get(key),
    add(key, image) {
      if (images.has(key)) return;
      if (used + image.data.length > limitBytes) {
        full = true;
        return;
      }
      images.set(key, image);
      used += image.data.length;
    },
  };
}
