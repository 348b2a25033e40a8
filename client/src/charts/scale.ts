/** From values to pixels, and the round values between. */

export interface Scale {
  /** Pixels of a value. */
  readonly at: (value: number) => number;
  /** Round values within the range. */
  readonly ticks: readonly number[];
}

export interface ScaleOptions {
  /** Pixels of the least and of the greatest value. */
  readonly pixels: readonly [number, number];
  readonly logarithmic?: boolean;
  /** Round are powers of two and their multiples, as bytes are counted, instead of those of ten. */
  readonly binary?: boolean;
  /** How many ticks there is room for, about. */
  readonly ticks?: number;
  /** Values that must be in sight besides. */
  readonly including?: readonly number[];
}

/** The scale on which all of the values have room, with a margin of 4 % on each side. On a logarithmic one only positive values count. */
export function scaleOf(values: readonly number[], options: ScaleOptions): Scale {
  const { pixels, logarithmic = false, binary = false, ticks = 5, including = [] } = options;
  const [from, to] = padded(extent([...values, ...including], logarithmic), logarithmic);
  const place = logarithmic ? Math.log : Number;
  const [low, high] = [place(from), place(to)];
  return {
    at: (value) => pixels[0] + ((place(value) - low) / (high - low)) * (pixels[1] - pixels[0]),
    ticks: logarithmic ? logTicks(from, to, ticks, binary) : linearTicks(from, to, ticks, binary),
  };
}

/** Least and greatest of the values that can be shown; [0, 1] or, logarithmic, [1, 10] where there is none. */
export function extent(values: readonly number[], logarithmic = false): readonly [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (!Number.isFinite(value) || (logarithmic && value <= 0)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return logarithmic ? [1, 10] : [0, 1];
  return [low, high];
}

function padded([low, high]: readonly [number, number], logarithmic: boolean): readonly [number, number] {
  if (logarithmic) {
    const factor = low === high ? 2 : (high / low) ** 0.04;
    return [low / factor, high * factor];
  }
  const room = low === high ? Math.abs(low) / 2 || 1 : (high - low) * 0.04;
  return [low - room, high + room];
}

/** Multiples of 1, 2 or 5 times a power of ten (binary: of a power of two) from `from` to `to`, about `count` of them. */
export function linearTicks(from: number, to: number, count = 5, binary = false): number[] {
  const rough = (to - from) / count;
  if (!(rough > 0) || !Number.isFinite(rough)) return [from];
  const step = binary ? 2 ** Math.ceil(Math.log2(rough * 0.999)) : decimalStep(rough);
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  // Numbers such as 0.30000000000000004 come of multiples of what is no power of two.
  const exact = (tick: number) => (binary ? tick : Number(tick.toPrecision(12)));
  return Array.from({ length: last - first + 1 }, (_, index) => exact((first + index) * step));
}

function decimalStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5].find((factor) => factor * power >= rough * 0.999) ?? 10) * power;
}

/** Powers of ten (binary: of two) from `from` to `to`, thinned to about `count`; within less than two powers, round multiples too. */
export function logTicks(from: number, to: number, count = 5, binary = false): number[] {
  const powers = binary ? Math.log2(to / from) : Math.log10(to / from);
  if (powers < (binary ? 2 : 1)) return linearTicks(from, to, count, binary).filter((tick) => tick > 0);
  if (binary) return binaryPowers(from, to, Math.ceil(powers / count));
  const factors = powers < 2 ? [1, 2, 5] : [1];
  const stride = Math.max(1, Math.ceil(powers / count));
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(from)); power <= Math.ceil(Math.log10(to)); power++) {
    if (power % stride !== 0) continue;
    for (const factor of factors) {
      const tick = Number(`${factor}e${power}`);
      if (tick >= from && tick <= to) ticks.push(tick);
    }
  }
  return ticks;
}

/** The powers of two from `from` to `to` whose exponents are multiples of `stride`. */
function binaryPowers(from: number, to: number, stride: number): number[] {
  const first = Math.ceil(Math.log2(from) / stride);
  const last = Math.floor(Math.log2(to) / stride);
  return Array.from({ length: last - first + 1 }, (_, index) => 2 ** ((first + index) * stride));
}
