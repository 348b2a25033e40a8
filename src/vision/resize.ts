/**
 * Pillow's 8-bit bilinear (antialiased triangle) resize, bit for bit: weights in 22-bit fixed point, a horizontal pass and
 * then a vertical one, each rounded to bytes (training-semantics 3.2). An axis is described once by an `AxisPlan`, which
 * also carries the crop offset or the reflection padding, so neither is ever materialised.
 */

import { type Workspace, workspace } from './wasm/workspace.ts';

/** How each output position along one axis is summed from input positions. */
export interface AxisPlan {
  readonly outputs: number;
  /** Taps of output i are `first[i] .. first[i + 1] - 1`. */
  readonly first: Int32Array;
  /** Input position of each tap. */
  readonly position: Int32Array;
  /** Fixed-point weight of each tap: 2^22 is one. */
  readonly weight: Int32Array;
}

/** `length` positions starting at `start` (may be negative or run past `size`), read from an axis of `size` pixels. */
export interface AxisBox {
  readonly size: number;
  readonly start: number;
  readonly length: number;
}

const fractionBits = 22;
/** Rows go through the kernel's memory in bands of this size, so that a giant image does not stay in it twice. */
const bandBytes = 2 ** 22;

/** The plan that resizes `box` to `outputs` pixels. Where the box leaves the image, pixels are reflected (edge not repeated). */
export function planAxis(box: AxisBox, outputs: number): AxisPlan {
  const first = new Int32Array(outputs + 1);
  const position: number[] = [];
  const weight: number[] = [];
  const scale = box.length / outputs;
  const filter = Math.max(scale, 1);
  const perFilter = 1 / filter;
  for (let i = 0; i < outputs; i++) {
    if (box.length === outputs) {
      position.push(reflectInto(box, i));
      weight.push(1 << fractionBits);
    } else {
      const centre = (i + 0.5) * scale;
      const low = Math.max(Math.trunc(centre - filter + 0.5), 0);
      const high = Math.min(Math.trunc(centre + filter + 0.5), box.length);
      const weights: number[] = [];
      let sum = 0;
      for (let j = low; j < high; j++) {
        const w = Math.max(0, 1 - Math.abs((j - centre + 0.5) * perFilter));
        weights.push(w);
        sum += w;
      }
      weights.forEach((w, j) => {
        if (w === 0) return;
        position.push(reflectInto(box, low + j));
        weight.push(Math.trunc((w / sum) * (1 << fractionBits) + 0.5));
      });
    }
    first[i + 1] = position.length;
  }
  return { outputs, first, position: Int32Array.from(position), weight: Int32Array.from(weight) };
}

/** Image position of the box's position j: the box is cut to the image, the rest mirrored about the first and last pixel left. */
function reflectInto(box: AxisBox, j: number): number {
  const low = Math.max(box.start, 0);
  const span = Math.min(box.start + box.length, box.size) - 1 - low;
  if (span === 0) return low;
  const distance = Math.abs(box.start + j - low) % (2 * span);
  return low + (distance <= span ? distance : 2 * span - distance);
}

/** Whether a plan leaves an axis of `size` pixels as it is: one tap for each pixel, in their order. */
function isIdentity({ outputs, position }: AxisPlan, size: number): boolean {
  return outputs === size && position.length === size && position.every((from, i) => from === i);
}

/**
 * Resizes rows `fromRow .. toRow - 1` of `data` (`width` pixels a row) along x. Returns (toRow - fromRow) * outputs * 3
 * bytes; they are a part of `data` where nothing changes.
 */
export function resizeHorizontally(
  data: Uint8Array,
  width: number,
  fromRow: number,
  toRow: number,
  plan: AxisPlan,
): Uint8Array {
  const outputBytes = plan.outputs * 3;
  if (isIdentity(plan, width)) return data.subarray(fromRow * outputBytes, toRow * outputBytes);
  const result = new Uint8Array((toRow - fromRow) * outputBytes);
  const band = Math.max(1, Math.floor(bandBytes / (width * 3)));
  for (let row = fromRow; row < toRow; row += band) {
    const rows = Math.min(band, toRow - row);
    const space = workspace();
    const source = space.place(data.subarray(row * width * 3, (row + rows) * width * 3));
    const taps = placePlan(space, plan, 3, 0);
    const target = space.room(rows * outputBytes);
    space.run.resizeRows(source, width * 3, rows, taps.first, plan.outputs, taps.offset, taps.weight, target);
    result.set(space.bytes(target, rows * outputBytes), (row - fromRow) * outputBytes);
  }
  return result;
}

/** Resizes rows of `rowBytes` bytes along y; row 0 of `data` is image row `firstRow`. Returns outputs * rowBytes bytes. */
export function resizeVertically(data: Uint8Array, rowBytes: number, firstRow: number, plan: AxisPlan): Uint8Array {
  const space = workspace();
  const source = space.place(data);
  const taps = placePlan(space, plan, rowBytes, firstRow);
  const length = plan.outputs * rowBytes;
  const target = space.room(length);
  space.run.resizeColumns(source, rowBytes, taps.first, plan.outputs, taps.offset, taps.weight, target);
  return space.bytes(target, length).slice();
}

/** A plan as the kernels take it: positions, counted from `origin`, as offsets of `step` bytes. */
function placePlan(space: Workspace, plan: AxisPlan, step: number, origin: number) {
  return {
    first: space.place(plan.first.map((tap) => tap * 4)),
    offset: space.place(plan.position.map((position) => (position - origin) * step)),
    weight: space.place(plan.weight),
  };
}
