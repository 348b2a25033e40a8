/** What charts have below them: steps, epochs, or the time since the run began. */

import { count, significant } from '../../format/numbers.ts';
import type { Stepped } from './series.ts';

export const axes = ['step', 'epoch', 'time'] as const;
export type AxisName = (typeof axes)[number];

export interface Axis {
  readonly label: string;
  readonly format: (x: number) => string;
  readonly of: (place: Stepped) => number;
  /** The step at a place of the axis. */
  readonly stepAt: (x: number) => number;
  /** The place of a step. */
  readonly placeOf: (step: number) => number;
  /** The place of what began at a moment, with this step the next one. */
  readonly beginOf: (begin: Stepped) => number;
}

export interface AxisFacts {
  /** Steps of one epoch; null while that is not known. */
  readonly stepsPerEpoch: number | null;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Points of the longest series: when steps were. */
  readonly clock: readonly Stepped[];
}

export function createAxis(name: AxisName, { stepsPerEpoch, startedAt, clock }: AxisFacts): Axis {
  if (name === 'epoch' && stepsPerEpoch) {
    return {
      label: 'Epoch',
      format: (x) => significant(x, 3).replace(/\.0+$/, ''),
      of: ({ step }) => step / stepsPerEpoch,
      stepAt: (x) => x * stepsPerEpoch,
      placeOf: (step) => step / stepsPerEpoch,
      beginOf: ({ step }) => step / stepsPerEpoch,
    };
  }
  if (name === 'time') {
    const knots = clock.filter(({ at }, index) => clock[index + 1]?.at !== at);
    const seconds = (at: number) => Math.max(0, at - startedAt) / 1000;
    return {
      label: 'Time since the start',
      format: clockTime,
      of: ({ step, at }) => seconds(Math.min(momentOf(knots, step) ?? at, at)),
      stepAt: (x) => lastBefore(clock, startedAt + x * 1000)?.step ?? 0,
      placeOf: (step) => seconds(momentOf(knots, step) ?? knots.at(-1)?.at ?? startedAt),
      beginOf: ({ at }) => seconds(at),
    };
  }
  return {
    label: 'Step',
    // All digits: of a million steps one may look at two hundred.
    format: (x) => count(Math.round(x * 100) / 100),
    of: ({ step }) => step,
    stepAt: (x) => x,
    placeOf: (step) => step,
    beginOf: ({ step }) => step,
  };
}

/**
 * Steps of one epoch, by the last validation, which happens at the end of an epoch.
 * @param epochs finished
 */
export function stepsPerEpoch(epochs: number, lastValidation: number | undefined, batches: number | null) {
  if (epochs > 0 && lastValidation) return lastValidation / epochs;
  return batches;
}

/** Seconds as `2.5 s`, `45 s`, `1:30`, `2:05:00`. */
function clockTime(seconds: number): string {
  if (Math.abs(seconds) < 60) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/**
 * When a step was. Points are told several at a time, with the moment of the last: those between are taken to have come evenly. Null
 * from the newest step on.
 * @param knots the last step of each moment
 */
function momentOf(knots: readonly Stepped[], step: number): number | null {
  const last = knots.at(-1);
  if (!last || step >= last.step) return null;
  const place = Math.max(1, firstFrom(knots, step));
  const [before, after] = [knots[place - 1]!, knots[place] ?? knots[place - 1]!];
  const pace = after === before ? 0 : (after.at - before.at) / (after.step - before.step);
  return before.at + (step - before.step) * pace;
}

/** Where the first of some steps stands that is not smaller than one. */
function firstFrom(knots: readonly Stepped[], step: number): number {
  let low = 0;
  let high = knots.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (knots[middle]!.step < step) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Times of steps only ever rise. */
function lastBefore(clock: readonly Stepped[], at: number): Stepped | undefined {
  return clock.findLast((place) => place.at <= at) ?? clock[0];
}
