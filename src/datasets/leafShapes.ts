/**
 * Paths and colours of the leaf drawings, as SVG text.
 *
 * The blade has coordinates of its own: `along` runs from the base (-1) to the tip (1), `across` from one edge (-1) over
 * the midrib (0) to the other (1). The blade's frame (pixels, before the pose) has y along the axis, the tip at the top.
 */

import type { Random } from '../domain/random.ts';

export interface Blade {
  /** Pixels from the middle to either end. */
  readonly halfLength: number;
  /** Pixels from the midrib to the edge at the widest place. */
  readonly halfWidth: number;
  /** Sideways pixels by which both ends leave the straight axis. */
  readonly bend: number;
}

export interface Hsl {
  readonly hue: number;
  readonly saturation: number;
  readonly lightness: number;
}

/** A place on the blade in its frame, with the direction of the axis there in degrees from y. */
export function at(blade: Blade, along: number, across: number): { x: number; y: number; angle: number } {
  const profile = blade.halfWidth * Math.max(0, 1 - Math.abs(along) ** 2.6) ** 0.8;
  return {
    x: blade.bend * along * along + across * profile,
    y: -along * blade.halfLength,
    angle: (Math.atan2(2 * blade.bend * along, blade.halfLength) * 180) / Math.PI,
  };
}

export function polyline(blade: Blade, across: number, from: number, to: number, segments: number): string {
  const points = Array.from({ length: segments + 1 }, (_, i) => {
    const { x, y } = at(blade, from + ((to - from) * i) / segments, across);
    return `${px(x)} ${px(y)}`;
  });
  return `M${points.join('L')}`;
}

export function bladeOutline(blade: Blade): string {
  return `${polyline(blade, 1, -1, 1, 24)}${polyline(blade, -1, 1, -1, 24).replace('M', 'L')}Z`;
}

/** A closed, slightly uneven ellipse. */
export function blob(x: number, y: number, radiusX: number, radiusY: number, random: Random): string {
  const corners = Array.from({ length: 9 }, (_, i) => {
    const angle = (i / 9) * 2 * Math.PI;
    const uneven = between(random, 0.82, 1.18);
    return [x + radiusX * uneven * Math.cos(angle), y + radiusY * uneven * Math.sin(angle)] as const;
  });
  const middle = (i: number) => {
    const [a, b] = [corners[i % 9]!, corners[(i + 1) % 9]!];
    return `${px((a[0] + b[0]) / 2)} ${px((a[1] + b[1]) / 2)}`;
  };
  const curves = corners.map((_, i) => {
    const control = corners[(i + 1) % 9]!;
    return `Q${px(control[0])} ${px(control[1])} ${middle(i + 1)}`;
  });
  return `M${middle(0)}${curves.join('')}Z`;
}

export function css({ hue, saturation, lightness }: Hsl): string {
  return `hsl(${px(hue)} ${px(saturation)}% ${px(lightness)}%)`;
}

/** A number for SVG: one decimal is finer than a pixel can show. */
export function px(value: number): string {
  return value.toFixed(1);
}

export function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random.next();
}

export function repeat(count: number, draw: (index: number) => string): string {
  return Array.from({ length: count }, (_, i) => draw(i)).join('');
}
