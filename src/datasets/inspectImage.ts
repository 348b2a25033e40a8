/** Really decodes one file and measures it. */

import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { messageOf } from '../errors.ts';
import { decodeImage, sniffFormat } from '../vision/decode.ts';
import type { FoundFile } from './folder.ts';

export interface ImageLimits {
  /** Shortest side accepted, in pixels. */
  readonly minSide: number;
  /** Pixels accepted, checked in the header before decoding. */
  readonly maxPixels: number;
  readonly maxBytes: number;
}

export type Inspection =
  | {
      readonly kind: 'accepted';
      readonly width: number;
      readonly height: number;
      readonly bytes: number;
      readonly contentHash: string;
      readonly warning: string | undefined;
    }
  /** `SKIPPED`: not meant as an image. */
  | { readonly kind: 'refused'; readonly severity: 'REJECTED' | 'SKIPPED'; readonly reason: string };

const imageName = /\.(jpe?g|jpe|jfif|png|webp|gif|tiff?|bmp|svg|heic|heif|avif|jp2|jxl)$/i;

/**
 * Reads the file once: what is hashed is what was decoded. Never throws for a bad file.
 * @param options.followLinks read what a link leads to, which is refused otherwise
 */
export async function inspectImage(
  file: Pick<FoundFile, 'name' | 'absolute'>,
  limits: ImageLimits,
  options: { readonly followLinks?: boolean } = {},
): Promise<Inspection> {
  try {
    const bytes = await readWithin(file.absolute, limits.maxBytes, options.followLinks ?? false);
    if (!sniffFormat(bytes) && !imageName.test(file.name)) {
      return { kind: 'refused', severity: 'SKIPPED', reason: 'is not an image' };
    }
    const { width, height, pages } = await decodeImage(bytes, limits.maxPixels);
    if (Math.min(width, height) < limits.minSide) {
      throw new Error(`its size is ${width}x${height}; each side must have at least ${limits.minSide} pixels`);
    }
    return {
      kind: 'accepted',
      width,
      height,
      bytes: bytes.length,
      contentHash: createHash('sha256').update(bytes).digest('hex'),
      warning: pages > 1 ? `has ${pages} frames or pages; only the first is used` : undefined,
    };
  } catch (error) {
    return { kind: 'refused', severity: 'REJECTED', reason: messageOf(error) };
  }
}

async function readWithin(path: string, maxBytes: number, followLinks: boolean): Promise<Buffer> {
  // Whatever was found may have become a link or a pipe since: neither is followed or waited for.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (followLinks ? 0 : constants.O_NOFOLLOW);
  const handle = await open(path, flags).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`cannot be opened: ${error.code ?? messageOf(error)}`);
  });
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new Error('is not a regular file');
    const { size } = found;
    if (size > maxBytes) throw new Error(`has ${size} bytes; at most ${maxBytes} are accepted`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
