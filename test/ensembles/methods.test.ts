import { describe, expect, it } from 'vitest';
import type { Member } from '../../src/ensembles/combine.ts';
import { findDisagreement } from '../../src/ensembles/disagreement.ts';
import { combineMembers, ensembleMethods } from '../../src/ensembles/methods.ts';

const vocab = ['x', 'y', 'z'];
function member(weight: number, ...rows: [number, number, number][]): Member {
  const imageIds = rows.map((_, i) => `${i}.jpg`);
  return { name: `member of weight ${weight}`, weight, imageIds, vocab, probabilities: Float32Array.from(rows.flat()) };
}
const first = member(1, [0.5, 0.3, 0.2], [0.1, 0.1, 0.8]);
const second = member(3, [0.1, 0.6, 0.3], [0.25, 0.5, 0.25]);

function expectRows(actual: Float32Array, ...rows: number[][]) {
  expect(actual).toHaveLength(rows.flat().length);
  for (const [i, value] of rows.flat().entries()) expect(actual[i]).toBeCloseTo(value, 6);
}

describe('combining', () => {
  it('by the mean weighs probabilities', () => {
    expectRows(combineMembers('MEAN', [first, second]).probabilities, [0.2, 0.525, 0.275], [0.2125, 0.4, 0.3875]);
  });

  it('by the geometric mean multiplies them', () => {
    const powers = [0.5 * 0.1 ** 3, 0.3 * 0.6 ** 3, 0.2 * 0.3 ** 3].map((product) => product ** 0.25);
    const sum = powers.reduce((a, b) => a + b);
    const { probabilities } = combineMembers('GEOMETRIC_MEAN', [first, second]);
    expectRows(
      probabilities.subarray(0, 3),
      powers.map((power) => power / sum),
    );
  });

  it('by the geometric mean survives a label that a member rules out', () => {
    const { probabilities } = combineMembers('GEOMETRIC_MEAN', [member(1, [0, 1, 0]), member(1, [1, 0, 0])]);
    expectRows(probabilities, [0.5, 0.5, 0]);
  });

  it('by ranks counts only the order of labels, equal ones sharing theirs', () => {
    // Ranks of the rows: [3, 2, 1] and [1, 3, 2]; [1.5, 1.5, 3] and [1.5, 3, 1.5]. Each sums to 6, weights to 4.
    const { probabilities } = combineMembers('RANK_MEAN', [first, second]);
    expectRows(probabilities, [6 / 24, 11 / 24, 7 / 24], [6 / 24, 10.5 / 24, 7.5 / 24]);
  });

  it('by majority counts votes with their weights', () => {
    expectRows(combineMembers('MAJORITY_VOTE', [first, second]).probabilities, [0.25, 0.75, 0], [0, 0.75, 0.25]);
    expectRows(combineMembers('MAJORITY_VOTE', [member(1, [0.4, 0.2, 0.4])]).probabilities, [1, 0, 0]);
  });

  it.each(ensembleMethods)('%s works row by row, and doubling a weight equals listing a member twice', (method) => {
    const whole = combineMembers(method, [first, second]).probabilities;
    const slice = (m: Member): Member => ({
      ...m,
      imageIds: m.imageIds.slice(1),
      probabilities: m.probabilities.slice(3),
    });
    expect(combineMembers(method, [slice(first), slice(second)]).probabilities).toEqual(whole.slice(3));
    const once = { ...second, weight: 1 };
    expectRows(combineMembers(method, [first, once, once, once]).probabilities, [...whole]);
  });

  it.each(ensembleMethods)('%s refuses members over other rows', (method) => {
    const other = { ...second, name: 'other', imageIds: ['0.jpg', '2.jpg'] };
    expect(() => combineMembers(method, [first, other])).toThrow('image 2 is "2.jpg" in other but "1.jpg" in member');
  });
});

describe('disagreement', () => {
  const rows: [number, number, number][] = [
    [0.9, 0.1, 0],
    [0.1, 0.9, 0],
    [0, 0.1, 0.9],
  ];
  const [x, y, z] = rows as [(typeof rows)[0], (typeof rows)[0], (typeof rows)[0]];
  const members = [member(1, x, x, x, x), member(1, x, x, y, x), member(5, x, z, z, y)];

  it('lists rows by how few members back the winner, then by confidence, without those that all agree on', () => {
    const found = findDisagreement(members, combineMembers('MEAN', members), 10);
    expect(found.map(({ row }) => row)).toEqual([2, 1, 3]);
    expect(found[0]!.votes).toEqual([
      { label: 'x', count: 1 },
      { label: 'y', count: 1 },
      { label: 'z', count: 1 },
    ]);
    expect(found[1]!.votes).toEqual([
      { label: 'x', count: 2 },
      { label: 'z', count: 1 },
    ]);
  });

  it('stops at the limit', () => {
    expect(findDisagreement(members, combineMembers('MEAN', members), 1)).toHaveLength(1);
  });
});
