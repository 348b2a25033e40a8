/** Kernels of the separable linear maps: one row along x, then added to the rows it contributes to. */

import { block, i32, kernel, loopWhile, v128 } from './assembler.ts';

const rgbxBytes = 16;
const rgbBytes = 12;
const vectorBytes = 16;
const zeros = v128.f32FromI32(v128.i32Splat(i32.const(0)));

/**
 * Applies a linear axis to a row of RGBX pixels: start[i] is a byte offset into the row, taps as in the resize. Writes
 * packed RGB floats and four zeros after them, so that `addRow` may add a few values more.
 */
export const reduceRow = kernel(
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
        sum.set(zeros),
        loopWhile(
          i32.lessThan(tap.get, lastTap.get),
          sum.set(v128.addF32(sum.get, v128.mulF32(v128.load(at.get), v128.load32Splat(i32.add(weight.get, tap.get))))),
          at.set(i32.add(at.get, i32.const(rgbxBytes))),
          tap.set(i32.add(tap.get, i32.const(4))),
        ),
        // The fourth float is overwritten by the next pixel.
        v128.store(target.get, sum.get),
        target.set(i32.add(target.get, i32.const(rgbBytes))),
        start.set(i32.add(start.get, i32.const(4))),
        first.set(i32.add(first.get, i32.const(4))),
      ),
      v128.store(target.get, zeros),
    );
  },
);

/** target += weight * row, over `count` floats rounded up to a multiple of four. */
export const addRow = kernel(
  { row: 'i32', count: 'i32', weight: 'f32', target: 'i32' },
  ({ row, count, weight, target }, local) => {
    const end = local('i32');
    const factor = local('v128');
    return block(
      end.set(i32.add(target.get, i32.shl(count.get, i32.const(2)))),
      factor.set(v128.f32Splat(weight.get)),
      loopWhile(
        i32.lessThan(target.get, end.get),
        v128.store(target.get, v128.addF32(v128.load(target.get), v128.mulF32(v128.load(row.get), factor.get))),
        row.set(i32.add(row.get, i32.const(vectorBytes))),
        target.set(i32.add(target.get, i32.const(vectorBytes))),
      ),
    );
  },
);
