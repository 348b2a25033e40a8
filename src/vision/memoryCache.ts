import type { PreparedImage } from './itemTransform.ts';

/**
 * Prepared images in shared memory. It fills up and then keeps what it has: epochs visit every image once in a new order,
 * where dropping the least recently used would drop just what comes next.
 */
export interface MemoryCache {
  /** Whether there may be room for more. */
  readonly open: boolean;
  get(key: string): PreparedImage | undefined;
  /** Ignored when the key is there already, the image does not fit, or it would take more than a sixteenth of the limit. */
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
      // A giant must not end the collecting of ordinary images.
      if (images.has(key) || image.data.length > limitBytes / 16) return;
      if (used + image.data.length > limitBytes) {
        full = true;
        return;
      }
      images.set(key, image);
      used += image.data.length;
    },
  };
}
