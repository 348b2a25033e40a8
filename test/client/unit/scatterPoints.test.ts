import { describe, expect, test } from 'vitest';
import { familyOf, type RunPoint, scatterPicture } from '../../../client/src/pages/experiment/scatterPoints.ts';

const point = (
  runId: string,
  architecture: string,
  value: number,
  seconds: number | null,
  bytes: number | null,
): RunPoint => ({
  ...{ runId, name: runId, status: 'SUCCEEDED', architecture, value, split: 'VALID' },
  ...{ trainSeconds: seconds, peakMemory: bytes, imagesPerSecond: null },
});

describe('marks of a scatter plot', () => {
  const runs = [
    point('a', 'convnext_tiny_in22k', 0.1, 10, 300),
    point('b', 'vit_tiny_patch16_224', 0.2, 5, 400),
    point('c', 'convnext_atto', 0.3, 20, null),
    point('d', 'swin_tiny', 0.05, null, 100),
  ];

  test('by what the score costs, with the front of it; what has no cost yet is left out and counted', () => {
    const bySeconds = scatterPicture(runs, 'seconds', 'ASC');
    expect(bySeconds.marks.map(({ id, x, y }) => [id, x, y])).toEqual([
      ['a', 10, 0.1],
      ['b', 5, 0.2],
      ['c', 20, 0.3],
    ]);
    expect(bySeconds.front.map(({ id }) => id)).toEqual(['b', 'a']);
    expect(bySeconds.left).toBe(1);
    expect(scatterPicture(runs, 'memory', 'ASC').front.map(({ id }) => id)).toEqual(['d']);
    expect(scatterPicture(runs, 'seconds', 'DESC').front.map(({ id }) => id)).toEqual(['b', 'c']);
  });

  test('families, the commonest first; rare ones together', () => {
    expect(familyOf('swinv2_base_window12')).toBe('swinv2');
    expect(scatterPicture(runs, 'seconds', 'ASC').families).toEqual(['convnext', 'swin', 'vit']);
    const many = Array.from({ length: 12 }, (_, index) => point(`r${index}`, `family${index}_x`, index, index, index));
    const { marks, families } = scatterPicture([...many, ...runs.slice(0, 1)], 'seconds', 'ASC');
    expect(families).toHaveLength(8);
    expect(families.at(-1)).toBe('others');
    expect(marks.every(({ category }) => families.includes(category))).toBe(true);
  });
});
