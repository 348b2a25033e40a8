/** Small previews: JPEG, upright, without any metadata of the original (no camera, no position). */

import sharp from 'sharp';
import { messageOf } from '../errors.ts';
import { decodeImage } from './decode.ts';
import { ImageUnreadableError } from './rgbImage.ts';

/** A file to make a thumbnail of. */
export interface PictureFile {
  /** For messages. */
  readonly path: string;
  /** Its bytes. */
  readonly read: () => Promise<Uint8Array>;
}

/** JPEG bytes of the image, fitting into side x side pixels, never enlarged. Throws ImageUnreadableError. */
export async function renderThumbnail({ path, read }: PictureFile, side: number): Promise<Buffer> {
  try {
    const { width, height, data } = await decodeImage(await read());
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
  get(image: PictureFile & { readonly contentHash: string }, side: number): Promise<Buffer>;
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

  const add = (key: string, file: PictureFile, side: number): Promise<Buffer> => {
    const entry = { rendered: renderThumbnail(file, side), bytes: 0 };
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
    get(image, side) {
      const key = `${image.contentHash}-${side}`;
      const entry = entries.get(key);
      if (!entry) return add(key, image, side);
      entries.delete(key);
      entries.set(key, entry);
      return entry.rendered;
    },
  };
}
