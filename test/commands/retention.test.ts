import { afterAll, beforeAll, expect, test } from 'vitest';
import { beginAttempt, settleAttempt } from '../../src/commands/attempt.ts';
import { cleanUp } from '../../src/commands/housekeeping.ts';
import { recordEvents } from '../../src/commands/recordEvents.ts';
import { startRun } from '../../src/commands/run.ts';
import { registerWorker } from '../../src/commands/worker.ts';
import { createListener } from '../../src/db/listener.ts';
import type { RetentionPolicy } from '../../src/domain/retention.ts';
import { createRunEventHub, type SubscribeOptions } from '../../src/events/hub.ts';
import type { RunEventBatch, StreamedEvent } from '../../src/events/stream.ts';
import { insertArtifact } from '../../src/store/artifact.ts';
import { type AuditEntry, insertAuditEntry, listAuditEntries } from '../../src/store/audit.ts';
import { findSummaries } from '../../src/store/metric.ts';
import { findRun } from '../../src/store/run.ts';
import { testId } from '../support/catalogue.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { usualRetention } from '../support/retention.ts';
import { epoch, smallConfig, trainableExperiment } from '../support/runs.ts';

let ctx: TestContext;
let experimentId: string;
let workerId: string;
beforeAll(async () => {
  ctx = await testContext();
  experimentId = await trainableExperiment(ctx);
  workerId = await registerWorker(ctx, { host: 'here', pid: 1, version: '0', engine: 'auto', devices: [] });
});
afterAll(() => ctx.close());

const day = 86_400_000;
const clean = (policy: Partial<RetentionPolicy> = {}) => cleanUp(ctx, { policy: { ...usualRetention, ...policy } });

/** A run with two points, an epoch and a log line; `endedDaysAgo` null: it goes on. */
async function run(endedDaysAgo: number | null): Promise<string> {
  const runId = await startRun(ctx, { experimentId, config: smallConfig });
  const begun = await beginAttempt(ctx, { runId, workerId, redelivered: false });
  const token = { runId, attempt: begun!.attempt };
  await recordEvents(ctx, token, [
    { kind: 'metrics', points: [{ name: 'train/loss', step: 1, value: 0.5 }] },
    { kind: 'epoch', epoch: epoch(0) },
    { kind: 'metrics', points: [{ name: 'train/loss', step: 2, value: 0.25 }] },
    { kind: 'log', stream: 'trainer', line: 'a line' },
    { kind: 'memory', point: { step: 2, used: 1, peak: 1, deviceUsed: null, deviceTotal: null } },
  ]);
  if (endedDaysAgo !== null) {
    await settleAttempt(ctx, token, { status: 'SUCCEEDED', imagesPerSecond: 1, peakMemory: 1, trainSeconds: 1 });
    const finishedAt = new Date(Date.now() - endedDaysAgo * day);
    await ctx.db.prisma.run.update({ where: { id: runId }, data: { finishedAt } });
  }
  return runId;
}

async function details(runId: string) {
  const where = { where: { runId } };
  const { prisma } = ctx.db;
  return {
    points: await prisma.metricPoint.count(where),
    lines: await prisma.runLog.count(where),
    memory: await prisma.memorySample.count(where),
    epochs: await prisma.epochMetric.count(where),
  };
}

test('details of runs that ended long ago go; what they came to stays', async () => {
  const [old, fresh, active] = [await run(8), await run(6), await run(null)];
  const all = { points: expect.any(Number), lines: 1, memory: 1, epochs: 1 };
  expect(await clean()).toMatchObject({ prunedRuns: 0 });
  expect(await details(old)).toEqual(all);
  const summaries = await findSummaries(ctx.db.prisma, [old]);
  expect(await clean({ detailsDays: 7 })).toMatchObject({ prunedRuns: 1 });
  expect(await details(old)).toEqual({ points: 0, lines: 0, memory: 0, epochs: 1 });
  expect(await findSummaries(ctx.db.prisma, [old])).toEqual(summaries);
  expect((await findRun(ctx.db.prisma, old))!.prunedAt).toBeInstanceOf(Date);
  for (const kept of [fresh, active]) {
    expect(await details(kept)).toEqual(all);
    expect((await findRun(ctx.db.prisma, kept))!.prunedAt).toBeNull();
  }
  // Once, not every hour.
  expect(await clean({ detailsDays: 7 })).toMatchObject({ prunedRuns: 0 });
});

test('a subscriber is told what was removed, from whichever cursor and whatever it asked for', async () => {
  const runId = await run(null);
  const listener = createListener(ctx.url);
  const hub = createRunEventHub(ctx.db, listener);
  try {
    await listener.ready();
    const read = async (options: Partial<SubscribeOptions> = {}) => {
      const batches: RunEventBatch[] = [];
      for await (const batch of hub.subscribe({ runId, ...options } as SubscribeOptions)) batches.push(batch);
      return batches.flatMap(({ events }) => events);
    };
    const kinds = (events: readonly StreamedEvent[]) => events.map(({ seq, payload }) => `${seq} ${payload.kind}`);
    const attempt = (await findRun(ctx.db.prisma, runId))!.currentAttempt;
    await settleAttempt(
      ctx,
      { runId, attempt },
      { status: 'SUCCEEDED', imagesPerSecond: 1, peakMemory: 1, trainSeconds: 1 },
    );
    const before = await read();
    const last = before.length;
    expect(before.map(({ seq }) => seq)).toEqual(Array.from({ length: last }, (_, i) => i + 1));
    const finishedAt = new Date(Date.now() - 8 * day);
    await ctx.db.prisma.run.update({ where: { id: runId }, data: { finishedAt } });
    await clean({ detailsDays: 7 });

    const rest = [`${last - 1} PRUNED`, `${last} STATUS`];
    expect(kinds(await read())).toEqual(rest);
    // Every cursor that was handed out before.
    for (const { seq, cursor } of before) {
      expect(kinds(await read({ after: cursor }))).toEqual(rest.slice(seq < last - 1 ? 0 : seq - last + 2));
    }
    expect(kinds(await read({ kinds: ['EPOCH'] }))).toEqual(rest.slice(0, 1));
    expect(kinds(await read({ maxStepRateHz: 4 }))).toEqual(rest);
  } finally {
    hub.close();
    await listener.close();
  }
});

test('a subscriber in the middle of what is removed meets its removal, not a gap', async () => {
  const runId = await run(8);
  const listener = createListener(ctx.url);
  const hub = createRunEventHub(ctx.db, listener);
  try {
    await listener.ready();
    const cursor = Buffer.from(JSON.stringify({ [runId]: 2 })).toString('base64url');
    const stream = hub.subscribe({ runId, after: cursor });
    await clean({ detailsDays: 7 });
    const { value } = await stream.next();
    expect(value!.events[0]!.payload.kind).toBe('PRUNED');
    await stream.return!();
  } finally {
    hub.close();
    await listener.close();
  }
});

test('checkpoints of runs that ended long ago go with their bytes', async () => {
  const runs = { old: await run(8), fresh: await run(6), active: await run(null) };
  const hashes: Record<string, string> = {};
  for (const [name, runId] of Object.entries(runs)) {
    const { hash: contentHash, size } = await ctx.blobs.put(Buffer.from(`checkpoint of ${name}`));
    hashes[name] = contentHash;
    const artifact = { id: testId('artifact'), runId, name: 'c', kind: 'CHECKPOINT', size, contentHash } as const;
    await insertArtifact(ctx.db.prisma, { ...artifact, createdAt: new Date() });
  }
  expect(await clean({ checkpointsDays: 7 })).toMatchObject({ checkpoints: 1 });
  expect(await Promise.all(Object.values(hashes).map((hash) => ctx.blobs.has(hash)))).toEqual([false, true, true]);
});

test('old idempotency keys and workers that are gone are forgotten; attempts stay', async () => {
  const { prisma } = ctx.db;
  const long = new Date(Date.now() - 31 * day);
  const key = { operation: 'startRun', inputHash: 'x', resultId: 'run_x' };
  await prisma.idempotencyKey.createMany({
    data: [
      { ...key, key: 'old', createdAt: long },
      { ...key, key: 'new', createdAt: new Date() },
    ],
  });
  const worker = { host: 'there', pid: 1, version: '0', engine: 'auto', startedAt: long };
  await prisma.worker.createMany({
    data: [
      { ...worker, id: 'wrk_gone', lastSeenAt: long },
      { ...worker, id: 'wrk_here', lastSeenAt: new Date() },
    ],
  });
  const runId = await run(1);
  await prisma.attempt.updateMany({ where: { runId }, data: { workerId: 'wrk_gone' } });
  expect(await clean()).toMatchObject({ idempotencyKeys: 1, workers: 1 });
  expect(await prisma.idempotencyKey.findMany({ select: { key: true } })).toEqual([{ key: 'new' }]);
  expect(await prisma.worker.count({ where: { id: { in: ['wrk_gone', 'wrk_here'] } } })).toBe(1);
  expect(await prisma.attempt.count({ where: { runId, workerId: null } })).toBe(1);
});

test('entries of the audit log go by their age, where they are not kept for good', async () => {
  const entry = (id: string, days: number): AuditEntry => ({
    ...{ id, at: new Date(Date.now() - days * day), actor: 'local', keyId: null, requestId: null, address: null },
    ...{ operation: 'startRun', ids: [], outcome: 'SUCCEEDED', codes: [] },
  });
  for (const made of [entry('aud_old', 8), entry('aud_new', 6)]) await insertAuditEntry(ctx.db.prisma, made);
  const ids = async () => (await listAuditEntries(ctx.db.prisma, { first: 10 })).items.map(({ id }) => id);
  expect(await clean()).toMatchObject({ auditEntries: 0 });
  expect(await ids()).toEqual(['aud_old', 'aud_new']);
  expect(await clean({ auditDays: 7 })).toMatchObject({ auditEntries: 1 });
  expect(await ids()).toEqual(['aud_new']);
});
