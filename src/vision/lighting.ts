/**
 * Brightness and contrast in logit space (training-semantics 4.5): y = sigmoid((logit(x) + logit(brightness)) * contrast).
 * Evaluated through a table with linear interpolation: two transcendental functions per value would cost more than the
 * whole geometry. The curve is steep only next to 0 and 1, so both ends have finer tables of their own and the last bit
 * before black and white is computed; the error stays below 2e-6 (tested), a tenth of the fixtures' tolerance.
 */

const lowest = 1e-7;
/** Largest float32 below 1 that the library's clamp leaves. */
const highest = 1 - 2 ** -23;

const middleSteps = 2048;
const endSteps = 512;
/** The end tables cover [0, 1/32] and [31/32, 1]. */
const end = 1 / 32;
/** Closer than this to 0 or 1 the curve is computed. */
const direct = 1 / 2048;

export interface ToneCurve {
  readonly offset: number;
  readonly contrast: number;
  readonly middle: Float32Array;
  readonly low: Float32Array;
  readonly high: Float32Array;
}

/** The curve of one item, or undefined when brightness and contrast are neutral. */
export function toneCurve(brightness: number, contrast: number): ToneCurve | undefined {
  if (brightness === 0.5 && contrast === 1) return undefined;
  const offset = logit(brightness);
  const sample = (from: number, to: number, steps: number) =>
    Float32Array.from({ length: steps + 1 }, (_, i) => exact(from + ((to - from) * i) / steps, offset, contrast));
  return {
    offset,
    contrast,
    middle: sample(0, 1, middleSteps),
    low: sample(0, end, endSteps),
    high: sample(1 - end, 1, endSteps),
  };
}

/** The curve at x in [0, 1]. */
export function tone(curve: ToneCurve, x: number): number {
  if (x < end) {
    return x < direct ? exact(x, curve.offset, curve.contrast) : interpolate(curve.low, x * (endSteps / end));
  }
  if (x > 1 - end) {
    if (x > 1 - direct) return exact(x, curve.offset, curve.contrast);
    return interpolate(curve.high, (x - (1 - end)) * (endSteps / end));
  }
  return interpolate(curve.middle, x * middleSteps);
}

function interpolate(table: Float32Array, position: number): number {
  const i = position | 0;
  const low = table[i]!;
  return low + (table[i + 1]! - low) * (position - i);
}

function exact(x: number, offset: number, contrast: number): number {
  return 1 / (1 + Math.exp(-(logit(x) + offset) * contrast));
}

function logit(x: number): number {
  const c = Math.min(Math.max(x, lowest), highest);
  return -Math.log(1 / c - 1);
}
