/** Kernels that read rows of an image as RGBX: as they lie, or sampled through a homography. */

import { block, type Code, f64, i32, kernel, type Local, loopWhile, v128, when } from './assembler.ts';
import { loadRgb } from './rgbBytes.ts';

const rgbxBytes = 16;

interface PixelFormat {
  readonly bytes: number;
  /** The pixel at an address as RGBX. */
  load(address: Code): Code;
}

export const rgbBytes: PixelFormat = { bytes: 3, load: (address) => v128.f32FromI32(loadRgb(address)) };
export const rgbFloats: PixelFormat = { bytes: 12, load: (address) => v128.load(address) };

const zeros = v128.f64Splat(f64.const(0));

/**
 * Samples `count` pixels of one output row bilinearly, with reflection about the centres of the edge pixels: position
 * ((m0 x + rowX) / d, (m3 x + rowY) / d), d = m6 x + rowD, for x = left, left + 1 … `lastX` and `lastY` are the source's
 * last pixel.
 */
export const sampleRow = (format: PixelFormat) =>
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
      const [end, stride, at, right, down] = [local('i32'), local('i32'), local('i32'), local('i32'), local('i32')];
      const x = local('f64');
      // Two doubles each, along x and along y.
      const [step, row, last] = [local('v128'), local('v128'), local('v128')];
      const [p, inside, whole] = [local('v128'), local('v128'), local('v128')];
      const [share, fx, top, bottom] = [local('v128'), local('v128'), local('v128'), local('v128')];
      const pixel = i32.const(format.bytes);
      const pair = (a: Code, b: Code) => v128.replaceF64(v128.f64Splat(a), 1, b);
      const period = v128.addF64(last.get, last.get);
      const splatShare = (lane: number) => v128.f32Splat(v128.laneF32(share.get, lane));
      /** result = a + (b - a) * f. */
      const mix = (result: Local, a: Code, b: Code, f: Code) =>
        block(result.set(a), result.set(v128.addF32(result.get, v128.mulF32(v128.subF32(b, result.get), f))));
      const mixPair = (result: Local) =>
        mix(result, format.load(at.get), format.load(i32.add(at.get, right.get)), fx.get);
      return block(
        end.set(i32.add(target.get, i32.mul(count.get, i32.const(rgbxBytes)))),
        stride.set(i32.mul(i32.add(i32.fromF64(lastX.get), i32.const(1)), pixel)),
        step.set(pair(m0.get, m3.get)),
        row.set(pair(rowX.get, rowY.get)),
        last.set(pair(lastX.get, lastY.get)),
        x.set(left.get),
        loopWhile(
          i32.lessThan(target.get, end.get),
          p.set(
            v128.mulF64(
              v128.addF64(v128.mulF64(step.get, v128.f64Splat(x.get)), row.get),
              v128.f64Splat(f64.div(f64.const(1), f64.add(f64.mul(m6.get, x.get), rowD.get))),
            ),
          ),
          right.set(pixel),
          down.set(stride.get),
          inside.set(v128.and(v128.atLeastF64(p.get, zeros), v128.lessThanF64(p.get, last.get))),
          when(
            i32.isZero(v128.allTrueI64(inside.get)),
            p.set(v128.absF64(p.get)),
            p.set(v128.subF64(p.get, v128.mulF64(period, v128.floorF64(v128.divF64(p.get, period))))),
            p.set(v128.minF64(p.get, v128.subF64(period, p.get))),
            // On an axis of one pixel that was a division by 0: its only position is 0.
            p.set(v128.and(p.get, v128.notEqualF64(last.get, zeros))),
            inside.set(v128.lessThanF64(p.get, last.get)),
            right.set(i32.and(right.get, v128.laneI32(inside.get, 0))),
            down.set(i32.and(down.get, v128.laneI32(inside.get, 2))),
          ),
          whole.set(v128.i32FromF64(p.get)),
          share.set(v128.f32FromF64(v128.subF64(p.get, v128.f64FromI32(whole.get)))),
          at.set(
            i32.add(
              source.get,
              i32.add(i32.mul(v128.laneI32(whole.get, 1), stride.get), i32.mul(v128.laneI32(whole.get, 0), pixel)),
            ),
          ),
          fx.set(splatShare(0)),
          mixPair(top),
          at.set(i32.add(at.get, down.get)),
          mixPair(bottom),
          mix(top, top.get, bottom.get, splatShare(1)),
          v128.store(target.get, top.get),
          target.set(i32.add(target.get, i32.const(rgbxBytes))),
          x.set(f64.add(x.get, f64.const(1))),
        ),
      );
    },
  );

/** Converts `count` pixels to RGBX. */
export const copyRow = (format: PixelFormat) =>
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
