/** Numbers as people read them. All functions give an em dash for what is not there. */

export const nothing = '–';

const integers = new Intl.NumberFormat('en');

export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? nothing : integers.format(value);
}

/** 0.0378 -> `3.78 %`. */
export function percent(share: number | null | undefined, digits = 2): string {
  return share === null || share === undefined ? nothing : `${(share * 100).toFixed(digits)} %`;
}

/** Bytes in binary units: `1.52 GiB`. */
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return nothing;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = value < 1 ? 0 : Math.min(Math.floor(Math.log2(value) / 10), units.length - 1);
  return `${power === 0 ? Math.round(value) : significant(value / 1024 ** power)} ${units[power]}`;
}

/** Seconds: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 14 min`, `3 d 4 h`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return nothing;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (value: number) => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

/** So many significant digits, without an exponent where it can be avoided: 0.0123, 4.56, 1230, 2.1e-7. */
export function significant(value: number, digits = 3): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  if (magnitude < -4) return value.toExponential(digits - 1);
  return value.toFixed(Math.min(Math.max(digits - 1 - magnitude, 0), 10));
}

/** A value that the API gives as `MetricValue`. */
export interface MetricNumber {
  readonly value?: number | null | undefined;
  readonly nonFinite?: 'NAN' | 'POSITIVE_INFINITY' | 'NEGATIVE_INFINITY' | null | undefined;
}

const words = { NAN: 'NaN', POSITIVE_INFINITY: '∞', NEGATIVE_INFINITY: '−∞' } as const;

/** By the metric's name: shares as percentages, everything else with four significant digits. */
export function metric(name: string, value: MetricNumber | null | undefined): string {
  if (!value) return nothing;
  if (value.nonFinite) return words[value.nonFinite];
  if (value.value === null || value.value === undefined) return nothing;
  return isShare(name) ? percent(value.value) : significant(value.value, 4);
}

/** Whether a metric is a share of images, 0 to 1. */
export function isShare(name: string): boolean {
  return /(^|\/)(error_rate|accuracy)$/.test(name);
}
