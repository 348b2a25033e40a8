/**
 * From an item to the network's input in one pass over the item: affine and warp sampling, crop, prefilter, resampling,
 * lighting and normalising (training-semantics 4.2 to 4.6). Sampling computes only the rows and columns inside the crop;
 * the prefilter and the resampling are linear and separable, so they become one sparse map per axis applied row by row,
 * and no image in between is ever stored.
 */

import type { Size } from '../domain/trainingConfig.ts';
import type { Lighting } from './lighting.ts';
import { alignedBilinear, areaAverage, compose, type LinearAxis, prefilterSize, transpose } from './linearAxis.ts';
import type { CropWindow } from './randomCrop.ts';
import type { Homography } from './warp.ts';
import { type Workspace, workspace } from './wasm/workspace.ts';

/** Sampled pixels: four floats. */
const rgbxBytes = 16;
/** Sums: three floats. */
const rgbBytes = 12;

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
  readonly lighting: Lighting | undefined;
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

/** A renderer for one output size. */
export function createRenderer(size: Size, mean: readonly number[], std: readonly number[]): Renderer {
  const values = size.height * size.width * 3;
  const rowBytes = size.width * rgbBytes;
  // Lighting leaves the scale 0..1, sums are on 0..255.
  const lit = normalisation(mean, std, 1);
  const unlit = normalisation(mean, std, 1 / 255);
  let axes: CropAxes | undefined;
  return {
    render({ source, sampling, crop, lighting }, target, offset) {
      if (axes?.width !== crop.width || axes.height !== crop.height) axes = cropAxes(crop, size);
      const space = workspace();
      const pixels = placePixels(space, source);
      const columns = placeAxis(space, axes.columns);
      const { rows } = axes;
      const sampled = space.room(crop.width * rgbxBytes);
      const reduced = space.room(rowBytes);
      const sums = space.room(values * 4);
      space.floats(sums, values).fill(0);
      for (let r = 0; r < crop.height; r++) {
        const to = rows.first[r + 1]!;
        if (rows.first[r] === to) continue;
        if (sampling) pixels.sampleRow(sampling, crop.top + r, crop.left, crop.width, sampled);
        else pixels.copyRow(crop.top + r, crop.left, crop.width, sampled);
        columns.reduce(sampled, reduced);
        let sumRow = sums + rows.start[r]! * rowBytes;
        for (let tap = rows.first[r]!; tap < to; tap++, sumRow += rowBytes) {
          space.run.addRow(reduced, size.width * 3, rows.weight[tap]!, sumRow);
        }
      }
      const result = space.room(values * 4);
      if (lighting) {
        const [scale, shift] = [space.place(lit.scale), space.place(lit.shift)];
        space.run.normaliseLit(sums, values, scale, shift, result, lighting.contrast, lighting.shift);
      } else {
        const [scale, shift] = [space.place(unlit.scale), space.place(unlit.shift)];
        space.run.normalise(sums, values, scale, shift, result);
      }
      target.set(space.floats(result, values), offset);
    },
  };
}

/** Puts an image in the kernels' memory; rows of it are then read as RGBX. */
function placePixels(space: Workspace, { data, width, height }: Pixels) {
  const bytes = data instanceof Uint8Array;
  const address = space.place(data);
  const pixelBytes = bytes ? 3 : rgbBytes;
  const { sampleBytes, sampleFloats, copyBytes, copyFloats } = space.run;
  const sample = bytes ? sampleBytes : sampleFloats;
  const copy = bytes ? copyBytes : copyFloats;
  return {
    /** Row `y` of the item, columns `left .. left + count - 1`, sampled bilinearly with reflection. */
    sampleRow(m: Homography, y: number, left: number, count: number, target: number) {
      const [rowX, rowY, rowD] = [m[1]! * y + m[2]!, m[4]! * y + m[5]!, m[7]! * y + m[8]!];
      sample(address, width - 1, height - 1, m[0]!, m[3]!, m[6]!, rowX, rowY, rowD, left, count, target);
    },
    copyRow(y: number, left: number, count: number, target: number) {
      copy(address + (y * width + left) * pixelBytes, count, target);
    },
  };
}

function placeAxis(space: Workspace, axis: LinearAxis) {
  const start = space.place(axis.start.map((input) => input * rgbxBytes));
  const first = space.place(axis.first.map((tap) => tap * 4));
  const weight = space.place(axis.weight);
  return {
    /** Applies the axis to a row of RGBX pixels. */
    reduce(row: number, target: number) {
      space.run.reduceRow(row, start, first, axis.outputs, weight, target);
    },
  };
}

/** (value * unit - mean) / std as value * scale + shift, for four pixels in a row. */
function normalisation(mean: readonly number[], std: readonly number[], unit: number) {
  const fourTimes = (values: number[]) => Float32Array.from([...values, ...values, ...values, ...values]);
  return {
    scale: fourTimes(std.map((s) => unit / s)),
    shift: fourTimes(std.map((s, c) => -mean[c]! / s)),
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

/** Area-averages an image: the prefilter where it applies to a whole item. */
export function shrink(image: Pixels, width: number, height: number): Pixels {
  const space = workspace();
  const pixels = placePixels(space, image);
  const columns = placeAxis(space, areaAverage(image.width, width));
  const rows = transpose(areaAverage(image.height, height));
  const row = space.room(image.width * rgbxBytes);
  const reduced = space.room(width * rgbBytes);
  const sums = space.room(width * height * rgbBytes);
  space.floats(sums, width * height * 3).fill(0);
  for (let y = 0; y < image.height; y++) {
    pixels.copyRow(y, 0, image.width, row);
    columns.reduce(row, reduced);
    for (let tap = rows.first[y]!, out = rows.start[y]!; tap < rows.first[y + 1]!; tap++, out++) {
      space.run.addRow(reduced, width * 3, rows.weight[tap]!, sums + out * width * rgbBytes);
    }
  }
  return { width, height, data: space.floats(sums, width * height * 3).slice() };
}
