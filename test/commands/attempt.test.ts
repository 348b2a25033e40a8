import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  beginAttempt,
  recordTrainerPid,
  requeueAttempt,
  retryAttempt,
  settleAttempt,
} from '../../src/commands/attempt.ts';
import { recordEvents } from '../../src/commands/recordEvents.ts';
import { recoverAttempts } from '../../src/commands/recoverAttempts.ts';
import { retryRun } from '../../src/commands/retryRun.ts';
import { cancelRun, startRun } from '../../src/commands/run.ts';
import { inTransaction } from '../../src/commands/transaction.ts';
import { heartbeatWorker, registerWorker, stopWorker } from '../../src/commands/worker.ts';
import type { RunFailure } from '../../src/domain/run.ts';
import type { TrainerEvent } from '../../src/domain/trainer.ts';
import { type AttemptToken, findAttempts, lockAttempt } from '../../src/store/attempt.ts';
import { findDeviceSamples } from '../../src/store/deviceSample.ts';
import { findEpochs } from '../../src/store/epoch.ts';
import { readEvents } from '../../src/store/event.ts';
import { secondsBefore } from '../../src/store/lease.ts';
import { findLogLines } from '../../src/store/log.ts';
import { memorySeries } from '../../src/store/memory.ts';
import { findSummaries } from '../../src/store/metric.ts';
import { predictionSetsOfRuns } from '../../src/store/prediction.ts';
import { findRun } from '../../src/store/run.ts';
import { type DeviceReading, getWorkers, isOnline, listWorkers } from '../../src/store/worker.ts';
import { drawnPredictions } from '../support/catalogue.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
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

const db = () => ctx.db.prisma;
const queued = () => startRun(ctx, { experimentId, config: smallConfig });
const begin = (runId: string, redelivered = false) => beginAttempt(ctx, { runId, workerId, redelivered });

async function running(): Promise<AttemptToken> {
  const runId = await queued();
  const begun = await begin(runId);
  return { runId, attempt: begun!.attempt };
}

const statusesOf = async (runId: string) =>
  (await readEvents(db(), [{ runId, after: 0 }], 1000)).flatMap(({ payload }) =>
    payload.kind === 'STATUS' ? [`${payload.status} ${payload.attempt}`] : [],
  );
const statusOf = async (runId: string) => (await findRun(db(), runId))?.status;
const note = (line: string): TrainerEvent => ({ kind: 'log', stream: 'trainer', line });
const crash: RunFailure = { code: 'TRAINER_CRASHED', message: 'killed by SIGSEGV', retryable: false };

describe('beginAttempt', () => {
  test('starts a queued run once, however many jobs it has', async () => {
    const runId = await queued();
    const begun = await Promise.all([begin(runId), begin(runId)]);
    expect(begun.filter((b) => b !== null)).toMatchObject([{ attempt: 1, run: { id: runId } }]);
    expect(await findRun(db(), runId)).toMatchObject({ status: 'RUNNING', startedAt: expect.any(Date) });
    expect(await statusesOf(runId)).toEqual(['QUEUED 0', 'RUNNING 1']);
  });

  test('a redelivered job takes over; what the lost attempt measured stays', async () => {
    const token = await running();
    const { runId } = token;
    const events: TrainerEvent[] = [
      note('first try'),
      { kind: 'metrics', points: [{ name: 'train/loss', step: 1, value: 3 }] },
      { kind: 'memory', point: { step: 1, used: 10, peak: 20, deviceUsed: null, deviceTotal: null } },
      { kind: 'epoch', epoch: epoch(0) },
      { kind: 'predictions', predictions: drawnPredictions(1, ['a.jpg', 'b.jpg'], ['blast', 'normal', 'tungro']) },
    ];
    expect(await recordEvents(ctx, token, events)).toBe('ok');
    expect((await begin(runId, true))?.attempt).toBe(2);
    expect(await statusesOf(runId)).toEqual(['QUEUED 0', 'RUNNING 1', 'QUEUED 1', 'RUNNING 2']);
    expect(await findEpochs(db(), [runId])).toHaveLength(1);
    expect(await findSummaries(db(), [runId])).toMatchObject([{ name: 'train/loss', count: 1, last: 3 }]);
    expect((await memorySeries(db(), runId, 10)).points).toHaveLength(1);
    expect((await predictionSetsOfRuns(db(), [runId])).get(runId)).toHaveLength(1);
    expect(await findRun(db(), runId)).toMatchObject({ peakMemory: 20 });
    expect(await findLogLines(db(), runId, { afterSeq: 0, limit: 10 })).toMatchObject([{ line: 'first try' }]);
    expect(await findAttempts(db(), [runId])).toMatchObject([
      { number: 1, status: 'FAILED', failure: { code: 'LEASE_LOST', retryable: true }, finishedAt: expect.any(Date) },
      { number: 2, status: 'RUNNING', failure: null, finishedAt: null },
    ]);
  });

  test('the attempt that was given up can change nothing any more', async () => {
    const token = await running();
    await begin(token.runId, true);
    const before = await readEvents(db(), [{ runId: token.runId, after: 0 }], 100);
    expect(await recordEvents(ctx, token, [note('late')])).toBe('stale');
    expect(await recordTrainerPid(ctx, token, 1)).toBe('stale');
    expect(await requeueAttempt(ctx, token)).toBe('stale');
    expect(await settleAttempt(ctx, token, { status: 'FAILED', failure: crash })).toBe('stale');
    expect(await readEvents(db(), [{ runId: token.runId, after: 0 }], 100)).toEqual(before);
    expect(await findRun(db(), token.runId)).toMatchObject({ status: 'RUNNING', currentAttempt: 2, failure: null });
  });

  test('a worker that froze in the middle of a write does not keep the run: its transaction is ended', async () => {
    const token = await running();
    let locked = () => {};
    let thaw = () => {};
    const isLocked = new Promise<void>((resolve) => {
      locked = resolve;
    });
    const thawed = new Promise<void>((resolve) => {
      thaw = resolve;
    });
    const frozen = inTransaction(ctx, async (tx) => {
      await lockAttempt(tx, token);
      locked();
      await thawed;
      await tx.$executeRaw`update run set notes = 'late' where id = ${token.runId}`;
    });
    await isLocked;
    expect((await begin(token.runId, true))?.attempt).toBe(2);
    thaw();
    await expect(frozen).rejects.toThrow();
    expect((await findRun(db(), token.runId))?.notes).toBeNull();
  });

  test('a run that loses its worker again and again without getting further is FAILED', async () => {
    const { runId } = await running();
    const { attempts } = ctx.retries.LEASE_LOST!;
    for (let attempt = 2; attempt <= attempts; attempt++) expect((await begin(runId, true))?.attempt).toBe(attempt);
    expect(await begin(runId, true)).toBeNull();
    expect(await findRun(db(), runId)).toMatchObject({
      status: 'FAILED',
      failure: { code: 'LEASE_LOST', message: expect.stringMatching(`^${attempts} attempts in a row came no further`) },
    });
    expect(await begin(runId, true)).toBeNull();
  });

  test('a run that was being canceled when its worker was lost is canceled', async () => {
    const { runId } = await running();
    await cancelRun(ctx, runId);
    expect(await statusOf(runId)).toBe('CANCELING');
    expect(await begin(runId)).toBeNull(); // somebody has it in hand
    expect(await statusOf(runId)).toBe('CANCELING');
    expect(await begin(runId, true)).toBeNull();
    expect(await statusOf(runId)).toBe('CANCELED');
    expect(await findAttempts(db(), [runId])).toMatchObject([{ status: 'CANCELED', finishedAt: expect.any(Date) }]);
  });

  test('a deleted run is nothing to do', async () => {
    expect(await begin('run_gone')).toBeNull();
  });
});

describe('an attempt that fails in a way that another may not', () => {
  const died: RunFailure = { code: 'TRAINER_CRASHED', message: 'killed by SIGKILL', retryable: true };
  const unread: RunFailure = { code: 'DATA_UNREADABLE', message: 'no such folder', retryable: true };
  const fail = (token: AttemptToken, failure = died) => settleAttempt(ctx, token, { status: 'FAILED', failure });
  const newest = async (runId: string): Promise<AttemptToken> => ({ runId, attempt: (await begin(runId))!.attempt });

  test('is followed by the next one after a time that its events and its run tell', async () => {
    const token = await running();
    expect(await fail(token, unread)).toBe('ok');
    const { status, failure, nextAttemptAt, currentAttempt } = (await findRun(db(), token.runId))!;
    expect({ status, failure, currentAttempt }).toEqual({ status: 'QUEUED', failure: null, currentAttempt: 1 });
    const events = await readEvents(db(), [{ runId: token.runId, after: 0 }], 10);
    expect(events.at(-1)!.payload).toEqual({
      ...{ kind: 'STATUS', status: 'QUEUED', attempt: 1, failure: unread },
      nextAttemptAt: nextAttemptAt!.toISOString(),
    });
    expect(await findAttempts(db(), [token.runId])).toMatchObject([{ status: 'FAILED', failure: unread }]);
    const jobs = await ctx.db.pool.query(
      `select priority, start_after > now() as later from pgboss.job where data->>'runId' = $1 order by created_on desc limit 1`,
      [token.runId],
    );
    expect(jobs.rows).toEqual([{ priority: 1, later: true }]);
    await newest(token.runId);
    expect(await findRun(db(), token.runId)).toMatchObject({ status: 'RUNNING', nextAttemptAt: null });
  });

  test('makes its run FAILED when too many in a row came no further', async () => {
    let token = await running();
    const { attempts } = ctx.retries.TRAINER_CRASHED!;
    for (let count = 1; count < attempts; count++) {
      await fail(token);
      token = await newest(token.runId);
    }
    await fail(token);
    expect(await findRun(db(), token.runId)).toMatchObject({
      status: 'FAILED',
      failure: { code: 'TRAINER_CRASHED', retryable: true, message: expect.stringContaining('killed by SIGKILL') },
    });
  });

  test('counts from the last epoch or checkpoint: a run that gets further is not given up', async () => {
    let token = await running();
    const { attempts } = ctx.retries.TRAINER_CRASHED!;
    for (let count = 0; count < 3 * attempts; count++) {
      if (count % (attempts - 1) === 0) await recordEvents(ctx, token, [{ kind: 'epoch', epoch: epoch(count) }]);
      await fail(token);
      expect(await statusOf(token.runId)).toBe('QUEUED');
      token = await newest(token.runId);
    }
  });

  test('counts anew when somebody asks for the run again, as its time does', async () => {
    let token = await running();
    const { attempts } = ctx.retries.TRAINER_CRASHED!;
    for (let count = 1; count < attempts; count++) {
      await fail(token);
      token = await newest(token.runId);
    }
    expect(await secondsBefore(db(), token)).toBeGreaterThan(0);
    await fail(token);
    expect(await statusOf(token.runId)).toBe('FAILED');
    await retryRun(ctx, token.runId);
    token = await newest(token.runId);
    expect(await secondsBefore(db(), token)).toBe(0);
    await fail(token);
    expect(await statusOf(token.runId)).toBe('QUEUED');
  });

  test('ends a run that is being canceled', async () => {
    const token = await running();
    await cancelRun(ctx, token.runId);
    await fail(token);
    expect(await statusOf(token.runId)).toBe('CANCELED');
  });

  test('leaves a canceled run no job, and a run that waits for its next attempt is canceled at once', async () => {
    const token = await running();
    await fail(token);
    await cancelRun(ctx, token.runId);
    expect(await findRun(db(), token.runId)).toMatchObject({ status: 'CANCELED', nextAttemptAt: null });
    expect(await begin(token.runId)).toBeNull();
  });
});

describe('recoverAttempts', () => {
  const machine = 'this boot and namespace';
  const here = (pid: number) =>
    registerWorker(ctx, {
      ...{ host: 'here', pid, pidStart: String(pid), machine, version: '0', engine: 'auto', devices: [] },
    });
  const jobOf = async (runId: string) =>
    (await ctx.db.pool.query(`select state::text from pgboss.job where data->>'runId' = $1`, [runId])).rows;
  /** As a worker of the machine takes it. */
  async function takenBy(pid: number): Promise<AttemptToken> {
    const runId = await queued();
    await ctx.db.pool.query(
      `update pgboss.job set state = 'active', started_on = now(), heartbeat_on = now() where data->>'runId' = $1`,
      [runId],
    );
    return {
      runId,
      attempt: (await beginAttempt(ctx, { runId, workerId: await here(pid), redelivered: false }))!.attempt,
    };
  }
  const recover = async (dead: number) =>
    recoverAttempts(ctx, { machine, workerId: await here(99) }, ({ pid, pidStart }) => {
      expect(pidStart).toBe(String(pid));
      return pid === dead;
    });

  test('gives the jobs of dead workers of the machine to others, once, and of no others', async () => {
    const [dead, alive] = [await takenBy(1001), await takenBy(1002)];
    expect(await recover(1001)).toEqual([dead]);
    expect(await jobOf(dead.runId)).toEqual([{ state: 'retry' }]);
    expect(await jobOf(alive.runId)).toEqual([{ state: 'active' }]);
    expect(await recover(1001)).toEqual([]);
  });

  test('leaves a job alone that somebody has taken since', async () => {
    const { runId } = await takenBy(1003);
    await ctx.db.pool.query(
      `update pgboss.job set started_on = now() + interval '1 second' where data->>'runId' = $1`,
      [runId],
    );
    expect(await recover(1003)).toEqual([]);
    expect(await jobOf(runId)).toEqual([{ state: 'active' }]);
    expect((await beginAttempt(ctx, { runId, workerId: await here(1004), redelivered: true }))?.attempt).toBe(2);
    expect(await recover(1003)).toEqual([]);
  });
});

describe('settleAttempt', () => {
  test('success stores the final figures', async () => {
    const token = await running();
    const outcome = { status: 'SUCCEEDED', imagesPerSecond: 123.5, peakMemory: 3e9, trainSeconds: 60 } as const;
    expect(await settleAttempt(ctx, token, outcome)).toBe('ok');
    expect(await findRun(db(), token.runId)).toMatchObject({ ...outcome, finishedAt: expect.any(Date), failure: null });
    expect(await findAttempts(db(), [token.runId])).toMatchObject([{ status: 'SUCCEEDED' }]);
    expect(await settleAttempt(ctx, token, outcome)).toBe('stale');
    expect(await recordEvents(ctx, token, [note('after the end')])).toBe('stale');
  });

  test('failure is stored with run, attempt and event; unstorable characters are replaced', async () => {
    const token = await running();
    const failure = { ...crash, message: 'bytes: \0 \ud800' };
    await settleAttempt(ctx, token, { status: 'FAILED', failure });
    const stored = { ...crash, message: 'bytes: \uFFFD \uFFFD' };
    expect(await findRun(db(), token.runId)).toMatchObject({ status: 'FAILED', failure: stored });
    expect(await findAttempts(db(), [token.runId])).toMatchObject([{ failure: stored }]);
    const events = await readEvents(db(), [{ runId: token.runId, after: 2 }], 10);
    expect(events.map((e) => e.payload)).toEqual([{ kind: 'STATUS', status: 'FAILED', attempt: 1, failure: stored }]);
  });

  test('a run canceled while it ran ends CANCELED, or SUCCEEDED when the trainer was faster', async () => {
    const [a, b] = [await running(), await running()];
    await cancelRun(ctx, a.runId);
    await cancelRun(ctx, b.runId);
    await settleAttempt(ctx, a, { status: 'CANCELED' });
    await settleAttempt(ctx, b, { status: 'SUCCEEDED', imagesPerSecond: null, peakMemory: null, trainSeconds: null });
    expect([await statusOf(a.runId), await statusOf(b.runId)]).toEqual(['CANCELED', 'SUCCEEDED']);
    expect(await statusesOf(a.runId)).toEqual(['QUEUED 0', 'RUNNING 1', 'CANCELING 1', 'CANCELED 1']);
  });
});

describe('requeueAttempt', () => {
  test('gives the run back with a new job, and does not count as lost', async () => {
    const token = await running();
    expect(await requeueAttempt(ctx, token)).toBe('ok');
    expect(await statusOf(token.runId)).toBe('QUEUED');
    const jobs = await ctx.db.pool.query(`select from pgboss.job where data->>'runId' = $1`, [token.runId]);
    expect(jobs.rowCount).toBe(2);
    expect((await begin(token.runId))?.attempt).toBe(2);
    expect(await findAttempts(db(), [token.runId])).toMatchObject([{ status: 'QUEUED', failure: null }, { number: 2 }]);
  });

  test('cancels a run that was being canceled', async () => {
    const token = await running();
    await cancelRun(ctx, token.runId);
    await requeueAttempt(ctx, token);
    expect(await statusOf(token.runId)).toBe('CANCELED');
  });
});

describe('retryAttempt', () => {
  const failure: RunFailure = { code: 'OUT_OF_MEMORY', message: 'too much', retryable: false };
  const retry = (token: AttemptToken) => retryAttempt(ctx, token, { workerId, failure, accumulation: 2 });

  test('starts the next attempt at once, with another accumulation and nothing of what was measured', async () => {
    const token = await running();
    const point = { name: 'train/loss', step: 1, value: 3 };
    await recordEvents(ctx, token, [{ kind: 'metrics', points: [point] }]);
    const begun = await retry(token);
    expect(begun).toMatchObject({ attempt: 2, run: { id: token.runId, config: { accumulation: 2 } } });
    expect(await statusesOf(token.runId)).toEqual(['QUEUED 0', 'RUNNING 1', 'QUEUED 1', 'RUNNING 2']);
    expect(await findSummaries(db(), [token.runId])).toEqual([]);
    expect(await findAttempts(db(), [token.runId])).toMatchObject([
      { number: 1, accumulation: 1, status: 'FAILED', failure, finishedAt: expect.any(Date) },
      { number: 2, accumulation: 2, status: 'RUNNING', failure: null, workerId },
    ]);
    expect(await retry(token)).toBeNull();
    expect((await findRun(db(), token.runId))?.currentAttempt).toBe(2);
  });

  test('cancels a run that was being canceled', async () => {
    const token = await running();
    await cancelRun(ctx, token.runId);
    expect(await retry(token)).toBeNull();
    expect(await findRun(db(), token.runId)).toMatchObject({
      ...{ status: 'CANCELED', currentAttempt: 1, config: { accumulation: 1 } },
    });
  });

  test('does not count as a lost worker', async () => {
    let token = await running();
    for (let i = 0; i < 4; i++) token = { ...token, attempt: (await retry(token))!.attempt };
    expect((await begin(token.runId, true))?.attempt).toBe(6);
  });
});

describe('workers', () => {
  const device: Omit<DeviceReading, 'processes'> = {
    ...{ index: 0, name: 'CPU', kind: 'CPU', memoryTotal: 8e9, memoryUsed: 3e9, utilization: 0.5, temperature: null },
  };

  test('a heartbeat stores devices, names the run of each process, and answers what became of attempts', async () => {
    const id = await registerWorker(ctx, {
      host: 'there',
      pid: 2,
      version: '1',
      engine: 'onnxruntime',
      devices: [{ ...device, processes: [] }],
    });
    const mine = (runId: string) => beginAttempt(ctx, { runId, workerId: id, redelivered: false });
    const runs = [await queued(), await queued(), await queued()];
    const attempts = [];
    for (const runId of runs) attempts.push({ runId, attempt: (await mine(runId))!.attempt });
    await recordTrainerPid(ctx, attempts[0]!, 4321);
    await cancelRun(ctx, runs[1]!);
    await begin(runs[2]!, true);
    const devices = [
      {
        ...device,
        memoryUsed: 4e9,
        processes: [
          { pid: 4321, memory: 1e9 },
          { pid: 1, memory: 5 },
        ],
      },
    ];
    let clock = Date.now();
    const ticking = { ...ctx, now: () => new Date(clock++) };
    const holds = await heartbeatWorker(ticking, { workerId: id, devices, attempts });
    expect(holds).toEqual(['wanted', 'canceling', 'lost']);
    const worker = (await getWorkers(db(), [id])).get(id)!;
    // By its moment a sample is known as the report that it was.
    expect(await findDeviceSamples(db(), [id], 300)).toMatchObject([{ at: worker.lastSeenAt, runMemory: 1e9 }]);
    expect(worker.devices).toEqual([
      {
        ...device,
        workerId: id,
        memoryUsed: 4e9,
        processes: [
          { pid: 4321, memory: 1e9, runId: runs[0] },
          { pid: 1, memory: 5, runId: null },
        ],
      },
    ]);
    expect([...worker.currentRunIds].sort()).toEqual([runs[0], runs[1]].sort());
    expect(isOnline(worker, new Date(worker.lastSeenAt.getTime() + 1000))).toBe(true);
    expect(isOnline(worker, new Date(worker.lastSeenAt.getTime() + 60_000))).toBe(false);
    await stopWorker(ctx, id);
    expect((await listWorkers(db(), new Date())).map((w) => w.id)).not.toContain(id);
  });
});
