/** All that was measured, as a table of networks by size. */

import { type Fit, fitOf, type Measurement } from '../../domain/measurements.ts';
import { parseSize, sizeText } from '../../domain/typed.ts';

export interface MatrixView {
  readonly device: string;
  readonly precision: string;
  /** Images per weight update. */
  readonly batch: number;
  /** Bytes. */
  readonly budget: number;
}

export interface Matrix {
  /** As they are typed, smallest first. */
  readonly sizes: readonly string[];
  readonly rows: readonly { readonly architecture: string; readonly fits: readonly Fit[] }[];
}

/** Of the device and precision; `order`: architectures as they stand in the catalogue. */
export function matrixOf(
  measured: readonly Measurement[],
  { device, precision, batch, budget }: MatrixView,
  order: readonly string[] = [],
): Matrix {
  const own = measured.filter((one) => one.device === device && one.precision === precision);
  const pixels = (text: string) => {
    const size = parseSize(text);
    return size ? size.height * size.width : 0;
  };
  const sizes = [...new Set(own.map(({ size }) => sizeText(size)))].sort((a, b) => pixels(a) - pixels(b));
  const place = new Map(order.map((name, index) => [name, index]));
  const architectures = [...new Set(own.map(({ architecture }) => architecture))].sort(
    (a, b) => (place.get(a) ?? order.length) - (place.get(b) ?? order.length) || a.localeCompare(b),
  );
  const rows = architectures.map((architecture) => ({
    architecture,
    fits: sizes.map((size) =>
      fitOf(
        own.filter((one) => one.architecture === architecture && sizeText(one.size) === size),
        budget,
        batch,
      ),
    ),
  }));
  return { sizes, rows };
}
