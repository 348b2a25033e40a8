/** How the demo writes numbers. */

import type { MetricValue } from './operations.ts';

const nonFiniteText = { NAN: 'NaN', POSITIVE_INFINITY: 'inf', NEGATIVE_INFINITY: '-inf' } as const;

export function formatMetric({ value, nonFinite }: MetricValue, digits = 3): string {
  return value === null ? nonFiniteText[nonFinite ?? 'NAN'] : value.toFixed(digits);
}

export function formatPercent(rate: number): string {
  return `${(100 * rate).toFixed(1)} %`;
}

export function formatMemory(bytes: number | null): string {
  return bytes === null ? '-' : `${Math.round(bytes / 2 ** 20)} MiB`;
}

export function formatSpeed(imagesPerSecond: number | null): string {
  return imagesPerSecond === null ? '-' : `${Math.round(imagesPerSecond)} img/s`;
}

export function formatSeconds(seconds: number | null): string {
  if (seconds === null) return '-';
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')} min`;
}

export function formatSize({ height, width }: { readonly height: number; readonly width: number }): string {
  return `${height}x${width}`;
}
