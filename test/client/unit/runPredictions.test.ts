import { describe, expect, it } from 'vitest';
import { mostConfused } from '../../../client/src/pages/run/mostConfused.ts';

describe('classes taken for others', () => {
  const vocab = ['a', 'b', 'c'];
  const confusion = [
    [8, 2, 0],
    [1, 0, 3],
    [2, 0, 0],
  ];

  it('come most often first, each with its share of the true class', () => {
    expect(mostConfused(vocab, confusion, 10)).toEqual([
      { label: 'b', predicted: 'c', count: 3, share: 0.75 },
      { label: 'a', predicted: 'b', count: 2, share: 0.2 },
      { label: 'c', predicted: 'a', count: 2, share: 1 },
      { label: 'b', predicted: 'a', count: 1, share: 0.25 },
    ]);
    expect(mostConfused(vocab, confusion, 1)).toHaveLength(1);
  });

  it('are none where everything is right, also of classes that never occur', () => {
    expect(
      mostConfused(
        ['a', 'b'],
        [
          [3, 0],
          [0, 0],
        ],
        10,
      ),
    ).toEqual([]);
  });
});
