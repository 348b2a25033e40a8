/** Linear maps along one axis, as sparse weights: area averaging and corner-aligned bilinear sampling, and one after the other. */

/** Output i is the sum of `weight[t] * input[start[i] + t - first[i]]` over taps t in `first[i] .. first[i + 1] - 1`. */
export interface LinearAxis {
  readonly inputs: number;
  readonly outputs: number;
  readonly start: Int32Array;
  readonly first: Int32Array;
  readonly weight: Float32Array;
}

/** The prefilter of every bilinear sample (training-semantics 4.3): the sizes it shrinks to, or undefined when it does not apply. */
export function prefilterSize(
  input: { readonly width: number; readonly height: number },
  output: { readonly width: number; readonly height: number },
  gridRange: { readonly low: number; readonly high: number },
): { width: number; height: number } | undefined {
  // The library reads the last two axes of its (batch, height, width, 2) grid: hence the output's width and the constant 2.
  const d = 0.5 * Math.min(input.height / output.width, input.width / 2);
  const z = 2 / (gridRange.high - gridRange.low);
  if (!(d > 1 && d > z)) return undefined;
  return { height: Math.floor(input.height * (1 / d)), width: Math.floor(input.width * (1 / d)) };
}

/** Adaptive average pooling: bin i covers inputs floor(i * in / out) .. ceil((i + 1) * in / out) - 1. */
export function areaAverage(inputs: number, outputs: number): LinearAxis {
  return fromRows(
    inputs,
    Array.from({ length: outputs }, (_, i) => {
      const start = Math.floor((i * inputs) / outputs);
      const end = Math.ceil(((i + 1) * inputs) / outputs);
      return { start, weights: new Array<number>(end - start).fill(1 / (end - start)) };
    }),
  );
}

/** Bilinear samples with the first and last samples on the first and last inputs; a single output lies in the middle. */
export function alignedBilinear(inputs: number, outputs: number): LinearAxis {
  return fromRows(
    inputs,
    Array.from({ length: outputs }, (_, i) => {
      const position = outputs > 1 ? (i * (inputs - 1)) / (outputs - 1) : (inputs - 1) / 2;
      const start = Math.min(Math.floor(position), inputs - 1);
      const share = position - start;
      return { start, weights: share > 0 ? [1 - share, share] : [1] };
    }),
  );
}

/** `second` after `first`, as one map. */
export function compose(first: LinearAxis, second: LinearAxis): LinearAxis {
  return fromRows(
    first.inputs,
    Array.from({ length: second.outputs }, (_, i) => {
      const from = second.start[i]!;
      const to = from + second.first[i + 1]! - second.first[i]!;
      const start = first.start[from]!;
      const end = first.start[to - 1]! + first.first[to]! - first.first[to - 1]!;
      const weights = new Array<number>(end - start).fill(0);
      for (let middle = from; middle < to; middle++) {
        const share = second.weight[second.first[i]! + middle - from]!;
        for (let tap = first.first[middle]!; tap < first.first[middle + 1]!; tap++) {
          weights[first.start[middle]! - start + tap - first.first[middle]!]! += share * first.weight[tap]!;
        }
      }
      return { start, weights };
    }),
  );
}

/** The same map by input: which outputs each input goes to. `start[i]` is the first output, `weight` follows. */
export function transpose(axis: LinearAxis): LinearAxis {
  const rows = Array.from({ length: axis.inputs }, () => ({ start: 0, weights: [] as number[] }));
  for (let i = 0; i < axis.outputs; i++) {
    for (let tap = axis.first[i]!; tap < axis.first[i + 1]!; tap++) {
      const row = rows[axis.start[i]! + tap - axis.first[i]!]!;
      if (!row.weights.length) row.start = i;
      // Outputs that skip an input between two that use it do not occur: supports are intervals that move forwards.
      row.weights.push(axis.weight[tap]!);
    }
  }
  return fromRows(axis.outputs, rows);
}

function fromRows(inputs: number, rows: readonly { start: number; weights: readonly number[] }[]): LinearAxis {
  const first = new Int32Array(rows.length + 1);
  rows.forEach((row, i) => {
    first[i + 1] = first[i]! + row.weights.length;
  });
  return {
    inputs,
    outputs: rows.length,
    start: Int32Array.from(rows, (row) => row.start),
    first,
    weight: Float32Array.from(rows.flatMap((row) => row.weights)),
  };
}
