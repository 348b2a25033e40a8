/**
 * Image files to upright 8-bit RGB, by the values stored in them, as Pillow's `convert('RGB')` gives them; where we differ on
 * purpose stands in docs/fidelity.md. The content decides the format, never the name; anything but the formats listed here (SVG,
 * for one) is refused before a decoder sees it. Files are decoded at full size: shrinking while loading would change what the
 * item transform sees.
 */

import sharp, { type Metadata, type Sharp } from 'sharp';
import type { RgbImage } from './rgbImage.ts';

export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'gif' | 'tiff';

/** Images larger than this many pixels are refused from their header. */
export const defaultMaxPixels = 100_000_000;

export interface DecodedImage extends RgbImage {
  readonly format: ImageFormat;
  /** Frames or pages in the file; the first one was decoded. */
  readonly pages: number;
}

/**
 * The reason in our words. libvips keeps the messages of all decodes of a process in one buffer: its text may be empty, or another
 * file's, when two end at the same moment.
 */
const damaged = 'the file is damaged or cut off';

/** One image at a time per caller: loader threads are the parallelism, so libvips needs no pool of its own. */
sharp.concurrency(1);
sharp.cache(false);

/** The format that the first bytes tell, or undefined. */
export function sniffFormat(bytes: Uint8Array): ImageFormat | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 16)).toString('latin1');
  if (head.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (head.startsWith('RIFF') && head.slice(8, 12) === 'WEBP') return 'webp';
  if (head.startsWith('GIF87a') || head.startsWith('GIF89a')) return 'gif';
  if (head.startsWith('II*\0') || head.startsWith('MM\0*')) return 'tiff';
  return undefined;
}

/**
 * Decodes a file's bytes: EXIF orientation applied, colour profiles ignored, CMYK by Pillow's formula, transparency flattened on
 * white, 16-bit values divided by 257, only the first frame of an animation. Throws an Error whose message is the reason,
 * without the path.
 */
export async function decodeImage(bytes: Uint8Array, maxPixels: number = defaultMaxPixels): Promise<DecodedImage> {
  if (bytes.length === 0) throw new Error('the file is empty');
  const format = sniffFormat(bytes);
  if (!format) throw new Error('not an image of a supported format (JPEG, PNG, WebP, GIF, TIFF)');
  const header = await readHeader(bytes);
  if (header.width * header.height > maxPixels) {
    throw new Error(
      `its header claims ${header.width}x${header.height} pixels, more than the limit of ${maxPixels} pixels`,
    );
  }
  try {
    return { ...(await decodePixels(bytes, header)), format, pages: header.pages ?? 1 };
  } catch (error) {
    throw new Error(`it cannot be decoded: ${damaged}`, { cause: error });
  }
}

/** A profile would change the stored values, which are what the recipe's networks were trained on. */
function open(bytes: Uint8Array): Sharp {
  return sharp(bytes, { failOn: 'error', limitInputPixels: false, ignoreIcc: true });
}

async function readHeader(bytes: Uint8Array): Promise<Metadata> {
  return open(bytes)
    .metadata()
    .catch((error: unknown) => {
      throw new Error(`its header cannot be read: ${damaged}`, { cause: error });
    });
}

function decodePixels(bytes: Uint8Array, { depth, space }: Metadata): Promise<RgbImage> {
  const upright = open(bytes).autoOrient();
  if (depth === 'ushort') return decode16(upright);
  return space === 'cmyk' ? decodeCmyk(upright) : decode8(upright);
}

async function decode8(source: Sharp): Promise<RgbImage> {
  const { data, info } = await source
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: threeChannels(data, info.channels) };
}

/** As Pillow does, where libvips would assume a printer's profile: each ink takes its share of the light that black leaves. */
async function decodeCmyk(source: Sharp): Promise<RgbImage> {
  const { data, info } = await source
    .pipelineColourspace('cmyk')
    .toColourspace('cmyk')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const result = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < result.length; from += channels, to += 3) {
    const light = 255 - data[from + 3]!;
    for (let c = 0; c < 3; c++) {
      const product = data[from + c]! * light + 128;
      result[to + c] = light - (((product >> 8) + product) >> 8);
    }
  }
  return { width, height, data: result };
}

/** libvips would drop the low byte; dividing by 257 rounds instead. */
async function decode16(source: Sharp): Promise<RgbImage> {
  const { data, info } = await source
    .toColourspace('rgb16')
    .raw({ depth: 'ushort' })
    .toBuffer({ resolveWithObject: true });
  const values = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
  const colours = info.channels < 3 ? 1 : 3;
  const result = new Uint8Array(info.width * info.height * colours);
  for (let pixel = 0; pixel < info.width * info.height; pixel++) {
    const at = pixel * info.channels;
    const opacity = info.channels > colours ? values[at + colours]! / 65535 : 1;
    for (let c = 0; c < colours; c++) {
      result[pixel * colours + c] = Math.round((values[at + c]! * opacity) / 257 + 255 * (1 - opacity));
    }
  }
  return { width: info.width, height: info.height, data: threeChannels(result, colours) };
}

function threeChannels(data: Uint8Array, channels: number): Uint8Array {
  if (channels === 3) return data;
  const result = new Uint8Array((data.length / channels) * 3);
  for (let from = 0, to = 0; to < result.length; from += channels, to += 3) result.fill(data[from]!, to, to + 3);
  return result;
}
