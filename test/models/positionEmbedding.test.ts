import { describe, expect, it } from 'vitest';
import { resizePositionEmbedding } from '../../src/models/positionEmbedding.ts';
import { excess, goldenTensors } from './goldenFiles.ts';

describe('position embedding', () => {
  it.each([
    { from: [14, 14], to: [12, 12] },
    { from: [14, 14], to: [20, 14] },
    { from: [4, 4], to: [6, 5] },
  ] as const)('is resized from $from to $to as torch does', async ({ from, to }) => {
    const tensors = await goldenTensors('tables/tables');
    const name = `posembed.${from.join('x')}_to_${to.join('x')}`;
    const dim = tensors.shape(`${name}.in`)[2]!;
    const grid = ([rows, columns]: readonly [number, number]) => ({ rows, columns });
    const resized = resizePositionEmbedding(tensors.float(`${name}.in`), dim, grid(from), grid(to));
    expect(excess(resized, tensors.float(`${name}.out`), 1e-5, 1e-5)).toBeLessThan(1);
  });

  it('leaves an embedding of the same grid as it is', () => {
    const embedding = Float32Array.from({ length: 10 * 3 }, (_, i) => Math.sin(i));
    const grid = { rows: 3, columns: 3 };
    expect(resizePositionEmbedding(embedding, 3, grid, grid)).toEqual(embedding);
  });
});
