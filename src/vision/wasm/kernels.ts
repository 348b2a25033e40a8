/**
 * The pipeline's inner loops with SIMD, one pixel's channels (or 8 neighbouring bytes) at a time. Plain JavaScript needs
 * 3 to 4 times as long. Pixels are RGB bytes, or four floats of which the last is not used ("RGBX"). Kernels may read and
 * write up to 15 bytes past the end of a buffer: callers leave that room.
 */

import { assemble, block, type Code, f32, f64, i32, kernel, loopWhile, select, v128, when } from './assembler.ts';
import { normalise, normaliseLit } from './normalise.ts';

/** Two taps and more are summed in 22-bit fixed point, as Pillow does. */
const fractionBits = 22;
const half = 1 << (fractionBits - 1);

const rgbxBytes = 16;

const roundToBytes = (low: Code, high: Code): Code => {
  const shifted = (sums: Code) => v128.shiftRightI32(sums, i32.const(fractionBits));
  const words = v128.narrow32(shifted(low), shifted(high));
  return v128.narrow16(words, words);
};

/**
 * Resizes `rows` rows along x. Output i of a row is the sum over taps t in first[i] .. first[i + 1] - 1 of
 * weight[t] * the pixel at byte offset[t] of the row. `first` counts bytes of the tap tables (4 a tap).
 */
const resizeRows = kernel(
  {
    source: 'i32',
    stride: 'i32',
    rows: 'i32',
    first: 'i32',
    outputs: 'i32',
    offset: 'i32',
    weight: 'i32',
    target: 'i32',
  },
  ({ source, stride, rows, first, outputs, offset, weight, target }, local) => {
    const [row, i, tap, end] = [local('i32'), local('i32'), local('i32'), local('i32')];
    const sum = local('v128');
    const pixel = v128.widenLow16(
      v128.widenLow8(v128.load32Zero(i32.add(source.get, i32.load(i32.add(offset.get, tap.get))))),
    );
    return block(
      row.set(i32.const(0)),
      loopWhile(
        i32.lessThan(row.get, rows.get),
        i.set(i32.const(0)),
        tap.set(i32.const(0)),
        loopWhile(
          i32.lessThan(i.get, outputs.get),
          sum.set(v128.i32Splat(i32.const(half))),
          end.set(i32.load(i32.add(first.get, i32.shl(i.get, i32.const(2))), 4)),
          loopWhile(
            i32.lessThan(tap.get, end.get),
            sum.set(v128.addI32(sum.get, v128.mulI32(pixel, v128.load32Splat(i32.add(weight.get, tap.get))))),
            tap.set(i32.add(tap.get, i32.const(4))),
          ),
          v128.store32(target.get, roundToBytes(sum.get, sum.get)),
          target.set(i32.add(target.get, i32.const(3))),
          i.set(i32.add(i.get, i32.const(1))),
        ),
        source.set(i32.add(source.get, stride.get)),
        row.set(i32.add(row.get, i32.const(1))),
      ),
    );
  },
);

/** Resizes along y: output row i is the sum of weight[t] * the row at byte offset[t], over its taps as above. */
const resizeColumns = kernel(
  {
    source: 'i32',
    rowBytes: 'i32',
    first: 'i32',
    outputs: 'i32',
    offset: 'i32',
    weight: 'i32',
    target: 'i32',
  },
  ({ source, rowBytes, first, outputs, offset, weight, target }, local) => {
    const [i, x, tap, end, start] = [local('i32'), local('i32'), local('i32'), local('i32'), local('i32')];
    const [low, high, bytes, k] = [local('v128'), local('v128'), local('v128'), local('v128')];
    return block(
      i.set(i32.const(0)),
      loopWhile(
        i32.lessThan(i.get, outputs.get),
        start.set(i32.load(i32.add(first.get, i32.shl(i.get, i32.const(2))))),
        end.set(i32.load(i32.add(first.get, i32.shl(i.get, i32.const(2))), 4)),
        x.set(i32.const(0)),
        loopWhile(
          i32.lessThan(x.get, rowBytes.get),
          low.set(v128.i32Splat(i32.const(half))),
          high.set(low.get),
          tap.set(start.get),
          loopWhile(
            i32.lessThan(tap.get, end.get),
            bytes.set(v128.load8x8(i32.add(i32.add(source.get, x.get), i32.load(i32.add(offset.get, tap.get))))),
            k.set(v128.load32Splat(i32.add(weight.get, tap.get))),
            low.set(v128.addI32(low.get, v128.mulI32(v128.widenLow16(bytes.get), k.get))),
            high.set(v128.addI32(high.get, v128.mulI32(v128.widenHigh16(bytes.get), k.get))),
            tap.set(i32.add(tap.get, i32.const(4))),
          ),
          v128.store64(i32.add(target.get, x.get), roundToBytes(low.get, high.get)),
          x.set(i32.add(x.get, i32.const(8))),
        ),
        // The last 8 bytes may reach into the next row, which is written after this one.
        target.set(i32.add(target.get, rowBytes.get)),
        i.set(i32.add(i.get, i32.const(1))),
      ),
    );
  },
);

interface PixelFormat {
  readonly bytes: number;
  /** The pixel at an address as RGBX. */
  load(address: Code): Code;
}

const rgb: PixelFormat = {
  bytes: 3,
  load: (address) => v128.f32FromI32(v128.widenLow16(v128.widenLow8(v128.load32Zero(address)))),
};
const rgbx: PixelFormat = { bytes: rgbxBytes, load: (address) => v128.load(address) };

/**
 * Samples `count` pixels of one output row bilinearly, with reflection about the centres of the edge pixels: position
 * ((m0 x + rowX) / d, (m3 x + rowY) / d), d = m6 x + rowD, for x = left, left + 1 … `lastX` and `lastY` are the source's
 * last pixel.
 */
const sampleRow = (format: PixelFormat) =>
  kernel(
    {
      source: 'i32',
      lastX: 'f64',
      lastY: 'f64',
      m0: 'f64',
      m3: 'f64',
      m6: 'f64',
      rowX: 'f64',
      rowY: 'f64',
      rowD: 'f64',
      left: 'f64',
      count: 'i32',
      target: 'i32',
    },
    ({ source, lastX, lastY, m0, m3, m6, rowX, rowY, rowD, left, count, target }, local) => {
      const [end, stride, at] = [local('i32'), local('i32'), local('i32')];
      const [right, down, x0, y0] = [local('i32'), local('i32'), local('i32'), local('i32')];
      const [x, scale, px, py] = [local('f64'), local('f64'), local('f64'), local('f64')];
      const [fx, top, bottom] = [local('v128'), local('v128'), local('v128')];
      const pixel = i32.const(format.bytes);
      const inside = (p: Code, last: Code) => i32.and(f64.atLeast(p, f64.const(0)), f64.lessThan(p, last));
      const reflected = (p: Code, last: Code) => {
        const period = f64.add(last, last);
        const distance = f64.abs(p);
        const rest = f64.sub(distance, f64.mul(period, f64.floor(f64.div(distance, period))));
        return select(f64.const(0), f64.min(rest, f64.sub(period, rest)), f64.equal(last, f64.const(0)));
      };
      const share = (p: Code, whole: Code) => v128.f32Splat(f32.fromF64(f64.sub(p, f64.fromI32(whole))));
      const mix = (a: Code, b: Code, f: Code) => v128.addF32(a, v128.mulF32(v128.subF32(b, a), f));
      const rowAt = (address: Code) => mix(format.load(address), format.load(i32.add(address, right.get)), fx.get);
      return block(
        end.set(i32.add(target.get, i32.mul(count.get, i32.const(rgbxBytes)))),
        stride.set(i32.mul(i32.add(i32.fromF64(lastX.get), i32.const(1)), pixel)),
        x.set(left.get),
        loopWhile(
          i32.lessThan(target.get, end.get),
          scale.set(f64.div(f64.const(1), f64.add(f64.mul(m6.get, x.get), rowD.get))),
          px.set(f64.mul(f64.add(f64.mul(m0.get, x.get), rowX.get), scale.get)),
          py.set(f64.mul(f64.add(f64.mul(m3.get, x.get), rowY.get), scale.get)),
          right.set(pixel),
          down.set(stride.get),
          when(
            i32.lessThan(i32.and(inside(px.get, lastX.get), inside(py.get, lastY.get)), i32.const(1)),
            px.set(reflected(px.get, lastX.get)),
            py.set(reflected(py.get, lastY.get)),
            right.set(select(pixel, i32.const(0), f64.lessThan(px.get, lastX.get))),
            down.set(select(stride.get, i32.const(0), f64.lessThan(py.get, lastY.get))),
          ),
          x0.set(i32.fromF64(px.get)),
          y0.set(i32.fromF64(py.get)),
          at.set(i32.add(source.get, i32.add(i32.mul(y0.get, stride.get), i32.mul(x0.get, pixel)))),
          fx.set(share(px.get, x0.get)),
          top.set(rowAt(at.get)),
          bottom.set(rowAt(i32.add(at.get, down.get))),
          v128.store(target.get, mix(top.get, bottom.get, share(py.get, y0.get))),
          target.set(i32.add(target.get, i32.const(rgbxBytes))),
          x.set(f64.add(x.get, f64.const(1))),
        ),
      );
    },
  );

/** Converts `count` pixels to RGBX. */
const copyRow = (format: PixelFormat) =>
  kernel({ source: 'i32', count: 'i32', target: 'i32' }, ({ source, count, target }, local) => {
    const end = local('i32');
    return block(
      end.set(i32.add(target.get, i32.mul(count.get, i32.const(rgbxBytes)))),
      loopWhile(
        i32.lessThan(target.get, end.get),
        v128.store(target.get, format.load(source.get)),
        source.set(i32.add(source.get, i32.const(format.bytes))),
        target.set(i32.add(target.get, i32.const(rgbxBytes))),
      ),
    );
  });

/** Applies a linear axis to a row of RGBX pixels: start[i] is a byte offset into the row, taps as in the resize. */
const reduceRow = kernel(
  { row: 'i32', start: 'i32', first: 'i32', outputs: 'i32', weight: 'i32', target: 'i32' },
  ({ row, start, first, outputs, weight, target }, local) => {
    const [end, tap, lastTap, at] = [local('i32'), local('i32'), local('i32'), local('i32')];
    const sum = local('v128');
    return block(
      end.set(i32.add(start.get, i32.shl(outputs.get, i32.const(2)))),
      tap.set(i32.const(0)),
      loopWhile(
        i32.lessThan(start.get, end.get),
        at.set(i32.add(row.get, i32.load(start.get))),
        lastTap.set(i32.load(first.get, 4)),
        sum.set(v128.f32FromI32(v128.i32Splat(i32.const(0)))),
        loopWhile(
          i32.lessThan(tap.get, lastTap.get),
          sum.set(v128.addF32(sum.get, v128.mulF32(v128.load(at.get), v128.load32Splat(i32.add(weight.get, tap.get))))),
          at.set(i32.add(at.get, i32.const(rgbxBytes))),
          tap.set(i32.add(tap.get, i32.const(4))),
        ),
        v128.store(target.get, sum.get),
        target.set(i32.add(target.get, i32.const(rgbxBytes))),
        start.set(i32.add(start.get, i32.const(4))),
        first.set(i32.add(first.get, i32.const(4))),
      ),
    );
  },
);

/** target += weight * row, over `count` RGBX pixels. */
const addRow = kernel(
  { row: 'i32', count: 'i32', weight: 'f32', target: 'i32' },
  ({ row, count, weight, target }, local) => {
    const end = local('i32');
    const factor = local('v128');
    return block(
      end.set(i32.add(target.get, i32.mul(count.get, i32.const(rgbxBytes)))),
      factor.set(v128.f32Splat(weight.get)),
      loopWhile(
        i32.lessThan(target.get, end.get),
        v128.store(target.get, v128.addF32(v128.load(target.get), v128.mulF32(v128.load(row.get), factor.get))),
        row.set(i32.add(row.get, i32.const(rgbxBytes))),
        target.set(i32.add(target.get, i32.const(rgbxBytes))),
      ),
    );
  },
);

const kernels = {
  resizeRows,
  resizeColumns,
  sampleBytes: sampleRow(rgb),
  sampleFloats: sampleRow(rgbx),
  copyBytes: copyRow(rgb),
  copyFloats: copyRow(rgbx),
  reduceRow,
  addRow,
  normalise,
  normaliseLit,
};

type KernelName = keyof typeof kernels;

export interface KernelMemory {
  /** Replaced by a larger one when the memory grows. */
  readonly buffer: ArrayBuffer;
  /** Adds pages of 65536 bytes. */
  grow(pages: number): number;
}

/** The kernels on a memory of their own. */
export interface KernelInstance {
  readonly memory: KernelMemory;
  readonly run: Readonly<Record<KernelName, (...args: number[]) => void>>;
}

/** The part of the WebAssembly interface used here: its types come with browser libraries only. */
interface WebAssemblyApi {
  readonly Memory: new (limits: { initial: number }) => KernelMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

export function instantiateKernels(): KernelInstance {
  const { Memory, Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
  const memory = new Memory({ initial: 1 });
  const { exports } = new Instance(new Module(assemble(kernels)), { env: { memory } });
  return { memory, run: exports as KernelInstance['run'] };
}
