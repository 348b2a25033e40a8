/** What the page knows of a run: a snapshot, and what has happened since. Pure: events may come twice and in any order. */

import type {
  RunEpochPartsFragment,
  RunMemoryPartsFragment,
  RunPageEventsSubscription,
  RunPageQuery,
  RunSeriesPartsFragment,
} from '../../generated/operations.ts';
import { addPoints, type Choice, createSeries, type Series } from './series.ts';

export type RunSnapshot = NonNullable<RunPageQuery['run']>;
export type RunEvent = RunPageEventsSubscription['runEvents']['events'][number];
export type RunFacts = Omit<RunSnapshot, 'eventCursor' | 'metricHistory' | 'memory'>;
type Attempt = RunFacts['attempts'][number];
export type PredictionParts = RunFacts['predictions'][number];

/** One value of a metric, which may be NaN or infinite. `at`: milliseconds since the epoch. */
export interface MetricSample {
  readonly step: number;
  readonly at: number;
  readonly value: number;
}

export type MemorySample = Omit<RunMemoryPartsFragment, 'at'> & { readonly at: number };

export interface RunState {
  readonly facts: RunFacts;
  /** By name. */
  readonly series: ReadonlyMap<string, Series<MetricSample>>;
  readonly memory: Series<MemorySample>;
  /** Bytes that the run may use; null: no limit of its own. */
  readonly budget: number | null;
  /** Where to go on listening. */
  readonly cursor: string;
  /** When what is known of them was so: older events are passed over. Milliseconds since the epoch; 0: from the snapshot. */
  readonly statusAt: number;
  readonly progressAt: number;
}

/** The smallest and the largest value, so that no spike is thinned away, and the first that is not finite. */
const chooseMetric: Choice<MetricSample> = (bucket) => {
  const finite = bucket.filter(({ value }) => Number.isFinite(value));
  const least = best(finite, (point, other) => point.value < other.value);
  const most = best(finite, (point, other) => point.value > other.value);
  const odd = bucket.find(({ value }) => !Number.isFinite(value));
  return bucket.filter((point) => point === least || point === most || point === odd);
};

const chooseMemory: Choice<MemorySample> = (bucket) => [best(bucket, (point, other) => point.peak > other.peak)!];

/** The first point that no other is better than. */
function best<Point>(points: readonly Point[], isBetter: (point: Point, other: Point) => boolean): Point | undefined {
  return points.reduce<Point | undefined>(
    (chosen, point) => (!chosen || isBetter(point, chosen) ? point : chosen),
    undefined,
  );
}

export function fromSnapshot({ eventCursor, metricHistory, memory, ...facts }: RunSnapshot): RunState {
  const windows = memory.points.map(memorySample);
  return {
    facts,
    series: new Map(
      metricHistory.map(({ name, points, downsampled }) => {
        const samples = points.map(metricSample);
        return [name, createSeries(samples, chooseMetric, downsampled ? distanceOf(samples) : 1)];
      }),
    ),
    memory: createSeries(windows, chooseMemory),
    budget: memory.budget,
    cursor: eventCursor,
    statusAt: 0,
    progressAt: 0,
  };
}

/** What is known after more events. `cursor`: that of their batch. */
export function applyEvents(state: RunState, events: readonly RunEvent[], cursor: string): RunState {
  return { ...events.reduce(applyEvent, state), cursor };
}

/** Whether something has happened whose consequences only a new snapshot tells: attempts begin and end with the status. */
export function asksForSnapshot(events: readonly RunEvent[]): boolean {
  return events.some(({ __typename }) => __typename === 'RunStatusChanged' || __typename === 'EventsPruned');
}

function applyEvent(state: RunState, event: RunEvent): RunState {
  const { facts } = state;
  const at = Date.parse(event.at);
  switch (event.__typename) {
    case 'RunStatusChanged': {
      const { status, failure, nextAttemptAt } = event;
      const attempts = facts.attempts.map((attempt) =>
        attempt.number === event.attempt ? ended(attempt, event) : attempt,
      );
      if (at < state.statusAt) return { ...state, facts: { ...facts, attempts } };
      // A failure that is followed by another attempt is the attempt's.
      const ownFailure = status === 'FAILED' ? failure : null;
      return { ...state, facts: { ...facts, attempts, status, nextAttemptAt, failure: ownFailure }, statusAt: at };
    }
    case 'RunProgressed': {
      if (at < state.progressAt) return state;
      const { progress } = event;
      const imagesPerSecond = progress.imagesPerSecond ?? facts.imagesPerSecond;
      return { ...state, facts: { ...facts, progress, imagesPerSecond }, progressAt: at };
    }
    case 'EpochCompleted':
      return { ...state, facts: { ...facts, epochs: withEpoch(facts.epochs, event.epoch) } };
    case 'MetricsLogged':
      return { ...state, series: withPoints(state.series, event.series) };
    case 'MemorySampled': {
      const peakMemory = Math.max(facts.peakMemory ?? 0, event.point.peak);
      const memory = addPoints(state.memory, [memorySample(event.point)], chooseMemory);
      return { ...state, memory, facts: { ...facts, peakMemory } };
    }
    case 'PredictionsStored':
      return { ...state, facts: { ...facts, predictions: withPredictions(facts.predictions, event.predictions) } };
    case 'LogLine':
    case 'EventsPruned':
      return state;
  }
}

/** An attempt after a status of its run: some statuses end it. */
function ended(
  attempt: Attempt,
  { status, failure, at }: Extract<RunEvent, { __typename: 'RunStatusChanged' }>,
): Attempt {
  const goesOn = status === 'RUNNING' || status === 'CANCELING';
  if (goesOn || attempt.finishedAt !== null) return attempt;
  return { ...attempt, status: failure ? 'FAILED' : status, failure, finishedAt: at };
}

function withEpoch(epochs: readonly RunEpochPartsFragment[], epoch: RunEpochPartsFragment) {
  const known = epochs.find(({ index }) => index === epoch.index);
  // The same epoch again: another attempt has computed it.
  if (known && known.completedAt > epoch.completedAt) return epochs;
  return [...epochs.filter((other) => other !== known), epoch].sort((a, b) => a.index - b.index);
}

function withPredictions(sets: readonly PredictionParts[], set: PredictionParts | null) {
  if (!set) return sets;
  const others = sets.filter(({ split, kind }) => split !== set.split || kind !== set.kind);
  const known = sets.find(({ split, kind }) => split === set.split && kind === set.kind);
  if (known && known.createdAt > set.createdAt) return sets;
  return [...others, set].sort((a, b) => `${a.split} ${a.kind}`.localeCompare(`${b.split} ${b.kind}`));
}

function withPoints(
  known: ReadonlyMap<string, Series<MetricSample>>,
  logged: readonly RunSeriesPartsFragment[],
): ReadonlyMap<string, Series<MetricSample>> {
  const series = new Map(known);
  for (const { name, points } of logged) {
    const samples = points.map(metricSample);
    const before = series.get(name);
    series.set(
      name,
      before ? addPoints(before, samples, chooseMetric) : addPoints({ points: [], spacing: 1 }, samples, chooseMetric),
    );
  }
  return new Map([...series].sort(([a], [b]) => (a < b ? -1 : 1)));
}

const nonFinite = {
  NAN: Number.NaN,
  POSITIVE_INFINITY: Number.POSITIVE_INFINITY,
  NEGATIVE_INFINITY: Number.NEGATIVE_INFINITY,
} as const;

export function metricSample({ step, at, value }: RunSeriesPartsFragment['points'][number]): MetricSample {
  return { step, at: Date.parse(at), value: value.nonFinite ? nonFinite[value.nonFinite] : value.value! };
}

function memorySample({ at, ...rest }: RunMemoryPartsFragment): MemorySample {
  return { ...rest, at: Date.parse(at) };
}

/** How far apart thinned points lie, in steps. */
function distanceOf(samples: readonly MetricSample[]): number {
  const first = samples[0];
  const last = samples.at(-1);
  return first && last && samples.length > 1 ? (last.step - first.step) / (samples.length - 1) : 1;
}

export function isOver(status: RunFacts['status']): boolean {
  return status === 'SUCCEEDED' || status === 'FAILED' || status === 'CANCELED';
}
