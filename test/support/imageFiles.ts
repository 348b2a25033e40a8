/** Writes image files and data-set folders for tests. */

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { createRandom } from '../../src/domain/random.ts';

export interface PictureOptions {
  readonly width?: number;
  readonly height?: number;
  /** Different seeds draw different pictures. */
  readonly seed?: number;
}

/** Coarse coloured noise, which every codec keeps recognisable. */
export function picture({ width = 48, height = 36, seed = 1 }: PictureOptions = {}): Sharp {
  const random = createRandom(seed, 'picture');
  const tiles = Buffer.from(Array.from({ length: 4 * 4 * 3 }, () => random.integer(256)));
  return sharp(tiles, { raw: { width: 4, height: 4, channels: 3 } }).resize(width, height, { fit: 'fill' });
}

export async function jpegBytes(options?: PictureOptions): Promise<Buffer> {
  return picture(options).jpeg({ quality: 90 }).toBuffer();
}

/** Writes files by relative path; a number draws the picture of that seed. */
export async function writeFolder(
  root: string,
  files: Readonly<Record<string, number | string | Uint8Array>>,
): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const at = join(root, path);
    await mkdir(dirname(at), { recursive: true });
    await writeFile(at, typeof content === 'number' ? await jpegBytes({ seed: content }) : content);
  }
}
