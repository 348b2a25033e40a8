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
