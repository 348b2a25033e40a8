import type { MetricPoint } from '../domain/run.ts';
import type { RunEventKind, RunEventPayload } from '../domain/runEvent.ts';
import type { StreamedEvent } from '../events/stream.ts';
import type { Resolvers } from '../generated/graphql.ts';
import { within } from './arguments.ts';
import { requireExperiment } from './loaders.ts';
import { mapAsync } from './mapAsync.ts';
import type { EpochRow } from './rows.ts';

/** The type of an event's kind. */
const types = {
  STATUS: 'RunStatusChanged',
  PROGRESS: 'RunProgressed',
  EPOCH: 'EpochCompleted',
  METRICS: 'MetricsLogged',
  MEMORY: 'MemorySampled',
  LOG: 'LogLine',
  PREDICTIONS: 'PredictionsStored',
  PRUNED: 'EventsPruned',
} as const;

export const runEventResolvers: Resolvers = {
  Subscription: {
    runEvents: {
      subscribe: (_, { maxStepRateHz, ...options }, { hub, commands }) =>
        mapAsync(hub.subscribe({ ...options, maxStepRateHz: rate(maxStepRateHz) }), (batch) => ({
          runEvents: { ...batch, serverTime: commands.now() },
        })),
    },
    experimentEvents: {
      subscribe: async (_, { maxStepRateHz, ...options }, { hub, commands, loaders }) => {
        await requireExperiment(loaders, options.experimentId);
        return mapAsync(hub.subscribe({ ...options, maxStepRateHz: rate(maxStepRateHz) }), (batch) => ({
          experimentEvents: { ...batch, serverTime: commands.now() },
        }));
      },
    },
  },
  RunEvent: {
    __resolveType: ({ payload }) => types[payload.kind],
  },
  RunStatusChanged: {
    status: (event) => payloadOf(event, 'STATUS').status,
    attempt: (event) => payloadOf(event, 'STATUS').attempt,
    failure: (event) => payloadOf(event, 'STATUS').failure,
    nextAttemptAt: (event) => {
      const { nextAttemptAt } = payloadOf(event, 'STATUS');
      return nextAttemptAt == null ? null : new Date(nextAttemptAt);
    },
  },
  RunProgressed: {
    progress: (event) => payloadOf(event, 'PROGRESS').progress,
  },
  EpochCompleted: {
    epoch: (event): EpochRow => ({ ...payloadOf(event, 'EPOCH').epoch, completedAt: event.at }),
  },
  MetricsLogged: {
    series: (event) => seriesOf(payloadOf(event, 'METRICS').points, event.at),
  },
  MemorySampled: {
    point: (event) => ({ ...payloadOf(event, 'MEMORY').point, at: event.at }),
  },
  LogLine: {
    seq: (event) => payloadOf(event, 'LOG').logSeq ?? null,
    line: (event) => payloadOf(event, 'LOG').line,
    stream: (event) => payloadOf(event, 'LOG').stream,
  },
  PredictionsStored: {
    predictions: (event, _, { loaders }) => loaders.predictionSet.load(payloadOf(event, 'PREDICTIONS').predictionSetId),
  },
  EventsPruned: {
    count: ({ seq }) => seq,
  },
};

function rate(maxStepRateHz: number | null | undefined): number | null {
  return typeof maxStepRateHz === 'number' ? within('maxStepRateHz', maxStepRateHz, 0.1, 100) : null;
}

function payloadOf<K extends RunEventKind>({ payload }: StreamedEvent, kind: K): RunEventPayload & { kind: K } {
  if (payload.kind !== kind) throw new Error(`an event of kind ${payload.kind} was taken for ${kind}`);
  return payload as RunEventPayload & { kind: K };
}

/** Points grouped by name, in order of first appearance. */
function seriesOf(points: readonly MetricPoint[], at: Date) {
  const byName = new Map<string, { step: number; value: number; at: Date }[]>();
  for (const { name, step, value } of points) {
    const series = byName.get(name) ?? [];
    byName.set(name, series);
    series.push({ step, value, at });
  }
  return [...byName].map(([name, own]) => ({ name, points: own, downsampled: false, total: own.length }));
}
