/** Kernels of the last step: lighting and normalising, from RGBX sums on the scale 0..255 to packed RGB floats. */

import { fitPolynomial } from '../linearSystem.ts';
import { block, type Code, f32, i32, kernel, type Local, loopWhile, v128 } from './assembler.ts';

const rgbxBytes = 16;
const rgbBytes = 12;

/** What float32 leaves of the library's clamp to 1e-7 .. 1 - 1e-7. */
const lowest = 1e-7;
const highest = 1 - 2 ** -23;

const splat = (value: number): Code => v128.f32Splat(f32.const(value));
const splatI32 = (value: number): Code => v128.i32Splat(i32.const(value));

/** Horner's rule; coefficients from the lowest power. */
const polynomial = (coefficients: readonly number[], x: Code): Code =>
  coefficients.reduceRight<Code>((sum, c) => (sum.length ? v128.addF32(v128.mulF32(sum, x), splat(c)) : splat(c)), []);

const log2Fit = fitPolynomial((x) => Math.log2(1 + x), Math.SQRT1_2 - 1, Math.SQRT2 - 1, 7);
const exp2Fit = fitPolynomial((x) => 2 ** x, -0.5, 0.5, 5);
const sqrtHalfBits = 0x3f3504f3;

/** log2 of positive floats: value = 2^exponent * m with m in [sqrt(1/2), sqrt(2)). */
const log2 = (value: Local, exponent: Local): Code =>
  block(
    exponent.set(v128.shiftRightI32(v128.subI32(value.get, splatI32(sqrtHalfBits)), i32.const(23))),
    value.set(v128.subI32(value.get, v128.shiftLeftI32(exponent.get, i32.const(23)))),
    value.set(v128.subF32(value.get, splat(1))),
    value.set(v128.addF32(polynomial(log2Fit, value.get), v128.f32FromI32(exponent.get))),
  );

/** 2 to the power of floats between -120 and 120. */
const exp2 = (value: Local, whole: Local): Code =>
  block(
    whole.set(v128.nearestF32(value.get)),
    value.set(v128.subF32(value.get, whole.get)),
    value.set(
      v128.addI32(polynomial(exp2Fit, value.get), v128.shiftLeftI32(v128.i32FromF32(whole.get), i32.const(23))),
    ),
  );

/** Runs `change` on each of `count` pixels, then value * scale + shift by channel. */
const eachPixel = (
  { source, count, scale, shift, target }: Readonly<Record<'source' | 'count' | 'scale' | 'shift' | 'target', Local>>,
  local: (type: 'i32' | 'v128') => Local,
  change: (value: Local) => Code,
): Code => {
  const end = local('i32');
  const [value, scales, shifts] = [local('v128'), local('v128'), local('v128')];
  return block(
    end.set(i32.add(source.get, i32.mul(count.get, i32.const(rgbxBytes)))),
    scales.set(v128.load(scale.get)),
    shifts.set(v128.load(shift.get)),
    loopWhile(
      i32.lessThan(source.get, end.get),
      value.set(v128.load(source.get)),
      change(value),
      // The fourth float is overwritten by the next pixel.
      v128.store(target.get, v128.addF32(v128.mulF32(value.get, scales.get), shifts.get)),
      source.set(i32.add(source.get, i32.const(rgbxBytes))),
      target.set(i32.add(target.get, i32.const(rgbBytes))),
    ),
  );
};

const common = { source: 'i32', count: 'i32', scale: 'i32', shift: 'i32', target: 'i32' } as const;

/** Packed RGB = source * scale + shift; `scale` and `shift` are addresses of four floats. */
export const normalise = kernel(common, (params, local) => eachPixel(params, local, () => []));

/** The same after lighting (see ../lighting.ts). The polynomials are exact to 3e-7 (tested). */
export const normaliseLit = kernel({ ...common, contrast: 'f32', offset: 'f32' }, (params, local) => {
  const [exponent, contrast, offset] = [local('v128'), local('v128'), local('v128')];
  const one = splat(1);
  return block(
    contrast.set(v128.f32Splat(params.contrast.get)),
    offset.set(v128.f32Splat(params.offset.get)),
    eachPixel(params, local, (value) =>
      block(
        value.set(v128.mulF32(value.get, splat(1 / 255))),
        value.set(v128.minF32(v128.maxF32(value.get, splat(lowest)), splat(highest))),
        value.set(v128.divF32(v128.subF32(one, value.get), value.get)),
        log2(value, exponent),
        value.set(v128.addF32(v128.mulF32(value.get, contrast.get), offset.get)),
        exp2(value, exponent),
        value.set(v128.divF32(one, v128.addF32(one, value.get))),
      ),
    ),
  );
});
