import { describe, expect, test } from 'vitest';
import {
  bestOf,
  bestPlaces,
  type ComparedMetric,
  type ComparedRun,
  distinctNames,
  filterOf,
  inOrder,
  metricsFor,
  objectivesFirst,
  parseRunIds,
} from '../../../client/src/pages/compare/compareRuns.ts';
import { curvesOf, type RunCurves, stepsIn } from '../../../client/src/pages/compare/curves.ts';
import { parseFilter } from '../../../src/domain/filter.ts';

describe('the runs of a link', () => {
  test('each once', () => {
    expect(parseRunIds('run_a, run_b,,run_a')).toEqual(['run_a', 'run_b']);
    expect(parseRunIds(null)).toEqual([]);
  });

  test('the filter finds them, whatever stands in the link', () => {
    const ids = ['run_a', '") or name = "x', 'back\\slash', 'and'];
    expect(parseFilter(filterOf(ids))).toEqual({ kind: 'oneOf', field: 'id', values: ids });
  });

  test('in the order of the link, without those that are gone', () => {
    expect(inOrder(['b', 'x', 'a'], [{ id: 'a' }, { id: 'b' }])).toEqual([{ id: 'b' }, { id: 'a' }]);
  });

  test('equal names are told apart', () => {
    const names = ['vit', 'vit', 'vit (2)', 'vit'].map((name) => ({ name }));
    expect(distinctNames(names)).toEqual(['vit', 'vit (2)', 'vit (2) (2)', 'vit (3)']);
  });
});

describe('metrics side by side', () => {
  const metric = (name: string, best: number | null, ...values: (number | 'NAN' | null)[]): ComparedMetric => ({
    name,
    best,
    values: values.map((value) => {
      if (value === null) return null;
      return value === 'NAN' ? { value: null, nonFinite: 'NAN' } : { value, nonFinite: null };
    }),
  });

  test('of equal best values each is marked; none where there is nothing to choose', () => {
    expect(bestPlaces(metric('valid/loss', 1, 3, 2, null, 2, 'NAN'))).toEqual([1, 3]);
    expect(bestPlaces(metric('valid/loss', null, 2, 2))).toEqual([]);
  });

  test('a comparison of other runs tells what it knows', () => {
    const [loss, rate] = [metric('valid/loss', 1, 3, 2), metric('valid/error_rate', 0, 0.1, 0.2)];
    const comparison = { runs: [{ id: 'a' }, { id: 'b' }], metrics: [loss, rate] };
    expect(metricsFor(['a', 'b'], comparison)).toEqual([loss, rate]);
    expect(metricsFor(['new', 'b'], comparison)).toEqual([
      metric('valid/loss', 1, null, 2),
      metric('valid/error_rate', null, null, 0.2),
    ]);
  });

  test('the metrics of objectives come first', () => {
    const experiment = { id: 'exp', name: 'exp', objective: { metric: 'valid/f1', direction: 'DESC' } } as const;
    const figures = { trainSeconds: null, peakMemory: null, imagesPerSecond: null, config: {}, architecture: 'vit' };
    const run: ComparedRun = { id: 'a', name: 'a', status: 'SUCCEEDED', ...figures, experiment };
    const metrics = ['train/loss', 'valid/accuracy', 'valid/f1', 'valid/loss'].map((name) => metric(name, null));
    expect(objectivesFirst(metrics, [run]).map(({ name }) => name)).toEqual([
      'valid/f1',
      'train/loss',
      'valid/accuracy',
      'valid/loss',
    ]);
  });

  test('the best of figures', () => {
    expect(bestOf([2, 1, 1, null], 'ASC')).toEqual([1, 2]);
    expect(bestOf([2, 1, 3, null], 'DESC')).toEqual([2]);
    expect(bestOf([2, 2, null], 'ASC')).toEqual([]);
  });
});

describe('curves', () => {
  const curves: RunCurves = {
    id: 'a',
    status: 'SUCCEEDED',
    curves: [
      {
        name: 'train/loss',
        points: [
          { step: 5, value: { value: 2, nonFinite: null } },
          { step: 10, value: { value: null, nonFinite: 'NAN' } },
        ],
      },
    ],
    epochs: [{ total: 4, points: [{ step: 10 }, { step: 40 }] }],
  };
  const none: RunCurves = { ...curves, id: 'b', curves: [], epochs: [] };

  test('over steps, or over epochs as the validations count them; NaN stays', () => {
    expect(curvesOf('train/loss', [undefined, curves, none], { axis: 'step', smoothing: 0 })).toEqual([
      {
        place: 1,
        points: [
          { x: 5, y: 2 },
          { x: 10, y: null },
        ],
      },
    ]);
    const [line] = curvesOf('train/loss', [curves], { axis: 'epoch', smoothing: 0 });
    expect(line?.points.map(({ x }) => x)).toEqual([0.5, 1]);
    expect(curvesOf('train/loss', [{ ...curves, epochs: [] }], { axis: 'epoch', smoothing: 0 })).toEqual([]);
  });

  test('a stretch of the axis in steps of the run, with one more at each edge', () => {
    expect(stepsIn(curves, 'epoch', [1, 2.5])).toEqual([9, 26]);
    expect(stepsIn(curves, 'step', [0, 12.3])).toEqual([0, 14]);
    expect(stepsIn(none, 'epoch', [1, 2])).toBe(null);
    expect(stepsIn(undefined, 'epoch', [1, 2])).toBe(null);
  });
});
