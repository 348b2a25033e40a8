/** Names of runs that nobody named: made of what tells them from others. */

import type { TrainingConfig } from './trainingConfig.ts';

type Named = Pick<TrainingConfig, 'architecture' | 'size' | 'itemTransform'>;

/** `convnext_tiny_in22k 128x128 squish 480x480` */
export function runName(config: Named): string {
  return `${config.architecture} ${preprocessingName(config)}`;
}

/** `128x128 squish 480x480`: what the network sees, and what images are loaded as. */
export function preprocessingName({ size, itemTransform: item }: Pick<Named, 'size' | 'itemTransform'>): string {
  const pixels = (s: { height: number; width: number }) => `${s.height}x${s.width}`;
  return `${pixels(size)} ${item.method.toLowerCase()} ${pixels(item.size)}`;
}

/** A sweep's own name: `2 architectures x 1 preprocessing x 3 values of seed`. */
export function sweepName(
  architectures: number,
  preprocessings: number,
  varied: readonly { readonly field: string; readonly count: number }[],
): string {
  const count = (n: number, noun: string) => `${n} ${noun}${n === 1 ? '' : 's'}`;
  const others = varied.map(({ field, count: n }) => `${n} values of ${field}`);
  return [count(architectures, 'architecture'), count(preprocessings, 'preprocessing'), ...others].join(' x ');
}

/**
 * One of the values that a sweep tries for a field: `lr 0.01`, `fine_tune`, `ttaPasses 8`. Of objects only what differs among the
 * values is told, of long texts (paths) the end.
 * @param label what the field is called; null where the value says it alone
 */
export function variedName(label: string | null, values: readonly unknown[], index: number): string {
  const value = values[index];
  if (typeof value === 'object' && value !== null) {
    const objects = values.map((v) => v as Readonly<Record<string, unknown>>);
    const keys = Object.keys(value).filter((key) => objects.some((other) => other[key] !== objects[index]![key]));
    return keys.map((key) => `${key} ${String(objects[index]![key])}`).join(' ');
  }
  const text = String(value);
  const shown = label === null ? text.toLowerCase() : text.length > 40 ? `…${text.slice(-40)}` : text;
  return label === null ? shown : `${label} ${shown}`;
}
