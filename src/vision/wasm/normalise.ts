/** Kernels of the last step: lighting and normalising, from sums on the scale 0..255, packed RGB floats. */

import { fitPolynomial } from '../linearSystem.ts';
import { block, type Code, f32, i32, kernel, type Local, loopWhile, v128 } from './assembler.ts';

const vectorBytes = 16;
/** Four pixels: the shortest run of whole pixels and whole vectors. */
const roundBytes = 3 * vectorBytes;

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

/** Runs `change` on four values at a time, then value * scale + shift, whose tables of 12 floats cover four pixels. */
const eachVector = (
  { source, count, scale, shift, target }: Readonly<Record<'source' | 'count' | 'scale' | 'shift' | 'target', Local>>,
  local: (type: 'i32' | 'v128') => Local,
  change: (value: Local) => Code,
): Code => {
  const end = local('i32');
  const value = local('v128');
  return block(
    end.set(i32.add(source.get, i32.shl(count.get, i32.const(2)))),
    loopWhile(
      i32.lessThan(source.get, end.get),
      ...[0, vectorBytes, 2 * vectorBytes].map((offset) =>
        block(
          value.set(v128.load(source.get, offset)),
          change(value),
          value.set(v128.addF32(v128.mulF32(value.get, v128.load(scale.get, offset)), v128.load(shift.get, offset))),
          v128.store(target.get, value.get, offset),
        ),
      ),
      source.set(i32.add(source.get, i32.const(roundBytes))),
      target.set(i32.add(target.get, i32.const(roundBytes))),
    ),
  );
};

const common = { source: 'i32', count: 'i32', scale: 'i32', shift: 'i32', target: 'i32' } as const;

/** target = source * scale + shift over `count` floats, rounded up to a multiple of 12. `scale` and `shift`: addresses of 12. */
export const normalise = kernel(common, (params, local) => eachVector(params, local, () => []));

/** The same after lighting (see ../lighting.ts). The polynomials are exact to 3e-7 (tested). */
export const normaliseLit = kernel({ ...common, contrast: 'f32', offset: 'f32' }, (params, local) => {
  const [exponent, contrast, offset] = [local('v128'), local('v128'), local('v128')];
  const one = splat(1);
  return block(
    contrast.set(v128.f32Splat(params.contrast.get)),
    offset.set(v128.f32Splat(params.offset.get)),
    eachVector(params, local, (value) =>
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
