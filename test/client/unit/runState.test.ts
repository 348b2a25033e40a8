import { describe, expect, it } from 'vitest';
import {
  applyEvents,
  asksForSnapshot,
  fromSnapshot,
  type RunEvent,
  type RunSnapshot,
} from '../../../client/src/pages/run/runState.ts';
import { seriesLimit } from '../../../client/src/pages/run/series.ts';

const moment = (second: number) => new Date(Date.UTC(2026, 10, 23, 4, 0, 0) + second * 1000).toISOString();

const snapshot: RunSnapshot = {
  id: 'run_1',
  eventCursor: 'c0',
  name: 'a run',
  kind: 'TRAINED',
  memoryProbe: null,
  status: 'RUNNING',
  experiment: { id: 'exp_1', name: 'leaves', objective: { metric: 'valid/error_rate', direction: 'ASC' } },
  sweep: null,
  config: {},
  architecture: 'convnext_atto',
  tags: [],
  notes: null,
  createdAt: moment(0),
  startedAt: moment(1),
  finishedAt: null,
  prunedAt: null,
  nextAttemptAt: null,
  skippedImages: null,
  failure: null,
  progress: null,
  attempts: [],
  epochs: [],
  metrics: [],
  peakMemory: null,
  imagesPerSecond: null,
  trainSeconds: null,
  predictions: [],
  artifacts: [],
  metricHistory: [],
  memory: { budget: null, points: [] },
};

const finite = (value: number) => ({ value, nonFinite: null });
const nan = { value: null, nonFinite: 'NAN' } as const;

function logged(second: number, points: readonly (readonly [step: number, value: number])[]): RunEvent {
  const at = moment(second);
  const parts = points.map(([step, value]) => ({ step, at, value: Number.isNaN(value) ? nan : finite(value) }));
  return {
    __typename: 'MetricsLogged',
    at,
    series: [{ name: 'train/loss', downsampled: false, points: parts }],
  };
}

const status = (second: number, name: RunSnapshot['status'], more: object = {}): RunEvent => ({
  __typename: 'RunStatusChanged',
  at: moment(second),
  status: name,
  attempt: 1,
  failure: null,
  nextAttemptAt: null,
  ...more,
});

const progressed = (second: number, batch: number): RunEvent => ({
  __typename: 'RunProgressed',
  at: moment(second),
  progress: {
    ...({ phase: 'UNFROZEN', epoch: 0, epochs: 2, batch, batches: 10 } as const),
    ...{ imagesPerSecond: 50, etaSeconds: 9, weights: null },
  },
});

const sampled = (second: number, step: number, peak: number): RunEvent => ({
  __typename: 'MemorySampled',
  at: moment(second),
  point: { step, at: moment(second), used: peak / 2, peak, deviceUsed: null, deviceTotal: null },
});

const finished = (second: number, index: number, errorRate: number): RunEvent => ({
  __typename: 'EpochCompleted',
  at: moment(second),
  epoch: {
    index,
    phase: 'UNFROZEN',
    trainLoss: finite(1),
    validLoss: nan,
    errorRate,
    seconds: 2,
    imagesPerSecond: 50,
    peakMemory: 100,
    completedAt: moment(second),
  },
});

const stored = (second: number, id: string, split: 'VALID' | 'TEST'): RunEvent => ({
  __typename: 'PredictionsStored',
  at: moment(second),
  predictions: {
    id,
    split,
    kind: 'PLAIN',
    createdAt: moment(second),
    rowCount: 3,
    vocab: ['a', 'b'],
    passes: 0,
    beta: null,
    contentHash: 'h',
    downloadUrl: '/p',
  },
});

const story: readonly RunEvent[] = [
  status(1, 'RUNNING'),
  progressed(2, 1),
  logged(3, [
    [1, 3],
    [2, 2.5],
  ]),
  sampled(4, 2, 900),
  progressed(5, 3),
  logged(6, [
    [3, Number.NaN],
    [4, 2],
  ]),
  sampled(7, 4, 800),
  finished(8, 0, 0.5),
  finished(9, 1, 0.25),
  stored(10, 'prd_2', 'VALID'),
  stored(11, 'prd_3', 'TEST'),
  status(12, 'FAILED', { failure: { code: 'DIVERGED', message: 'NaN', retryable: false } }),
];

/** All orders of a few, some of many: by a multiplicative walk. */
function* shuffles(events: readonly RunEvent[]): Generator<readonly RunEvent[]> {
  for (const stride of [5, 7, 11]) yield events.map((_, index) => events[(index * stride + 3) % events.length]!);
  yield [...events].reverse();
}

describe('what the page knows of a run', () => {
  const told = applyEvents(fromSnapshot(snapshot), story, 'c9');

  it('follows what happens', () => {
    expect(told.cursor).toBe('c9');
    expect(told.facts).toMatchObject({
      status: 'FAILED',
      failure: { code: 'DIVERGED' },
      progress: { batch: 3 },
      imagesPerSecond: 50,
      peakMemory: 900,
    });
    expect(told.facts.epochs.map(({ errorRate }) => errorRate)).toEqual([0.5, 0.25]);
    expect(told.facts.predictions.map(({ id }) => id)).toEqual(['prd_3', 'prd_2']);
    expect(told.series.get('train/loss')?.points.map(({ step, value }) => [step, value])).toEqual([
      [1, 3],
      [2, 2.5],
      [3, Number.NaN],
      [4, 2],
    ]);
    expect(told.memory.points.map(({ step, peak }) => [step, peak])).toEqual([
      [2, 900],
      [4, 800],
    ]);
  });

  it('is the same when events come twice', () => {
    expect(applyEvents(told, story, 'c9')).toEqual(told);
    expect(applyEvents(fromSnapshot(snapshot), [...story, ...story], 'c9')).toEqual(told);
  });

  it('is the same in whatever order events come', () => {
    for (const events of shuffles(story)) expect(applyEvents(fromSnapshot(snapshot), events, 'c9')).toEqual(told);
  });

  it('is the same in whatever batches events come', () => {
    const one = story.reduce((state, event, index) => applyEvents(state, [event], `c${index}`), fromSnapshot(snapshot));
    expect({ ...one, cursor: 'c9' }).toEqual(told);
  });

  it('changes nothing of the state it was given', () => {
    const before = fromSnapshot(snapshot);
    const copy = structuredClone(before);
    applyEvents(before, story, 'c1');
    expect(before).toEqual(copy);
  });

  it('takes the failure of an attempt that is tried again for no failure of the run', () => {
    const failure = { code: 'LEASE_LOST', message: 'gone', retryable: true };
    const next = applyEvents(told, [status(13, 'QUEUED', { failure, nextAttemptAt: moment(30) })], 'c10');
    expect(next.facts).toMatchObject({ status: 'QUEUED', failure: null, nextAttemptAt: moment(30) });
  });

  it('ends an attempt with the status that ended it, and keeps its own end', () => {
    const attempt = {
      number: 1,
      worker: null,
      status: 'RUNNING',
      startedAt: moment(1),
      finishedAt: null,
      engine: null,
      accumulation: 2,
      device: null,
      precision: null,
      versions: null,
      failure: null,
      resumedFromEpoch: null,
    } as const;
    const failure = { code: 'LEASE_LOST', message: 'gone', retryable: true };
    const events = [status(2, 'RUNNING'), status(3, 'QUEUED', { failure }), status(9, 'CANCELED')];
    const ended = applyEvents(fromSnapshot({ ...snapshot, attempts: [attempt] }), events, 'c1');
    expect(ended.facts.attempts).toMatchObject([{ status: 'FAILED', failure, finishedAt: moment(3) }]);
    expect(ended.facts.status).toBe('CANCELED');
    expect(applyEvents(ended, events, 'c1')).toEqual(ended);
  });

  it('takes what a later attempt has computed again', () => {
    const again = applyEvents(told, [logged(20, [[2, 7]]), finished(21, 0, 0.125), stored(22, 'prd_9', 'TEST')], 'c10');
    expect(again.series.get('train/loss')?.points.map(({ value }) => value)).toEqual([3, 7, Number.NaN, 2]);
    expect(again.facts.epochs.map(({ errorRate }) => errorRate)).toEqual([0.125, 0.25]);
    expect(again.facts.predictions.map(({ id }) => id)).toEqual(['prd_9', 'prd_2']);
    // And the earlier one no more.
    expect(applyEvents(again, story, 'c10')).toEqual(again);
  });

  it('asks for a new snapshot when attempts may have begun or ended', () => {
    expect(asksForSnapshot([progressed(1, 1), logged(2, [[1, 1]])])).toBe(false);
    expect(asksForSnapshot([progressed(1, 1), status(2, 'RUNNING')])).toBe(true);
  });
});

describe('a million points', () => {
  const total = 1_000_000;
  const batch = 5_000;
  const odd = new Map([
    [123_457, 50],
    [654_321, Number.NaN],
    [777_778, -50],
  ]);
  let state = fromSnapshot(snapshot);
  let largest = 0;
  for (let from = 1; from <= total; from += batch) {
    const points = Array.from({ length: batch }, (_, index) => {
      const step = from + index;
      return [step, odd.get(step) ?? step / total] as const;
    });
    state = applyEvents(state, [logged(from / batch, points), sampled(from / batch, from, from)], 'c');
    largest = Math.max(largest, state.series.get('train/loss')!.points.length);
  }
  const { points, spacing } = state.series.get('train/loss')!;

  it('take the room of some thousand', () => {
    expect(largest).toBeLessThanOrEqual(seriesLimit);
    expect(state.memory.points.length).toBeLessThanOrEqual(seriesLimit);
    expect(points.length).toBeGreaterThan(seriesLimit / 4);
  });

  it('stay evenly apart, from the first to the last', () => {
    expect(points[0]?.step).toBe(1);
    expect(points.at(-1)?.step).toBe(total);
    const gaps = points.slice(1, -1).map(({ step }, index) => step - points[index]!.step);
    expect(Math.max(...gaps)).toBeLessThan(2 * spacing);
    expect(points.filter(({ step }) => !odd.has(step)).every(({ step, value }) => value === step / total)).toBe(true);
  });

  it('keep spikes, and what is not finite', () => {
    expect(points.filter(({ step }) => odd.has(step)).map(({ step, value }) => [step, value])).toEqual([...odd]);
  });

  it('are the same in one piece and out of order', () => {
    const all = Array.from({ length: 20_000 }, (_, index) => [index + 1, Math.sin(index)] as const);
    const whole = applyEvents(fromSnapshot(snapshot), [logged(1, all)], 'c').series;
    const pieces = Array.from({ length: 20 }, (_, index) => logged(1, all.slice(index * 1000, index * 1000 + 1000)));
    for (const events of shuffles(pieces.slice(0, 19))) {
      expect(applyEvents(fromSnapshot(snapshot), [...events, pieces[19]!, pieces[4]!], 'c').series).toEqual(whole);
    }
  });

  it('go on at the density that the server has thinned to', () => {
    const thinned = Array.from({ length: 800 }, (_, index) => index * 1250);
    const history = {
      name: 'train/loss',
      downsampled: true,
      points: thinned.map((step) => ({ step, at: moment(0), value: finite(step === 501_250 ? 9 : 1) })),
    };
    const later = Array.from({ length: 10_000 }, (_, index) => [total + index, 1] as const);
    const next = applyEvents(fromSnapshot({ ...snapshot, metricHistory: [history] }), [logged(1, later)], 'c');
    const series = next.series.get('train/loss')!.points;
    expect(series.length - 800).toBeGreaterThan(5);
    expect(series.length - 800).toBeLessThan(20);
    expect(series.filter(({ value }) => value === 9).map(({ step }) => step)).toEqual([501_250]);
  });
});
