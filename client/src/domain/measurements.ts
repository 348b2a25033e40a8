/** What memory probes have measured, and what follows from it for other budgets and batches. */

import type { Size } from './typed.ts';

/** A memory probe as far as it tells of memory. */
export interface Probed {
  readonly id: string;
  readonly createdAt: string;
  readonly device: string | null;
  readonly targets: readonly {
    readonly architecture: string;
    readonly size: Size;
    readonly precision: string;
    readonly trials: readonly {
      readonly microBatchSize: number;
      readonly peakMemory: number | null;
      readonly outcome: 'FITS' | 'OVER_BUDGET' | 'OUT_OF_MEMORY' | 'FAILED';
    }[];
  }[];
}

/** The memory that a micro-batch of one network takes. */
export interface Measurement {
  readonly probeId: string;
  readonly device: string;
  readonly architecture: string;
  readonly size: Size;
  readonly precision: string;
  readonly microBatchSize: number;
  /** Bytes. */
  readonly peakMemory: number;
  /** False: it was ended there, and needs more. */
  readonly complete: boolean;
}

/** In the order of the probes. */
export function measurementsOf(probes: readonly Probed[]): readonly Measurement[] {
  return probes.flatMap(({ id: probeId, device, targets }) =>
    targets.flatMap(({ architecture, size, precision, trials }) =>
      trials.flatMap(({ microBatchSize, peakMemory, outcome }) => {
        if (peakMemory === null || outcome === 'FAILED') return [];
        const network = { probeId, device: device ?? '', architecture, size, precision };
        return [{ ...network, microBatchSize, peakMemory, complete: outcome !== 'OUT_OF_MEMORY' }];
      }),
    ),
  );
}

/** How a network fits into a budget. */
export type Fit =
  | {
      readonly kind: 'fits';
      /** The smallest that is known to fit. */
      readonly accumulation: number;
      readonly measurement: Measurement;
      /** Whether half of that accumulation is known not to fit; else less might do. */
      readonly smallest: boolean;
    }
  | {
      readonly kind: 'too much';
      /** The largest that is known not to fit. */
      readonly accumulation: number;
      readonly measurement: Measurement;
      /** Whether there is no larger one to try: micro-batches have two images at least. */
      readonly last: boolean;
    }
  | { readonly kind: 'unknown' };

/**
 * Which accumulation fits, by what was measured of one network on one device. Micro-batches of other probes count where they divide the batch: less
 * than what fits fits, more than what does not fit does not.
 * @param budget bytes
 * @param batch images per weight update
 */
export function fitOf(measured: readonly Measurement[], budget: number, batch: number): Fit {
  const dividing = measured.filter(({ microBatchSize }) => batch % microBatchSize === 0);
  const fitting = dividing.filter(({ complete, peakMemory }) => complete && peakMemory <= budget);
  const excluded = measured.filter(({ peakMemory }) => peakMemory > budget);
  const best = largest(fitting);
  if (best) {
    const accumulation = batch / best.microBatchSize;
    const smallest =
      accumulation === 1 || excluded.some(({ microBatchSize }) => microBatchSize <= 2 * best.microBatchSize);
    return { kind: 'fits', accumulation, measurement: best, smallest };
  }
  const least = excluded
    .filter(({ microBatchSize }) => batch % microBatchSize === 0)
    .reduce<Measurement | undefined>((a, b) => (a && a.microBatchSize <= b.microBatchSize ? a : b), undefined);
  if (!least) return { kind: 'unknown' };
  const { microBatchSize } = least;
  return {
    kind: 'too much',
    accumulation: batch / microBatchSize,
    measurement: least,
    last: !canBeHalved(microBatchSize),
  };
}

/** Whether half of a micro-batch is one, too: whole, with the two images that batch normalisation needs. */
export function canBeHalved(microBatchSize: number): boolean {
  return microBatchSize % 2 === 0 && microBatchSize >= 4;
}

/** With the largest micro-batch; the first of equals, which is the newest. */
function largest(measured: readonly Measurement[]): Measurement | undefined {
  return measured.reduce<Measurement | undefined>(
    (a, b) => (a && a.microBatchSize >= b.microBatchSize ? a : b),
    undefined,
  );
}
