/** What must be done to a stored tensor so that it is a parameter of a network for another image size. */

import type { Architecture } from '../domain/architecture.ts';
import { sizeOf } from '../domain/shape.ts';
import type { Size } from '../domain/trainingConfig.ts';
import { resizeBiasTable } from './biasTable.ts';
import type { ParameterSpec } from './parameters.ts';
import { type Grid, resizePositionEmbedding } from './positionEmbedding.ts';
import { stageWindow } from './swinBody.ts';
import { patchGrid } from './vit.ts';
import type { WeightLayout } from './weightLayouts.ts';
import { offsetsOf } from './windows.ts';

export type Fit = (stored: Float32Array) => Float32Array;

/**
 * How values of shape `stored` become the parameter (named as timm does) of `architecture` for images of `size`; null when
 * they cannot.
 * @param from the image size that the values were trained at, where the file tells
 */
export function fitTensor(
  { name, shape }: ParameterSpec,
  stored: readonly number[],
  architecture: Architecture,
  size: Size,
  { flattened }: WeightLayout,
  from: Size | null = null,
): Fit | null {
  const known = from && fitFrom(name, shape, stored, architecture, from, size);
  if (known) return known;
  if (isSame(stored, shape)) return (data) => data;
  if (flattened && stored.length === 2 && sizeOf(stored) === sizeOf(shape)) return (data) => data;
  switch (architecture.family) {
    case 'convnext':
      return null;
    case 'vit': {
      const from =
        name === 'pos_embed'
          ? storedGrid(stored, architecture.dim, architecture.defaultSize, architecture.patch)
          : null;
      const to = patchGrid(size, architecture.patch);
      return from && ((data) => resizePositionEmbedding(data, architecture.dim, from, to));
    }
    case 'swin': {
      const stage = biasStage(name);
      const heads = shape[1]!;
      // timm takes a stored window to be square: offsets from -(side - 1) to side - 1 on both axes
      const side = Math.sqrt(stored[0] ?? 0);
      if (stage === null || side % 2 !== 1 || !isSame(stored, [side ** 2, heads])) return null;
      const window = stageWindow({ ...architecture, size }, stage);
      return (data) => resizeBiasTable(data, heads, window);
    }
    case 'swinv2':
      // a network makes its biases: every window has the same parameters
      return null;
  }
}

/** From a known size, where it matters: another grid or window may have as many values. Null where the values are not of that size. */
function fitFrom(
  name: string,
  shape: readonly number[],
  stored: readonly number[],
  architecture: Architecture,
  from: Size,
  to: Size,
): Fit | null {
  if (architecture.family === 'vit' && name === 'pos_embed') {
    const { dim, patch } = architecture;
    const [grid, target] = [patchGrid(from, patch), patchGrid(to, patch)];
    if (!isSame(stored, [1, 1 + grid.rows * grid.columns, dim])) return null;
    const same = grid.rows === target.rows && grid.columns === target.columns;
    return (data) => (same ? data : resizePositionEmbedding(data, dim, grid, target));
  }
  const stage = biasStage(name);
  if (architecture.family !== 'swin' || stage === null) return null;
  const heads = shape[1]!;
  const window = stageWindow({ ...architecture, size: from }, stage);
  if (!isSame(stored, [offsetsOf(window), heads])) return null;
  const target = stageWindow({ ...architecture, size: to }, stage);
  return (data) => resizeBiasTable(data, heads, target, window);
}

/** The stage whose relative position biases the parameter holds. */
function biasStage(name: string): number | null {
  const stage = /^layers\.(\d+)\..*\.relative_position_bias_table$/.exec(name)?.[1];
  return stage === undefined ? null : Number(stage);
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((side, i) => side === b[i]);
}

/** The grid of a stored position embedding [1, 1 + rows * columns, dim]: that of the default size, else a square one. */
function storedGrid(stored: readonly number[], dim: number, defaultSize: Size, patch: number): Grid | null {
  const usual = patchGrid(defaultSize, patch);
  const patches = (stored[1] ?? 0) - 1;
  if (!isSame(stored, [1, 1 + patches, dim])) return null;
  if (patches === usual.rows * usual.columns) return usual;
  const side = Math.round(Math.sqrt(patches));
  return side > 0 && side * side === patches ? { rows: side, columns: side } : null;
}
