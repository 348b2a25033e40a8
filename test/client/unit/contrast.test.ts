/** The colours of the design system can be read and told apart: computed from theme.css. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

type Colour = readonly [number, number, number];
type Matrix = readonly [Colour, Colour, Colour];
type Theme = 'light' | 'dark';

const css = readFileSync(new URL('../../../client/src/ui/theme.css', import.meta.url), 'utf8');
const tokens = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\(#(\w{6}), #(\w{6})\);/g)].map(([, name, light, dark]) => [
    name!,
    { light: linear(light!), dark: linear(dark!) },
  ]),
);

/** What dichromats see of linear light: Machado, Oliveira and Fernandes (2009), severity 1. */
const sights: Readonly<Record<string, Matrix>> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopic: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopic: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopic: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

const surfaces = ['paper', 'surface', 'sunken', 'accent-soft', 'bad-soft', 'warn-soft'];
const words = ['ink', 'muted', 'accent', 'bad', 'warn', 'good'];
const series = Array.from({ length: 8 }, (_, i) => `series-${i + 1}`);

describe.each<Theme>(['light', 'dark'])('in the %s theme', (theme) => {
  const colour = (name: string) => {
    const token = tokens.get(name);
    if (!token) throw new Error(`theme.css has no colour --${name}`);
    return token[theme];
  };

  /** Pairs below a contrast ratio, with theirs. */
  const tooClose = (fronts: readonly string[], grounds: readonly string[], least: number) =>
    fronts.flatMap((front) =>
      grounds.flatMap((ground) => {
        const ratio = contrast(colour(front), colour(ground));
        return ratio < least ? [`${front} on ${ground}: ${ratio.toFixed(2)}`] : [];
      }),
    );

  test('text has a contrast of 4.5 on every surface (WCAG 2.2, 1.4.3)', () => {
    expect(tooClose(words, surfaces, 4.5)).toEqual([]);
    expect(tooClose(['on-accent'], ['accent'], 4.5)).toEqual([]);
    expect(tooClose(['paper'], ['ink'], 4.5)).toEqual([]);
  });

  test('borders of controls, the focus ring, marks and series have a contrast of 3 (1.4.11)', () => {
    const marks = ['line-strong', 'accent', 'bad', 'warn', ...series];
    expect(tooClose(marks, ['paper', 'surface', 'sunken'], 3)).toEqual([]);
  });

  // 2 is a difference that is just seen side by side; lines lie apart and are thin.
  test.each(Object.keys(sights))('the series can be told apart with %s sight', (sight) => {
    const seen = series.map((name) => oklab(transform(sights[sight]!, colour(name))));
    const close = seen.flatMap((one, i) =>
      seen.slice(0, i).flatMap((other, j) => {
        const distance = 100 * Math.hypot(...one.map((value, axis) => value - other[axis]!));
        return distance < 10 ? [`${series[j]} and ${series[i]}: ${distance.toFixed(1)}`] : [];
      }),
    );
    expect(close).toEqual([]);
  });
});

test('black on white has the ratio of the standard, 21', () => {
  expect(contrast(linear('000000'), linear('ffffff'))).toBeCloseTo(21, 10);
  expect(contrast(linear('777777'), linear('ffffff'))).toBeCloseTo(4.48, 2);
});

/** Linear light of a colour in sRGB, six hexadecimal digits. */
function linear(hex: string): Colour {
  const part = (at: number) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [part(0), part(2), part(4)];
}

/** WCAG's ratio of two luminances, 1 to 21. */
function contrast(a: Colour, b: Colour): number {
  const luminance = ([red, green, blue]: Colour) => 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function transform([first, second, third]: Matrix, colour: Colour): Colour {
  const dot = (row: Colour) => row[0] * colour[0] + row[1] * colour[1] + row[2] * colour[2];
  return [dot(first), dot(second), dot(third)];
}

/** Björn Ottosson's OKLab: distances are about as large as they are seen. */
function oklab(colour: Colour): Colour {
  const root = (value: number) => Math.cbrt(Math.max(value, 0));
  const cones = transform(
    [
      [0.4122214708, 0.5363325363, 0.0514459929],
      [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    colour,
  );
  return transform(
    [
      [0.2104542553, 0.793617785, -0.0040720468],
      [1.9779984951, -2.428592205, 0.4505937099],
      [0.0259040371, 0.7827717662, -0.808675766],
    ],
    [root(cones[0]), root(cones[1]), root(cones[2])],
  );
}
