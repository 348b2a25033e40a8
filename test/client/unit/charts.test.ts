import { describe, expect, test } from 'vitest';
import { alignSeries } from '../../../client/src/charts/align.ts';
import { binned } from '../../../client/src/charts/bins.ts';
import { nearest } from '../../../client/src/charts/nearest.ts';
import { extent, linearTicks, logTicks, scaleOf } from '../../../client/src/charts/scale.ts';
import { smooth } from '../../../client/src/charts/smooth.ts';
import { sparkPath } from '../../../client/src/charts/sparkPath.ts';
import { createRandom } from '../../../src/domain/random.ts';

const random = createRandom(1, 'charts');
const drawn = (count: number) => Array.from({ length: count }, (_, x) => ({ x, y: random.next() }));

describe('series on one axis', () => {
  test('have a place for every abscissa: undefined where they have no point, null where it is not finite', () => {
    const a = [
      { x: 3, y: 1 },
      { x: 1, y: null },
    ];
    const b = [
      { x: 2, y: 5 },
      { x: 3, y: 6 },
    ];
    expect(alignSeries([a, b, []])).toEqual([
      [1, 2, 3],
      [null, undefined, 1],
      [undefined, 5, 6],
      [undefined, undefined, undefined],
    ]);
    expect(alignSeries([])).toEqual([[]]);
  });

  test('of a hundred thousand points each keep every one of them', () => {
    const series = [drawn(100_000), drawn(100_000).map(({ x, y }) => ({ x: x + 0.5, y }))];
    const [xs, ...rows] = alignSeries(series);
    expect(xs.length).toBe(200_000);
    const drawnRows = rows.map((row) => row.filter((y) => y !== undefined));
    expect(drawnRows).toEqual(series.map((points) => points.map(({ y }) => y)));
  });
});

describe('smoothing', () => {
  test('is the mean of all so far, weighed by their age', () => {
    const points = drawn(50);
    const weight = 0.8;
    smooth(points, weight).forEach(({ x, y }, last) => {
      const weights = points.slice(0, last + 1).map((_, i) => weight ** (last - i));
      const sum = weights.reduce((a, w, i) => a + w * points[i]!.y, 0);
      expect(x).toBe(last);
      expect(y).toBeCloseTo(sum / weights.reduce((a, w) => a + w, 0), 12);
    });
  });

  test('leaves a constant alone, and everything with weight 0', () => {
    const constant = drawn(20).map(({ x }) => ({ x, y: 0.3 }));
    for (const { y } of smooth(constant, 0.99)) expect(y).toBeCloseTo(0.3, 12);
    const points = drawn(5);
    expect(smooth(points, 0)).toBe(points);
  });

  test('passes over what is not finite, which stays in its place', () => {
    const points = drawn(10);
    const holed = points.flatMap((point) => [point, { x: point.x + 0.5, y: null }]);
    const smoothed = smooth(holed, 0.6);
    expect(smoothed.map(({ x }) => x)).toEqual(holed.map(({ x }) => x));
    expect(smoothed.filter(({ y }) => y === null).length).toBe(10);
    expect(smoothed.filter(({ y }) => y !== null)).toEqual(smooth(points, 0.6));
  });
});

describe('scales', () => {
  test('have room for every value, with a margin, turned round where pixels are', () => {
    const { at, ticks } = scaleOf([0, 100], { pixels: [200, 0] });
    expect(at(0)).toBeCloseTo(200 - (4 / 108) * 200, 9);
    expect(at(100)).toBeCloseTo((4 / 108) * 200, 9);
    expect(ticks).toEqual([0, 50, 100]);
  });

  test('of one value, of none and of what is not finite are scales all the same', () => {
    for (const values of [[7], [0], [], [Number.NaN, Number.POSITIVE_INFINITY]]) {
      for (const logarithmic of [false, true]) {
        const { at, ticks } = scaleOf(values, { pixels: [0, 100], logarithmic });
        expect(at(values[0] === 7 ? 7 : 5)).toEqual(expect.any(Number));
        expect(ticks.every(Number.isFinite)).toBe(true);
      }
    }
    expect(extent([Number.NaN, -1, 5], true)).toEqual([5, 5]);
  });

  test('ticks are round, in order and within', () => {
    for (let i = 0; i < 500; i++) {
      const from = (random.next() - 0.5) * 10 ** Math.round(8 * random.next() - 4);
      const to = from + random.next() * 10 ** Math.round(8 * random.next() - 4);
      const ticks = linearTicks(from, to);
      expect(ticks.length).toBeGreaterThanOrEqual(1);
      expect(ticks.length).toBeLessThanOrEqual(7);
      expect(ticks).toEqual([...new Set(ticks)].sort((a, b) => a - b));
    }
    expect(linearTicks(0.1, 0.5)).toEqual([0.1, 0.2, 0.3, 0.4, 0.5]);
    expect(logTicks(0.001, 1000)).toEqual([0.01, 1, 100]);
    expect(logTicks(1, 50)).toEqual([1, 2, 5, 10, 20, 50]);
    expect(logTicks(3, 5).every((tick) => tick >= 3 && tick <= 5)).toBe(true);
  });

  test('ticks of bytes are powers of two, or multiples of one where these would be too few', () => {
    const [MiB, GiB] = [2 ** 20, 2 ** 30];
    expect(logTicks(300 * MiB, 20 * GiB, 5, true)).toEqual([GiB, 4 * GiB, 16 * GiB]);
    expect(logTicks(MiB, 16 * MiB, 5, true)).toEqual([1, 2, 4, 8, 16].map((count) => count * MiB));
    expect(logTicks(1.1 * GiB, 2.1 * GiB, 5, true)).toEqual([1.25, 1.5, 1.75, 2].map((count) => count * GiB));
    expect(linearTicks(0, 2 ** 42, 4, true)).toEqual([0, 1, 2, 3, 4].map((count) => count * 2 ** 40));
    expect(scaleOf([MiB, GiB], { pixels: [0, 1], logarithmic: true, binary: true }).ticks).toEqual(
      [2, 16, 128, 1024].map((count) => count * MiB),
    );
  });
});

describe('bins', () => {
  test('count every finite value once, the greatest in the last', () => {
    const values = [0, 0.1, 0.5, 1, Number.NaN];
    expect(binned(values, 2).map(({ count }) => count)).toEqual([2, 2]);
    expect(binned([3, 3, 3], 4).reduce((sum, { count }) => sum + count, 0)).toBe(3);
    expect(binned([], 4)).toEqual([]);
    expect(binned([5], 2, [0, 1]).map(({ count }) => count)).toEqual([0, 0]);
    const many = drawn(1000).map(({ y }) => y);
    const bins = binned(many, 7);
    for (const { from, to, count } of bins.slice(0, -1)) {
      expect(count).toBe(many.filter((value) => value >= from && value < to).length);
    }
    expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(1000);
  });
});

test('the nearest place within reach is meant', () => {
  const places = [
    { x: 0, y: 0 },
    { x: 10, y: 0 },
  ];
  expect(nearest(places, 6, 0, 5)).toBe(1);
  expect(nearest(places, 4, 0, 5)).toBe(0);
  expect(nearest(places, 30, 0, 5)).toBe(-1);
  expect(nearest([], 0, 0, 5)).toBe(-1);
});

test('a sparkline spans its box, breaks where nothing is and ends at the last value', () => {
  expect(sparkPath([0, 1, null, 0.5], 30, 10)).toEqual({ path: 'M0.0 10.0L10.0 0.0M30.0 5.0', last: [30, 5] });
  expect(sparkPath([2, 2], 10, 10)).toEqual({ path: 'M0.0 5.0L10.0 5.0', last: [10, 5] });
  expect(sparkPath([], 10, 10)).toEqual({ path: '', last: null });
  expect(sparkPath([null, Number.NaN], 10, 10).path).toBe('');
});
