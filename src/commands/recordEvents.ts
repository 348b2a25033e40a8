import type { Transaction } from '../db/database.ts';
import { canonicalJson, type JsonObject } from '../domain/json.ts';
import type { EpochMetrics, MetricPoint } from '../domain/run.ts';
import type { RunEventPayload } from '../domain/runEvent.ts';
import { storableText } from '../domain/text.ts';
import type { TrainerEvent } from '../domain/trainer.ts';
import {
  type Attempt,
  type AttemptToken,
  deletePredictions,
  deleteResultsAfter,
  findAttempts,
  lockAttempt,
  setAttemptEnvironment,
} from '../store/attempt.ts';
import { insertEpochs } from '../store/epoch.ts';
import { appendEvents } from '../store/event.ts';
import { insertLogLines } from '../store/log.ts';
import { insertMemorySamples } from '../store/memory.ts';
import { insertPoints, metricNameIds, updateObjective } from '../store/metric.ts';
import { hasPredictions, putPredictions } from '../store/prediction.ts';
import { resetRunFigures, setSkippedImages, updateRunFigures } from '../store/run.ts';
import type { Written } from './attempt.ts';
import { releaseBlobs } from './blobs.ts';
import { addCheckpoints } from './checkpoints.ts';
import type { CommandContext } from './context.ts';
import { inTransaction } from './transaction.ts';

/**
 * Stores a batch of a trainer's events in one transaction: the log that subscribers replay, the tables that queries read, and the rows of
 * checkpoints, which so are never ahead of what belongs to them. What an earlier attempt has stored already (points, epochs,
 * predictions: computed again after a checkpoint) keeps its first value and makes no second event.
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
  const done = await inTransaction(ctx, async (tx) => {
    if (!(await lockAttempt(tx, token))) return null;
    const { runId } = token;
    const at = ctx.now();
    for (const started of batch.started) await begin(tx, token, started);
    const fresh: Fresh = {
      points: new Set(await insertPoints(tx, runId, batch.points, names, at)),
      epochs: new Set(await insertEpochs(tx, runId, batch.epochs, at)),
    };
    const firstLine = await insertLogLines(tx, runId, batch.lines, at);
    const payloads = await storedPayloads(tx, runId, events, { ...fresh, firstLine });
    const { experimentId, firstSeq, lastSeq } = await appendEvents(tx, runId, payloads, at);
    if (batch.skipped) await setSkippedImages(tx, runId, batch.skipped);
    const memory = payloads.flatMap((payload, i) =>
      payload.kind === 'MEMORY' ? [{ seq: firstSeq + i, point: payload.point }] : [],
    );
    await insertMemorySamples(tx, runId, memory, at);
    if (batch.points.length) await updateObjective(tx, runId);
    const peaks = memory.map(({ point }) => point.peak);
    await updateRunFigures(tx, runId, {
      progress: batch.progress,
      peakMemory: peaks.length ? Math.max(...peaks) : undefined,
    });
    const removed = await addCheckpoints(ctx, tx, runId, batch.checkpoints);
    return { wake: { experimentId, runId, seq: lastSeq }, removed };
  });
  if (!done) return 'stale';
  ctx.waker.wake(done.wake);
  await releaseBlobs(ctx, done.removed);
  return 'ok';
}

type EventOf<K extends TrainerEvent['kind']> = Extract<TrainerEvent, { kind: K }>;

/** A batch by what is stored where. */
function partition(events: readonly TrainerEvent[]) {
  const of = <K extends TrainerEvent['kind']>(kind: K) =>
    events.filter((event): event is EventOf<K> => event.kind === kind);
  return {
    started: of('started'),
    progress: of('progress').at(-1)?.progress,
    epochs: of('epoch').map((event) => event.epoch),
    points: of('metrics').flatMap((event) => event.points),
    lines: of('log').map(({ stream, line }) => ({ stream, line: storableText(line) })),
    checkpoints: of('checkpoint'),
    skipped: of('skipped').at(-1)?.images,
  };
}

/**
 * Stores where an attempt computes and what it has taken over. On the same engine, device and versions it computes to the last bit what
 * the attempts before it did; elsewhere it does not, so that what they have stored past the checkpoint is forgotten first.
 */
async function begin(
  tx: Transaction,
  token: AttemptToken,
  { environment, resumedFrom }: EventOf<'started'>,
): Promise<void> {
  const { runId } = token;
  await setAttemptEnvironment(tx, token, environment, resumedFrom?.epoch ?? null);
  const attempts = await findAttempts(tx, [runId]);
  const own = attempts.find(({ number }) => number === token.attempt)!;
  const first = resumedFrom?.attempt ?? 1;
  const former = attempts.filter(({ number }) => number >= first && number < token.attempt);
  if (former.every((attempt) => attempt.engine === null || surroundings(attempt) === surroundings(own))) return;
  await deleteResultsAfter(tx, runId, resumedFrom ?? { step: -1, epoch: 0 });
  if (!resumedFrom?.trained) await deletePredictions(tx, runId);
  await resetRunFigures(tx, runId);
  await updateObjective(tx, runId);
}

function surroundings({ engine, device, precision, versions }: Attempt): string {
  return canonicalJson({ engine, device, precision, versions } satisfies JsonObject);
}

/** What the run did not have before. */
interface Fresh {
  readonly points: ReadonlySet<MetricPoint>;
  readonly epochs: ReadonlySet<EpochMetrics>;
}

async function storedPayloads(
  tx: Transaction,
  runId: string,
  events: readonly TrainerEvent[],
  fresh: Fresh & { readonly firstLine: number },
): Promise<RunEventPayload[]> {
  const payloads: RunEventPayload[] = [];
  let logSeq = fresh.firstLine;
  for (const event of events) {
    switch (event.kind) {
      case 'progress':
        payloads.push({ kind: 'PROGRESS', progress: event.progress });
        break;
      case 'metrics': {
        const points = event.points.filter((point) => fresh.points.has(point));
        if (points.length) payloads.push({ kind: 'METRICS', points });
        break;
      }
      case 'epoch':
        if (fresh.epochs.has(event.epoch)) payloads.push({ kind: 'EPOCH', epoch: event.epoch });
        break;
      case 'memory':
        payloads.push({ kind: 'MEMORY', point: event.point });
        break;
      case 'log':
        payloads.push({ kind: 'LOG', stream: event.stream, line: event.line, logSeq: logSeq++ });
        break;
      case 'predictions': {
        const { split, kind: predictionKind } = event.predictions;
        if (await hasPredictions(tx, runId, event.predictions)) break;
        const predictionSetId = await putPredictions(tx, runId, event.predictions);
        payloads.push({ kind: 'PREDICTIONS', predictionSetId, split, predictionKind });
        break;
      }
      case 'started':
      case 'skipped':
      case 'checkpoint':
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
