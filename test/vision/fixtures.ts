/** The image fixtures of test/golden/fastai. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const file = (name: string) => readFileSync(fileURLToPath(new URL(`../golden/fastai/${name}`, import.meta.url)));

// biome-ignore lint/suspicious/noExplicitAny: fixtures are checked by the assertions made on them
export const fixtureJson = (name: string): any => JSON.parse(file(`${name}.json`).toString('utf8'));

export interface FixtureTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Uint8Array;
}

/** Reads a safetensors file of F32 and U8 tensors. */
export function fixtureTensors(name: string): (key: string) => FixtureTensor {
  const bytes = file(`${name}.safetensors`);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, start).toString('utf8'));
  return (key) => {
    const { dtype, shape, data_offsets } = header[key];
    const raw = new Uint8Array(bytes.subarray(start + data_offsets[0], start + data_offsets[1]));
    return { shape, data: dtype === 'U8' ? raw : new Float32Array(raw.buffer) };
  };
}

/** Item n of an (N, C, H, W) tensor as H * W * C values. */
export function pixelsOf(tensor: FixtureTensor, n: number, scale = 1): Float32Array {
  const [, channels, height, width] = tensor.shape as [number, number, number, number];
  const plane = height * width;
  return Float32Array.from(
    { length: plane * channels },
    (_, i) => tensor.data[(n * channels + (i % channels)) * plane + Math.floor(i / channels)]! * scale,
  );
}

/** The fixtures' size: one number, or (height, width). */
export function sizeOf(size: number | [number, number]): { height: number; width: number } {
  return typeof size === 'number' ? { height: size, width: size } : { height: size[0], width: size[1] };
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} values against ${b.length}`);
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= worst)) worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return worst;
}
