/** Small previews: JPEG, upright, without any metadata of the original (no camera, no position). */

import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { messageOf } from '../errors.ts';
import { decodeImage } from './decode.ts';
import { ImageUnreadableError } from './rgbImage.ts';

/** JPEG bytes of the image at `path`, fitting into side x side pixels, never enlarged. Throws ImageUnreadableError. */
export async function renderThumbnail(path: string, side: number): Promise<Buffer> {
  try {
    const { width, height, data } = await decodeImage(await readFile(path));
    return await sharp(data, { raw: { width, height, channels: 3 } })
      .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
      .jpeg({ quality: 80 })
      .toBuffer();
  } catch (error) {
    throw new ImageUnreadableError(path, messageOf(error));
  }
}

export interface ThumbnailCache {
  /** As renderThumbnail, rendered once per content and side while it stays in the cache, also for callers at the same time. */
  get(image: { readonly path: string; readonly contentHash: string }, side: number): Promise<Buffer>;
}

/** Thumbnails in memory; the longest unused go when they exceed `limitBytes`. */
export function createThumbnailCache(limitBytes: number): ThumbnailCache {
  /** In order of last use. */
  const entries = new Map<string, { readonly rendered: Promise<Buffer>; bytes: number }>();
  let used = 0;

  const drop = (key: string) => {
    used -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  };

  const add = (key: string, path: string, side: number): Promise<Buffer> => {
    const entry = { rendered: renderThumbnail(path, side), bytes: 0 };
    entries.set(key, entry);
    entry.rendered.then(
      ({ length }) => {
        if (entries.get(key) !== entry) return;
        entry.bytes = length;
        used += length;
        for (const oldest of entries.keys()) {
          if (used <= limitBytes) break;
          drop(oldest);
        }
      },
      () => drop(key),
    );
    return entry.rendered;
  };

  return {
    get({ path, contentHash }, side) {
      const key = `${contentHash}-${side}`;
      const entry = entries.get(key);
      if (!entry) return add(key, path, side);
      entries.delete(key);
      entries.set(key, entry);
      return entry.rendered;
    },
  };
}
