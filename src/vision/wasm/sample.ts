/** Kernels that read rows of an image as RGBX: as they lie, or sampled through a homography. */

import { block, type Code, f32, f64, i32, kernel, loopWhile, select, v128, when } from './assembler.ts';

const rgbxBytes = 16;

interface PixelFormat {
  readonly bytes: number;
  /** The pixel at an address as RGBX. */
  load(address: Code): Code;
}

export const rgb: PixelFormat = {
  bytes: 3,
  load: (address) => v128.f32FromI32(v128.widenLow16(v128.widenLow8(v128.load32Zero(address)))),
};
export const rgbx: PixelFormat = { bytes: rgbxBytes, load: (address) => v128.load(address) };

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
