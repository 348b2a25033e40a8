/** Reads the fixtures of test/golden. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type NamedTensor, readSafetensors } from '../../src/blobs/safetensors.ts';

function goldenPath(name: string): string {
  return fileURLToPath(new URL(`../golden/${name}`, import.meta.url));
}

// biome-ignore lint/suspicious/noExplicitAny: fixtures are checked by the assertions made on them
export function goldenJson(name: string): any {
  return JSON.parse(readFileSync(goldenPath(`${name}.json`), 'utf8'));
}

export interface GoldenTensors {
  readonly names: readonly string[];
  float(name: string): Float32Array;
  int(name: string): Int32Array;
  shape(name: string): readonly number[];
  /** An image batch stored as (N,C,H,W), in our layout (N,H,W,C). */
  nhwc(name: string): Float32Array;
}

export async function goldenTensors(name: string): Promise<GoldenTensors> {
  const tensors = await readSafetensors(goldenPath(`${name}.safetensors`));
  const get = (key: string): NamedTensor => {
    const tensor = tensors.get(key);
    if (!tensor) throw new Error(`${name} has no ${key}`);
    return tensor;
  };
  return {
    names: [...tensors.keys()],
    float: (key) => get(key).data as Float32Array,
    int: (key) => get(key).data as Int32Array,
    shape: (key) => get(key).shape,
    nhwc: (key) => {
      const { data, shape } = get(key);
      const [n, c, h, w] = shape as [number, number, number, number];
      const out = new Float32Array(data.length);
      for (let i = 0; i < n; i++)
        for (let k = 0; k < c; k++)
          for (let p = 0; p < h * w; p++) out[(i * h * w + p) * c + k] = data[(i * c + k) * h * w + p]!;
      return out;
    },
  };
}

/** The largest |a - b|. */
export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} values against ${b.length}`);
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const d = Math.abs(a[i]! - b[i]!);
    if (!(d <= worst)) worst = Number.isNaN(d) ? Number.POSITIVE_INFINITY : d;
  }
  return worst;
}

/** max |a - b| / (atol + rtol * max |b|): at most 1 when within the fixtures' tolerance. */
export function excess(a: ArrayLike<number>, b: ArrayLike<number>, atol: number, rtol: number): number {
  let scale = 0;
  for (let i = 0; i < b.length; i++) scale = Math.max(scale, Math.abs(b[i]!));
  return maxDifference(a, b) / (atol + rtol * scale);
}
