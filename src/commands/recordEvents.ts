import type { Transaction } from '../db/database.ts';
import type { RunEventPayload } from '../domain/runEvent.ts';
import { storableText } from '../domain/text.ts';
import type { TrainerEvent } from '../domain/trainer.ts';
import { type AttemptToken, lockAttempt, setAttemptEnvironment } from '../store/attempt.ts';
import { insertEpochs } from '../store/epoch.ts';
import { appendEvents } from '../store/event.ts';
import { insertLogLines } from '../store/log.ts';
import { insertMemorySamples } from '../store/memory.ts';
import { insertPoints, metricNameIds, updateObjective } from '../store/metric.ts';
import { putPredictions } from '../store/prediction.ts';
import { updateRunFigures } from '../store/run.ts';
import type { Written } from './attempt.ts';
import type { CommandContext } from './context.ts';
import { inTransaction } from './transaction.ts';

/**
 * Stores a batch of a trainer's events in one transaction: the log that subscribers replay, and the tables that queries read.
 * `artifact`, `finished`, `probed`, `compared` and `failed` store nothing: they are for settleAttempt.
 */
export async function recordEvents(
  ctx: CommandContext,
  token: AttemptToken,
  events: readonly TrainerEvent[],
): Promise<Written> {
  if (!events.length) return 'ok';
  const batch = partition(events);
  const names = await metricNameIds(
    ctx.db.prisma,
    batch.points.map((point) => point.name),
  );
  const wake = await inTransaction(ctx, async (tx) => {
    if (!(await lockAttempt(tx, token))) return null;
    const { runId } = token;
    const at = ctx.now();
    if (batch.environment) await setAttemptEnvironment(tx, token, batch.environment);
    const payloads = await storedPayloads(tx, runId, events);
    const { experimentId, firstSeq, lastSeq } = await appendEvents(tx, runId, payloads, at);
    const memory = payloads.flatMap((payload, i) =>
      payload.kind === 'MEMORY' ? [{ seq: firstSeq + i, point: payload.point }] : [],
    );
    await insertMemorySamples(tx, runId, memory, at);
    await insertPoints(tx, runId, batch.points, names, at);
    await insertEpochs(tx, runId, batch.epochs, at);
    await insertLogLines(tx, runId, batch.lines, at);
    if (batch.points.length) await updateObjective(tx, runId);
    const peaks = memory.map(({ point }) => point.peak);
    await updateRunFigures(tx, runId, {
      progress: batch.progress,
      peakMemory: peaks.length ? Math.max(...peaks) : undefined,
    });
    return { experimentId, runId, seq: lastSeq };
  });
  if (wake) ctx.waker.wake(wake);
  return wake ? 'ok' : 'stale';
}

type EventOf<K extends TrainerEvent['kind']> = Extract<TrainerEvent, { kind: K }>;

/** A batch by what is stored where. */
function partition(events: readonly TrainerEvent[]) {
  const of = <K extends TrainerEvent['kind']>(kind: K) =>
    events.filter((event): event is EventOf<K> => event.kind === kind);
  return {
    environment: of('started').at(-1)?.environment,
    progress: of('progress').at(-1)?.progress,
    epochs: of('epoch').map((event) => event.epoch),
    points: of('metrics').flatMap((event) => event.points),
    lines: of('log').map(({ stream, line }) => ({ stream, line: storableText(line) })),
  };
}

async function storedPayloads(
  tx: Transaction,
  runId: string,
  events: readonly TrainerEvent[],
): Promise<RunEventPayload[]> {
  const payloads: RunEventPayload[] = [];
  for (const event of events) {
    switch (event.kind) {
      case 'progress':
        payloads.push({ kind: 'PROGRESS', progress: event.progress });
        break;
      case 'metrics':
        payloads.push({ kind: 'METRICS', points: event.points });
        break;
      case 'epoch':
        payloads.push({ kind: 'EPOCH', epoch: event.epoch });
        break;
      case 'memory':
        payloads.push({ kind: 'MEMORY', point: event.point });
        break;
      case 'log':
        payloads.push({ kind: 'LOG', stream: event.stream, line: event.line });
        break;
      case 'predictions': {
        const { split, kind: predictionKind } = event.predictions;
        const predictionSetId = await putPredictions(tx, runId, event.predictions);
        payloads.push({ kind: 'PREDICTIONS', predictionSetId, split, predictionKind });
        break;
      }
      case 'started':
      case 'artifact':
      case 'probed':
      case 'compared':
      case 'finished':
      case 'failed':
        break;
    }
  }
  return payloads;
}
