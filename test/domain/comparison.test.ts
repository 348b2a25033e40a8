import { describe, expect, test } from 'vitest';
import { compareMetrics, configDifferences } from '../../src/domain/comparison.ts';

describe('config differences', () => {
  test('name the fields that are not the same in all, by path, lists whole', () => {
    const base = { architecture: 'vit', epochs: 12, size: { height: 64, width: 64 }, labels: ['a', 'b'], seed: 1 };
    const configs = [
      { ...base, predict: { test: true } },
      { ...base, size: { height: 64, width: 128 }, labels: ['a'], predict: null },
      { ...base, architecture: 'convnext', labels: ['a', 'b'], extra: {} },
    ];
    expect(configDifferences(configs)).toEqual([
      { path: 'architecture', values: ['vit', 'vit', 'convnext'] },
      { path: 'extra', values: [null, null, '{}'] },
      { path: 'labels', values: ['["a","b"]', '["a"]', '["a","b"]'] },
      { path: 'predict', values: [null, 'null', null] },
      { path: 'predict.test', values: ['true', null, null] },
      { path: 'size.width', values: ['64', '128', '64'] },
    ]);
  });

  test('are none of one config, and of configs that differ in the order of their keys alone', () => {
    expect(configDifferences([{ a: 1 }])).toEqual([]);
    expect(
      configDifferences([
        { a: 1, b: { c: 2, d: 3 } },
        { b: { d: 3, c: 2 }, a: 1 },
      ]),
    ).toEqual([]);
    expect(configDifferences([])).toEqual([]);
  });
});

describe('metrics of runs', () => {
  const metric = (name: string, min: number | null, max: number | null, last: number) => ({ name, min, max, last });

  test('have the best of each run by the way they improve, and the best of all', () => {
    const runs = [
      [metric('valid/loss', 0.4, 2, 0.5), metric('valid/accuracy', 0.1, 0.8, 0.7), metric('lr', 0, 1e-2, 0)],
      [metric('valid/loss', 0.3, 1, Number.NaN), metric('valid/accuracy', 0.2, 0.9, 0.2), metric('lr', 0.1, 1, 0.5)],
      [metric('valid/loss', null, null, Number.NaN)],
      [],
    ];
    expect(compareMetrics(runs, null)).toEqual([
      { name: 'lr', values: [0, 0.1, null, null], last: [0, 0.5, null, null], best: null },
      { name: 'valid/accuracy', values: [0.8, 0.9, null, null], last: [0.7, 0.2, null, null], best: 1 },
      { name: 'valid/loss', values: [0.4, 0.3, Number.NaN, null], last: [0.5, Number.NaN, Number.NaN, null], best: 1 },
    ]);
  });

  test('follow the objective, and have no best among equals', () => {
    const runs = [[metric('odd', -1, 3, 2)], [metric('odd', -2, 5, 1)]];
    expect(compareMetrics(runs, { metric: 'odd', direction: 'DESC' })).toMatchObject([{ values: [3, 5], best: 1 }]);
    const equal = [[metric('valid/loss', 0, 3, 2)], [metric('valid/loss', 0, 5, 1)]];
    expect(compareMetrics(equal, null)).toMatchObject([{ values: [0, 0], best: null }]);
    expect(compareMetrics(runs.slice(0, 1), null)).toMatchObject([{ values: [-1], best: null }]);
    const tied = [...equal, [metric('valid/loss', 1, 5, 1)]];
    expect(compareMetrics(tied, null)).toMatchObject([{ best: 0 }]);
  });
});
