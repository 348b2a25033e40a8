import { describe, expect, it } from 'vitest';
import { attemptMarks } from '../../../client/src/pages/run/attemptMarks.ts';
import { type AxisName, createAxis, stepsPerEpoch } from '../../../client/src/pages/run/axis.ts';
import { chartSeries, planCharts } from '../../../client/src/pages/run/chartPlan.ts';
import type { RunState } from '../../../client/src/pages/run/runState.ts';

const names = [
  'lr/0',
  'lr/1',
  'momentum',
  'my/score',
  'train/loss',
  'train/loss_smooth',
  'valid/accuracy',
  'valid/error_rate',
  'valid/loss',
];

describe('which series stand in which chart', () => {
  it('puts each into one, those that nobody knows into their own', () => {
    const plans = planCharts(names);
    expect(plans.map(({ title }) => title)).toEqual(['Loss', 'Error rate', 'Learning rate', 'Momentum', 'my/score']);
    expect(plans.flatMap((plan) => plan.names).sort()).toEqual(names.filter((name) => name !== 'valid/accuracy'));
  });

  it('shows the accuracy where there is no error rate', () => {
    expect(planCharts(['valid/accuracy']).map(({ title }) => title)).toEqual(['Accuracy']);
  });
});

describe('series as charts take them', () => {
  const samples = (values: readonly number[]) => ({
    points: values.map((value, index) => ({ step: index + 1, at: index * 1000, value })),
    spacing: 1,
  });
  const series = new Map([
    ['train/loss', samples([4, Number.NaN, 0, 2])],
    ['train/loss_smooth', samples([4, 4, 3, 3])],
    ['valid/loss', samples([3, Number.POSITIVE_INFINITY, 1, 1])],
  ]);
  const [plan] = planCharts(series.keys());
  const axis = createAxis('step', { stepsPerEpoch: 2, startedAt: 0, clock: [] });
  const draw = (smoothing: number, logarithmic: boolean) =>
    chartSeries(plan!, series, { axis, smoothing, logarithmic });
  const valuesOf = (drawn: ReturnType<typeof draw>, label: string) =>
    drawn.find((one) => one.label === label)?.points.map(({ y }) => y);

  it('keep what is not finite as such', () => {
    const drawn = draw(0, false);
    // Nobody has asked for smoothing: it is the trainer's own.
    expect(drawn.map(({ label }) => label)).toEqual(['train', 'train (running mean)', 'valid']);
    expect(valuesOf(drawn, 'train')).toEqual([4, null, 0, 2]);
    expect(valuesOf(drawn, 'valid')).toEqual([3, null, 1, 1]);
  });

  it('have no place for zero on a logarithmic axis', () => {
    expect(valuesOf(draw(0, true), 'train')).toEqual([4, null, 2]);
  });

  it('smooth what is logged at every step, and nothing else; the trainer’s own smoothing makes way', () => {
    const drawn = draw(0.5, false);
    expect(drawn.map(({ label }) => label)).toEqual(['train', 'train, smoothed', 'valid']);
    expect(valuesOf(drawn, 'train')).toEqual([4, null, 0, 2]);
    const smoothed = valuesOf(drawn, 'train, smoothed')!;
    expect(smoothed[0]).toBe(4);
    expect(smoothed[1]).toBeNull();
    // Weights 1/4 and 1/2 of the sum 3/4.
    expect(smoothed[2]).toBeCloseTo(4 / 3, 12);
  });

  it('share the colour of what they are another view of', () => {
    const [raw, smooth, valid] = draw(0, false);
    expect(raw?.colour).toContain(smooth?.colour);
    expect(valid?.colour).not.toBe(smooth?.colour);
  });
});

describe('where later attempts began', () => {
  const at = (seconds: number) => new Date(seconds * 1000).toISOString();
  const attempts = [1, 20, 23, 30].map((seconds, index) => ({ number: index + 1, startedAt: at(seconds) }));
  // The second goes on from step 8 with another memory, though step 10 was done; the third came to nothing.
  const points = (...of: readonly (readonly [step: number, seconds: number])[]) => ({
    points: of.map(([step, seconds]) => ({ step, at: seconds * 1000, value: 1 })),
    spacing: 1,
  });
  const losses = points([5, 5], [10, 10], [12, 22], [20, 40]);
  const state = (count: number) =>
    ({
      facts: { attempts: attempts.slice(0, count) },
      series: new Map([['train/loss', losses]]),
      memory: points([0, 2], [8, 21], [12, 31]),
    }) as unknown as RunState;
  const axis = (name: AxisName) => createAxis(name, { stepsPerEpoch: 4, startedAt: 1_000, clock: losses.points });

  it('is the first step of which they tell, or the moment on an axis of time', () => {
    const second = { label: 'Attempt 2' };
    const fourth = { label: 'Attempt 4' };
    expect(attemptMarks(state(4), axis('step'))).toEqual([
      { ...second, x: 8 },
      { ...fourth, x: 12 },
    ]);
    expect(attemptMarks(state(4), axis('epoch')).map(({ x }) => x)).toEqual([2, 3]);
    expect(attemptMarks(state(4), axis('time')).map(({ x }) => x)).toEqual([19, 29]);
  });

  it('a single attempt is not marked, nor one that has told nothing yet', () => {
    expect(attemptMarks(state(1), axis('step'))).toEqual([]);
    const fresh = { ...state(2), series: new Map(), memory: points([0, 2]) } as unknown as RunState;
    expect(attemptMarks(fresh, axis('step'))).toEqual([]);
  });
});

describe('axes', () => {
  const clock = Array.from({ length: 100 }, (_, index) => ({ step: index + 1, at: 5_000 + index * 250 }));
  const facts = { stepsPerEpoch: 20, startedAt: 4_000, clock };

  it('place a point, and find the step at a place again', () => {
    for (const [name, place] of [
      ['step', 41],
      ['epoch', 2.05],
      ['time', 11],
    ] as const) {
      const axis = createAxis(name, facts);
      expect(axis.of(clock[40]!)).toBeCloseTo(place, 12);
      expect(axis.placeOf(41)).toBeCloseTo(place, 12);
      expect(axis.stepAt(place)).toBeCloseTo(41, 12);
    }
  });

  it('write times as clocks do', () => {
    const { format } = createAxis('time', facts);
    expect([0, 2.5, 45, 90, 3600, 7325].map(format)).toEqual(['0 s', '2.5 s', '45 s', '1:30', '1:00:00', '2:02:05']);
  });

  it('spread points that were told together over the time since those before', () => {
    const together = [1, 2, 3, 4, 5, 6].map((step) => ({ step, at: step <= 3 ? 5_000 : 8_000 }));
    const axis = createAxis('time', { ...facts, clock: together });
    expect(together.map(axis.of)).toEqual([0, 0, 1, 2, 3, 4]);
    expect(axis.placeOf(4.5)).toBe(2.5);
    // What is told of no later step was at its own moment, and nothing was later than that.
    expect(axis.of({ step: 9, at: 8_500 })).toBe(4.5);
    expect(axis.of({ step: 5, at: 5_500 })).toBe(1.5);
    expect(axis.placeOf(9)).toBe(4);
  });

  it('know no time before the start, and no step before the first', () => {
    const axis = createAxis('time', facts);
    expect(axis.stepAt(-100)).toBe(1);
    expect(axis.placeOf(-100)).toBe(0);
    const early = createAxis('time', { ...facts, clock: [] });
    expect(early.stepAt(3)).toBe(0);
    expect(early.placeOf(3)).toBe(0);
    expect(early.of({ step: 3, at: 6_000 })).toBe(2);
    const single = createAxis('time', { ...facts, clock: clock.slice(0, 1) });
    expect(single.of({ step: 0, at: 5_000 })).toBe(1);
  });

  it('count in steps while nobody knows how long an epoch is', () => {
    expect(createAxis('epoch', { ...facts, stepsPerEpoch: null }).label).toBe('Step');
  });

  it('take the length of an epoch from the last validation, before that from the batches', () => {
    expect(stepsPerEpoch(3, 60, 25)).toBe(20);
    expect(stepsPerEpoch(0, undefined, 25)).toBe(25);
    expect(stepsPerEpoch(0, undefined, null)).toBeNull();
  });
});
