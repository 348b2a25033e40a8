/** Tokens put in another order: Swin's roll, padding, windows and patch merging are one copy of rows each. */

import * as tf from '@tensorflow/tfjs-core';

/** Both ways at once: a token that leaves from row i of the one side and arrives at row j of the other. */
export interface Rearrangement {
  /** For each row of the result the row it is taken from, -1 for zeros. */
  readonly from: Int32Array;
  /** For each row of the source the row of the result it goes to, -1 when it is left out. */
  readonly to: Int32Array;
}

/** Tokens whose places are `source` put into the order `target` of places; -1 is padding. Every place stands in both once. */
export function rearrangement(source: Int32Array, target: Int32Array): Rearrangement {
  return { from: rowsOf(source, target), to: rowsOf(target, source) };
}

function rowsOf(source: Int32Array, target: Int32Array): Int32Array {
  const rows = new Map<number, number>();
  source.forEach((place, row) => {
    if (place >= 0) rows.set(place, row);
  });
  return target.map((place) => rows.get(place) ?? -1);
}

/** The way back. */
export function inverse({ from, to }: Rearrangement): Rearrangement {
  return { from: to, to: from };
}

/** x [n, tokens, channels] -> [n, from.length, channels]. */
export function rearrange(x: tf.Tensor, { from, to }: Rearrangement): tf.Tensor {
  if (from.length === to.length && from.every((row, i) => row === i)) return x;
  const f = tf.customGrad((x) => ({ value: take(x as tf.Tensor, from), gradFunc: (dy: tf.Tensor) => take(dy, to) }));
  return f(x);
}

function take(x: tf.Tensor, rows: Int32Array): tf.Tensor {
  const length = x.shape[1]!;
  if (!rows.includes(-1)) return tf.gather(x, tf.tensor1d(rows, 'int32'), 1);
  const padded = tf.pad(x, [
    [0, 0],
    [0, 1],
    [0, 0],
  ]);
  const indices = rows.map((row) => (row < 0 ? length : row));
  return tf.gather(padded, tf.tensor1d(indices, 'int32'), 1);
}
