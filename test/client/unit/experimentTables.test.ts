import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { configRows } from '../../../client/src/domain/configDiff.ts';
import { configLeaves } from '../../../client/src/domain/configLeaves.ts';
import { improvesUpwards } from '../../../client/src/domain/improves.ts';
import { writeEach } from '../../../client/src/domain/writeEach.ts';
import {
  columnId,
  formatColumns,
  mostColumns,
  parseColumns,
  usualColumns,
} from '../../../client/src/pages/experiment/columnKeys.ts';
import { keepSelection, keptSelection } from '../../../client/src/pages/experiment/keptSelection.ts';
import { inHeldOrder, rankMoves, withNewHead } from '../../../client/src/pages/experiment/moves.ts';
import { paretoFront } from '../../../client/src/pages/experiment/pareto.ts';
import type { TableRow } from '../../../client/src/pages/experiment/rows.ts';
import { hasTwoScores } from '../../../client/src/pages/experiment/twoScores.ts';
import { directionOf } from '../../../src/domain/objective.ts';

describe('moves in a ranking', () => {
  test('a run that overtakes two others is up two, each of them down one', () => {
    expect([...rankMoves(['a', 'b', 'c', 'd'], ['c', 'a', 'b', 'd'])]).toEqual([
      ['c', 2],
      ['a', -1],
      ['b', -1],
    ]);
  });

  test('what comes is new and moves nobody, nor does what goes', () => {
    expect([...rankMoves(['a', 'b', 'c'], ['x', 'b', 'c'])]).toEqual([['x', 'new']]);
    expect(rankMoves(['a'], ['a']).size).toBe(0);
  });

  const rows = (...keys: string[]) => keys.map((key) => ({ key }));
  const keyOf = ({ key }: { key: string }) => key;

  test('a held order keeps places, leaves out what has gone, and appends what is new', () => {
    expect(inHeldOrder(rows('c', 'x', 'a'), keyOf, ['a', 'b', 'c'])).toEqual(rows('a', 'c', 'x'));
  });

  test('a new head stands before the rest without doubles', () => {
    expect(withNewHead(rows('a', 'b', 'c', 'd'), keyOf, rows('d', 'a'))).toEqual(rows('d', 'a', 'c'));
    expect(withNewHead(rows('a', 'b'), keyOf, rows('c', 'a', 'b'))).toEqual(rows('c', 'a', 'b'));
  });
});

describe('the Pareto front', () => {
  const points = (...pairs: [number, number][]) => pairs.map(([x, y]) => ({ x, y }));

  test('goes from the cheapest to the best, without what another one beats', () => {
    const all = points([5, 0.1], [1, 0.5], [3, 0.2], [2, 0.5], [4, 0.3], [9, 0.05], [9, 0.01]);
    expect(paretoFront(all, 'ASC')).toEqual(points([1, 0.5], [3, 0.2], [5, 0.1], [9, 0.01]));
  });

  test('with larger values better', () => {
    expect(paretoFront(points([1, 0.5], [2, 0.9], [3, 0.8]), 'DESC')).toEqual(points([1, 0.5], [2, 0.9]));
  });

  test('of equal points the first counts; what is not finite never does', () => {
    const twins = [
      { x: 1, y: 1, name: 'first' },
      { x: 1, y: 1, name: 'second' },
      { x: Number.NaN, y: 0, name: 'nowhere' },
    ];
    expect(paretoFront(twins, 'ASC').map(({ name }) => name)).toEqual(['first']);
    expect(paretoFront([], 'ASC')).toEqual([]);
  });

  test('no point of the front is beaten, and every other one is', () => {
    let seed = 1;
    const draw = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % 30;
    };
    const all = Array.from({ length: 300 }, () => ({ x: draw(), y: draw() }));
    const front = paretoFront(all, 'ASC');
    const beats = (a: { x: number; y: number }, b: { x: number; y: number }) =>
      a.x <= b.x && a.y <= b.y && (a.x < b.x || a.y < b.y);
    for (const point of all) {
      const isOn = front.some(({ x, y }) => x === point.x && y === point.y);
      expect(all.some((other) => beats(other, point))).toBe(!isOn);
    }
  });
});

describe('columns in links', () => {
  test('come back as they were, whatever metrics are called', () => {
    const columns = [
      { kind: 'plain', name: 'tags' },
      { kind: 'metric', name: 'a,b%2C:c/😀' },
      { kind: 'config', name: 'itemTransform.size.height' },
    ] as const;
    expect(parseColumns(formatColumns(columns))).toEqual(columns);
  });

  test('the usual ones need no word; none at all is not the same', () => {
    expect(formatColumns(usualColumns)).toBe(null);
    expect(parseColumns(null)).toBe(usualColumns);
    expect(parseColumns(formatColumns([]))).toEqual([]);
  });

  test('unknown words, doubles, and what is too many are passed over', () => {
    expect(parseColumns('nonsense,tags,tags,metric:,metric:%zz')).toEqual([{ kind: 'plain', name: 'tags' }]);
    const many = Array.from({ length: 100 }, (_, index) => `metric:m${index}`).join(',');
    expect(parseColumns(many)).toHaveLength(mostColumns);
    expect(columnId(parseColumns(many)[3]!)).toBe('metric:m3');
  });
});

describe('a selection that is kept with a step of the history', () => {
  const row = (key: string) => ({ key, name: key, run: null }) as unknown as TableRow;
  const selection = (count: number) =>
    new Map(Array.from({ length: count }, (_, index) => [`${index}`, row(`${index}`)]));
  const step = {
    state: { other: 1 } as unknown,
    replaceState: (state: unknown) => {
      step.state = state;
    },
  };
  beforeEach(() => vi.stubGlobal('history', step));
  afterEach(() => vi.unstubAllGlobals());

  test('is found again, beside what others keep there, unless it is too large', () => {
    keepSelection(selection(2));
    expect([...keptSelection()]).toEqual([...selection(2)]);
    expect(step.state).toMatchObject({ other: 1 });
    keepSelection(selection(1001));
    expect(keptSelection().size).toBe(0);
  });

  test('is no error where the browser does not take it', () => {
    vi.stubGlobal('history', {
      state: null,
      replaceState() {
        throw new DOMException('too often', 'SecurityError');
      },
    });
    expect(() => keepSelection(selection(2))).not.toThrow();
    expect(keptSelection().size).toBe(0);
  });
});

test('a run has two scores where its best epoch and its last one can differ', () => {
  const has = (metric: string | null, split: 'TRAIN' | 'VALID' | 'HOLDOUT' | null, hasHoldout = false) =>
    hasTwoScores({ metric, split }, 'valid/error_rate', hasHoldout);
  expect([has(null, null), has(null, 'VALID', true), has('valid/loss', null, true)]).toEqual([true, true, true]);
  expect([has('train/log_loss', 'VALID'), has('holdout/accuracy', 'VALID')]).toEqual([true, true]);
  // Ranked on the hold-out, where predictions alone are scored.
  expect([has(null, null, true), has(null, 'HOLDOUT'), has('holdout/loss', null)]).toEqual([false, false, false]);
  // Nothing is predicted of training images, and predictions are scored by nothing else.
  expect([has('train/loss', null), has(null, 'TRAIN'), has('valid/f1', null)]).toEqual([false, false, false]);
  expect(hasTwoScores({ metric: null, split: null }, 'valid/f1', false)).toBe(false);
});

describe('configs', () => {
  test('leaves have paths; lists and null are leaves', () => {
    const config = {
      epochs: 3,
      itemTransform: { method: 'CROP', size: { height: 64 } },
      labels: ['a', 'b'],
      seed: null,
    };
    expect([...configLeaves(config)]).toEqual([
      ['epochs', 3],
      ['itemTransform.method', 'CROP'],
      ['itemTransform.size.height', 64],
      ['labels', '["a","b"]'],
      ['seed', null],
    ]);
  });

  test('rows tell what differs, also where a field is not there', () => {
    const rows = configRows([
      { b: 1, a: { x: 'same' } },
      { b: 2, a: { x: 'same' } },
      { b: 1, a: { x: 'same' }, c: null },
    ]);
    expect(rows).toEqual([
      { path: 'a.x', values: ['same', 'same', 'same'], differs: false },
      { path: 'b', values: [1, 2, 1], differs: true },
      { path: 'c', values: [undefined, undefined, null], differs: true },
    ]);
  });
});

test('a metric improves in the same direction as the server says', () => {
  for (const name of [
    'valid/accuracy',
    'valid/error_rate',
    'train/loss',
    'f1',
    'map_loss',
    'x.AUC',
    'images_per_second',
  ]) {
    expect(improvesUpwards(name), name).toBe(directionOf(name) === 'DESC');
  }
});

test('a write for many: refused and failed ones are told in order, and stop no other', async () => {
  const targets = ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => ({ key, name: key.toUpperCase() }));
  const written: string[] = [];
  const tried: number[] = [];
  const refusals = await writeEach(
    targets,
    async ({ key }) => {
      if (key === 'e') throw new Error('nobody answers');
      if (key === 'b') return 'it is under way';
      written.push(key);
      return null;
    },
    (count) => tried.push(count),
  );
  expect(written.sort()).toEqual(['a', 'c', 'd', 'f']);
  expect(refusals).toEqual([
    { key: 'b', name: 'B', problem: 'it is under way' },
    { key: 'e', name: 'E', problem: 'nobody answers' },
  ]);
  expect(tried).toEqual([1, 2, 3, 4, 5, 6]);
});
