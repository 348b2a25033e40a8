/** Kernels of Pillow's resize: sums in 22-bit fixed point, rounded to bytes. */

import { block, type Code, i32, kernel, loopWhile, v128 } from './assembler.ts';
import { loadRgb } from './rgbBytes.ts';

const fractionBits = 22;
const half = 1 << (fractionBits - 1);

const roundToBytes = (low: Code, high: Code): Code => {
  const shifted = (sums: Code) => v128.shiftRightI32(sums, i32.const(fractionBits));
  const words = v128.narrow32(shifted(low), shifted(high));
  return v128.narrow16(words, words);
};

/**
 * Resizes `rows` rows along x. Output i of a row is the sum over taps t in first[i] .. first[i + 1] - 1 of
 * weight[t] * the pixel at byte offset[t] of the row. `first` counts bytes of the tap tables (4 a tap).
 */
export const resizeRows = kernel(
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
    const pixel = loadRgb(i32.add(source.get, i32.load(i32.add(offset.get, tap.get))));
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
export const resizeColumns = kernel(
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
