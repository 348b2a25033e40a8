/** fastai's learning rate and momentum schedules. A position runs from 0 to (nearly) 1 over all micro-batches of a fit. */

import type { TrainingConfig } from '../domain/trainingConfig.ts';

/** What the optimiser uses at one micro-batch: a learning rate per parameter group (body, head) and one momentum. */
export interface Rates {
  readonly learningRates: readonly number[];
  readonly momentum: number;
}

export type Schedule = (position: number) => Rates;

/** One call of fastai's `fit_one_cycle`: optimiser state and sample count start afresh, gradients left over do not. */
export interface Fit {
  /** Body frozen but for its normalisation layers. */
  readonly frozen: boolean;
  readonly epochs: number;
  readonly schedule: Schedule;
}

/** A rate for every group, or a range: `from` for the first group to `to` for the last, `to / 10` to `to` without `from`. */
export type RateSpec = number | { readonly from?: number; readonly to: number };

export interface OneCycle {
  readonly learningRate: RateSpec;
  readonly groups?: number;
  /** Where the rate peaks. */
  readonly pctStart?: number;
  /** Start = peak / div, end = peak / divFinal. */
  readonly div?: number;
  readonly divFinal?: number;
  /** Momentum at start, peak and end. */
  readonly momentums?: readonly [number, number, number];
}

/** start at t = 0, end at t = 1, along half a cosine. */
function cosine(start: number, end: number, t: number): number {
  return start + ((1 + Math.cos(Math.PI * (1 - t))) * (end - start)) / 2;
}

/** Cosine from `start` to `middle` until `pctStart`, then to `end`. Breakpoints are float32, as fastai's are. */
function twoCosines(pctStart: number, start: number, middle: number, end: number): (position: number) => number {
  const turn = Math.fround(pctStart);
  const rest = Math.fround(Math.fround(turn + Math.fround(1 - pctStart)) - turn);
  return (position) =>
    position < turn ? cosine(start, middle, position / turn) : cosine(middle, end, (position - turn) / rest);
}

/** The peak rate of each group. */
export function peakRates(spec: RateSpec, groups: number): number[] {
  if (typeof spec === 'number') return new Array<number>(groups).fill(spec);
  const { from, to } = spec;
  if (from === undefined) return Array.from({ length: groups }, (_, i) => (i === groups - 1 ? to : to / 10));
  return Array.from({ length: groups }, (_, i) => (groups === 1 ? to : from * (to / from) ** (i / (groups - 1))));
}

/** Rate up, then down; momentum the other way round. */
export function oneCycle(options: OneCycle): Schedule {
  const {
    learningRate,
    groups = 2,
    pctStart = 0.25,
    div = 25,
    divFinal = 1e5,
    momentums = [0.95, 0.85, 0.95],
  } = options;
  const rates = peakRates(learningRate, groups).map((peak) => twoCosines(pctStart, peak / div, peak, peak / divFinal));
  const momentum = twoCosines(pctStart, ...momentums);
  return (position) => ({ learningRates: rates.map((rate) => rate(position)), momentum: momentum(position) });
}

/** fastai's `fine_tune`: the head first, then everything with rates from base / 200 (body) to base / 2 (head). */
export function fineTune(epochs: number, freezeEpochs: number, base: number): Fit[] {
  const frozen: Fit = {
    frozen: true,
    epochs: freezeEpochs,
    schedule: oneCycle({ learningRate: { to: base }, pctStart: 0.99 }),
  };
  const half = base / 2;
  const unfrozen: Fit = {
    frozen: false,
    epochs,
    schedule: oneCycle({ learningRate: { from: half / 100, to: half }, pctStart: 0.3, div: 5 }),
  };
  return freezeEpochs > 0 ? [frozen, unfrozen] : [unfrozen];
}

/** `unfreeze(); fit_one_cycle(epochs, base)`. */
export function fitOneCycle(epochs: number, base: number): Fit[] {
  return [{ frozen: false, epochs, schedule: oneCycle({ learningRate: base }) }];
}

/** The fits of a run, in order. */
export function planFits(config: TrainingConfig): Fit[] {
  switch (config.schedule) {
    case 'FINE_TUNE':
      return fineTune(config.epochs, config.freezeEpochs, config.baseLearningRate);
    case 'FIT_ONE_CYCLE':
      return fitOneCycle(config.epochs, config.baseLearningRate);
  }
}
