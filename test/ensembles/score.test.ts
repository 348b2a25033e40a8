import { describe, expect, it } from 'vitest';
import { score } from '../../src/ensembles/score.ts';

const table = {
  imageIds: ['1', '2', '3', '4'],
  vocab: ['a', 'b', 'c'],
  probabilities: Float32Array.of(0.5, 0.25, 0.25, 0.25, 0.5, 0.25, 0.5, 0.25, 0.25, 0.5, 0.5, 0),
};
const truth = new Map([
  ['1', 'a'],
  ['2', 'b'],
  ['3', 'b'],
  ['4', 'a'],
]);

describe('score', () => {
  it('counts errors, confusion and per-label rates', () => {
    const result = score(table, truth);
    expect(result.rowCount).toBe(4);
    expect(result.accuracy).toBe(0.75);
    expect(result.errorRate).toBe(0.25);
    expect(result.logLoss).toBeCloseTo((3 * Math.log(2) + Math.log(4)) / 4, 6);
    expect(result.confusion).toEqual([
      [2, 0, 0],
      [1, 1, 0],
      [0, 0, 0],
    ]);
    expect(result.perLabel).toEqual([
      { label: 'a', precision: 2 / 3, recall: 1, support: 2 },
      { label: 'b', precision: 1, recall: 0.5, support: 2 },
      { label: 'c', precision: null, recall: null, support: 0 },
    ]);
  });

  it('keeps the log loss finite where the true label got probability 0', () => {
    const certain = { imageIds: ['1'], vocab: ['a', 'b'], probabilities: Float32Array.of(0, 1) };
    expect(score(certain, new Map([['1', 'a']])).logLoss).toBeCloseTo(-Math.log(2 ** -23), 6);
  });

  it('names the image that has no label, or one that was never predicted', () => {
    expect(() => score(table, new Map([['1', 'a']]))).toThrow(/image 2 has no label/);
    expect(() => score(table, new Map([...truth, ['3', 'q']]))).toThrow(/image 3 is labelled "q"/);
  });

  it('refuses an empty table', () => {
    expect(() => score({ imageIds: [], vocab: ['a'], probabilities: new Float32Array() }, truth)).toThrow(
      /no predictions/,
    );
  });
});
