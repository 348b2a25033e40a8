import { describe, expect, test } from 'vitest';
import {
  bestOf,
  type ComparedRun,
  distinctNames,
  filterOf,
  inOrder,
  metricRows,
  mostRuns,
  parseRunIds,
} from '../../../client/src/pages/compare/compareRuns.ts';
import { curvesOf, type RunCurves, stepsIn } from '../../../client/src/pages/compare/curves.ts';
import { parseFilter } from '../../../src/domain/filter.ts';

describe('the runs of a link', () => {
  test('each once, no more than can be compared', () => {
    expect(parseRunIds('run_a, run_b,,run_a')).toEqual(['run_a', 'run_b']);
    expect(parseRunIds(null)).toEqual([]);
    expect(parseRunIds(Array.from({ length: 50 }, (_, index) => `run_${index}`).join())).toHaveLength(mostRuns);
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

const run = (
  id: string,
  metrics: readonly (readonly [name: string, min: number | null, max: number | null, last: number | null])[],
): ComparedRun => ({
  id,
  name: id,
  status: 'SUCCEEDED',
  architecture: 'vit',
  trainSeconds: null,
  peakMemory: null,
  imagesPerSecond: null,
  config: {},
  experiment: { id: 'exp', name: 'exp', objective: { metric: 'valid/score_like', direction: 'DESC' } },
  metrics: metrics.map(([name, min, max, last]) => ({
    name,
    min: min === null ? null : { value: min },
    max: max === null ? null : { value: max },
    last: last === null ? { value: null, nonFinite: 'NAN' } : { value: last, nonFinite: null },
  })),
});

describe('metrics side by side', () => {
  const runs = [
    run('a', [
      ['lr/0', 0, 1, 0],
      ['train/loss', 0.5, 2, 0.6],
      ['valid/score_like', 1, 7, 5],
      ['valid/accuracy', 0.1, 0.9, 0.9],
    ]),
    run('b', [
      ['train/loss', 0.4, 3, 0.4],
      ['valid/score_like', 1, 8, 2],
    ]),
    run('c', [['train/loss', null, null, null]]),
  ];

  test('best values by the direction of each metric; the objective first, schedules not at all', () => {
    expect(metricRows(runs).map(({ name, values }) => [name, values.map((value) => value?.value)])).toEqual([
      ['valid/score_like', [7, 8, undefined]],
      ['train/loss', [0.5, 0.4, null]],
      ['valid/accuracy', [0.9, undefined, undefined]],
    ]);
  });

  test('the best is marked where there is something to choose from; NaN is shown and never best', () => {
    const [objective, loss, accuracy] = metricRows(runs);
    expect([objective!.best, loss!.best, accuracy!.best]).toEqual([[1], [1], []]);
    expect(loss!.values[2]).toEqual({ value: null, nonFinite: 'NAN' });
    expect(bestOf([2, 1, 1, null], 'ASC')).toEqual([1, 2]);
    expect(bestOf([2, 2], 'ASC')).toEqual([]);
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
