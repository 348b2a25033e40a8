/**
 * From an item to the network's input in one pass over the item: affine and warp sampling, crop, prefilter, resampling,
 * lighting and normalising (training-semantics 4.2 to 4.6). Sampling computes only the rows and columns inside the crop;
 * the prefilter and the resampling are linear and separable, so they become one sparse map per axis applied row by row,
 * and no image in between is ever stored.
 */

import type { Size } from '../domain/trainingConfig.ts';
import { type ToneCurve, tone } from './lighting.ts';
import { alignedBilinear, areaAverage, compose, type LinearAxis, prefilterSize, transpose } from './linearAxis.ts';
import type { CropWindow } from './randomCrop.ts';
import type { Homography } from './warp.ts';

/** Pixels on the scale 0..255, three values per pixel. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Float32Array;
}

export interface RenderRequest {
  readonly source: Pixels;
  /** From item pixels to source pixels; undefined: the item is the source, unmoved. */
  readonly sampling: Homography | undefined;
  /** The part of the item that is kept. */
  readonly crop: CropWindow;
  readonly tone: ToneCurve | undefined;
}

export interface Renderer {
  /** Writes height * width * 3 normalised values to `target` from `offset`. */
  render(request: RenderRequest, target: Float32Array, offset: number): void;
}

interface CropAxes {
  readonly width: number;
  readonly height: number;
  readonly columns: LinearAxis;
  /** By input row: the output rows it adds to. */
  readonly rows: LinearAxis;
}

/** A renderer for one output size; not for concurrent use, as it owns its scratch memory. */
export function createRenderer(size: Size, mean: readonly number[], std: readonly number[]): Renderer {
  const sums = new Float64Array(size.height * size.width * 3);
  const reduced = new Float64Array(size.width * 3);
  let sampled = new Float64Array(0);
  let axes: CropAxes | undefined;

  return {
    render({ source, sampling, crop, tone: curve }, target, offset) {
      if (axes?.width !== crop.width || axes.height !== crop.height) axes = cropAxes(crop, size);
      if (sampled.length < crop.width * 3) sampled = new Float64Array(crop.width * 3);
      sums.fill(0);
      for (let r = 0; r < crop.height; r++) {
        const from = axes.rows.first[r]!;
        const to = axes.rows.first[r + 1]!;
        if (from === to) continue;
        if (sampling) sampleRow(source, sampling, crop.top + r, crop.left, crop.width, sampled);
        else copyRow(source, crop.top + r, crop.left, crop.width, sampled);
        reduceRow(sampled, axes.columns, reduced);
        let row = axes.rows.start[r]! * reduced.length;
        for (let tap = from; tap < to; tap++, row += reduced.length) {
          const weight = axes.rows.weight[tap]!;
          for (let x = 0; x < reduced.length; x++) sums[row + x] = sums[row + x]! + weight * reduced[x]!;
        }
      }
      normalise(sums, curve, mean, std, target, offset);
    },
  };
}

/** Prefilter and corner-aligned resampling of a crop to `size`, as one map per axis. */
function cropAxes(crop: CropWindow, size: Size): CropAxes {
  const { width, height } = crop;
  const range = size.width > 1 || size.height > 1 ? { low: -1, high: 1 } : { low: 0, high: 0 };
  const shrunk = prefilterSize(crop, size, range);
  const axis = (inputs: number, middle: number | undefined, outputs: number) =>
    middle === undefined
      ? alignedBilinear(inputs, outputs)
      : compose(areaAverage(inputs, middle), alignedBilinear(middle, outputs));
  return {
    width,
    height,
    columns: axis(width, shrunk?.width, size.width),
    rows: transpose(axis(height, shrunk?.height, size.height)),
  };
}

/** Item row `y`, columns `left .. left + count - 1`, sampled bilinearly with reflection. */
function sampleRow(
  { data, width, height }: Pixels,
  m: Homography,
  y: number,
  left: number,
  count: number,
  out: Float64Array,
): void {
  const m0 = m[0]!;
  const m3 = m[3]!;
  const m6 = m[6]!;
  const rowX = m[1]! * y + m[2]!;
  const rowY = m[4]! * y + m[5]!;
  const rowD = m[7]! * y + m[8]!;
  const lastX = width - 1;
  const lastY = height - 1;
  const stride = width * 3;
  for (let j = 0, at = 0; j < count; j++, at += 3) {
    const x = left + j;
    const scale = 1 / (m6 * x + rowD);
    let px = (m0 * x + rowX) * scale;
    let py = (m3 * x + rowY) * scale;
    let right = 3;
    let down = stride;
    if (!(px >= 0 && py >= 0 && px < lastX && py < lastY)) {
      px = reflect(px, lastX);
      py = reflect(py, lastY);
      if (px >= lastX) right = 0;
      if (py >= lastY) down = 0;
    }
    const x0 = px | 0;
    const y0 = py | 0;
    const fx = px - x0;
    const fy = py - y0;
    const p = y0 * stride + x0 * 3;
    const q = p + down;
    const w11 = fx * fy;
    const w01 = fx - w11;
    const w10 = fy - w11;
    const w00 = 1 - fx - w10;
    const pr = p + right;
    const qr = q + right;
    out[at] = data[p]! * w00 + data[pr]! * w01 + data[q]! * w10 + data[qr]! * w11;
    out[at + 1] = data[p + 1]! * w00 + data[pr + 1]! * w01 + data[q + 1]! * w10 + data[qr + 1]! * w11;
    out[at + 2] = data[p + 2]! * w00 + data[pr + 2]! * w01 + data[q + 2]! * w10 + data[qr + 2]! * w11;
  }
}

/** Mirrors a position about the centres of the first and last pixel into 0..last. */
function reflect(position: number, last: number): number {
  if (last === 0) return 0;
  const distance = Math.abs(position) % (2 * last);
  return distance <= last ? distance : 2 * last - distance;
}

function copyRow({ data, width }: Pixels, y: number, left: number, count: number, out: Float64Array): void {
  const from = (y * width + left) * 3;
  for (let x = 0; x < count * 3; x++) out[x] = data[from + x]!;
}

function reduceRow(row: Float64Array, axis: LinearAxis, out: Float64Array): void {
  const { start, first, weight, outputs } = axis;
  for (let i = 0, at = 0; i < outputs; i++, at += 3) {
    let r = 0;
    let g = 0;
    let b = 0;
    const to = first[i + 1]!;
    for (let tap = first[i]!, x = start[i]! * 3; tap < to; tap++, x += 3) {
      const w = weight[tap]!;
      r += w * row[x]!;
      g += w * row[x + 1]!;
      b += w * row[x + 2]!;
    }
    out[at] = r;
    out[at + 1] = g;
    out[at + 2] = b;
  }
}

function normalise(
  values: Float64Array,
  curve: ToneCurve | undefined,
  mean: readonly number[],
  std: readonly number[],
  target: Float32Array,
  offset: number,
): void {
  for (let c = 0; c < 3; c++) {
    const scale = 1 / std[c]!;
    const shift = -mean[c]! * scale;
    if (curve) {
      for (let i = c; i < values.length; i += 3)
        target[offset + i] = tone(curve, values[i]! * (1 / 255)) * scale + shift;
    } else {
      for (let i = c; i < values.length; i += 3) target[offset + i] = values[i]! * (1 / 255) * scale + shift;
    }
  }
}

/** Area-averages an image: the prefilter where it applies to a whole item. */
export function shrink(image: Pixels, width: number, height: number): Pixels {
  const columns = areaAverage(image.width, width);
  const rows = transpose(areaAverage(image.height, height));
  const data = new Float32Array(width * height * 3);
  const row = new Float64Array(image.width * 3);
  const reduced = new Float64Array(width * 3);
  for (let y = 0; y < image.height; y++) {
    copyRow(image, y, 0, image.width, row);
    reduceRow(row, columns, reduced);
    for (let tap = rows.first[y]!, out = rows.start[y]!; tap < rows.first[y + 1]!; tap++, out++) {
      for (let x = 0; x < reduced.length; x++) data[out * reduced.length + x]! += rows.weight[tap]! * reduced[x]!;
    }
  }
  return { width, height, data };
}
