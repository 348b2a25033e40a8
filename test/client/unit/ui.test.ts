import { describe, expect, test } from 'vitest';
import { nearestPlace } from '../../../client/src/charts/align.ts';
import { layOutHeatmap } from '../../../client/src/charts/heatmapLayout.ts';
import { targetOf } from '../../../client/src/login/target.ts';
import { selectRange } from '../../../client/src/ui/selectRange.ts';

describe('rows by Shift', () => {
  const keys = ['a', 'b', 'c', 'd', 'e'];

  test('are all between the one chosen last and this one, in either direction', () => {
    expect([...selectRange(new Set(), keys, 'b', 'd', true)]).toEqual(['b', 'c', 'd']);
    expect([...selectRange(new Set(['a']), keys, 'd', 'b', true)].sort()).toEqual(['a', 'b', 'c', 'd']);
    expect([...selectRange(new Set(keys), keys, 'b', 'd', false)]).toEqual(['a', 'e']);
    expect([...selectRange(new Set(['a']), keys, 'c', 'c', true)]).toEqual(['a', 'c']);
  });

  test('leave what is not in the table as it was, and the set that was given', () => {
    const before: ReadonlySet<string> = new Set(['elsewhere']);
    expect([...selectRange(before, keys, 'a', 'b', true)]).toEqual(['elsewhere', 'a', 'b']);
    expect([...before]).toEqual(['elsewhere']);
  });

  test('are one where the other is no longer there', () => {
    expect([...selectRange(new Set(), keys, 'gone', 'd', true)]).toEqual(['d']);
  });
});

test('a series without a point under the pointer gives its nearest, a NaN too', () => {
  const row = [undefined, 1, undefined, undefined, null, undefined, undefined, undefined];
  expect(row.map((_, at) => nearestPlace(row, at))).toEqual([1, 1, 1, 4, 4, 4, 4, 4]);
  expect(nearestPlace([undefined, undefined], 1)).toBe(1);
  expect(nearestPlace([], 0)).toBe(0);
});

describe('a matrix', () => {
  const names = (count: number) => Array.from({ length: count }, (_, i) => `class ${i}`);

  test('takes the room there is, up to cells of 52 pixels', () => {
    for (const [count, room] of [
      [2, 900],
      [10, 360],
      [30, 700],
    ] as const) {
      const { cell, width, height, left, top } = layOutHeatmap(names(count), names(count), room);
      expect(width).toBeLessThanOrEqual(room + 1);
      expect(cell).toBeLessThanOrEqual(52);
      expect(width).toBe(left + count * cell + 1);
      expect(height).toBe(top + count * cell + 1);
    }
  });

  test('becomes wider than that rather than too small to hit, and labels every other row then', () => {
    const { cell, width, stride } = layOutHeatmap(names(100), names(100), 360);
    expect({ cell, stride }).toEqual({ cell: 9, stride: 2 });
    expect(width).toBeGreaterThan(900);
  });

  test('of one short class or of none is one all the same', () => {
    expect(layOutHeatmap(['a'], ['a'], 300)).toMatchObject({ cell: 52, upright: false, stride: 1 });
    expect(layOutHeatmap([], [], 300).cell).toBe(52);
  });
});

test.for([
  ['', 'http://host:4000/'],
  ['?next=%2Fruns%2Frun_1%3Faxis%3Depoch', 'http://host:4000/runs/run_1?axis=epoch'],
  ['?next=https://evil.example/', 'http://host:4000/'],
  ['?next=//evil.example', 'http://host:4000/'],
  ['?next=/%5Cevil.example', 'http://host:4000/'],
  ['?next=javascript:alert(1)', 'http://host:4000/'],
  ['?next=http://%5B', 'http://host:4000/'],
  ['?next=http://host:4001/', 'http://host:4000/'],
])('a login with the link %s leads to %s', ([link, target]) => {
  expect(targetOf(new URL(`http://host:4000/login${link}`))).toBe(target);
});
