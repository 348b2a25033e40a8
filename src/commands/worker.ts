/** Workers make themselves known, and learn what became of the runs they hold. */

import { notify, workerChannel } from '../events/waker.ts';
import { type AttemptToken, findHolds } from '../store/attempt.ts';
import { sampleDevices } from '../store/deviceSample.ts';
import { confirmAttempts } from '../store/lease.ts';
import {
  type DeviceReading,
  insertWorker,
  markWorkerStopped,
  putDevices,
  touchWorker,
  type Worker,
  type WorkerProcess,
} from '../store/worker.ts';
import type { CommandContext } from './context.ts';
import { inTransaction } from './transaction.ts';

/** Returns the new worker's id. */
export async function registerWorker(
  ctx: CommandContext,
  worker: Pick<Worker, 'host' | 'pid' | 'version' | 'engine'> &
    WorkerProcess & { readonly devices: readonly DeviceReading[] },
): Promise<string> {
  const { devices, ...process } = worker;
  const id = ctx.newId('worker');
  await inTransaction(ctx, async (tx) => {
    await insertWorker(tx, { ...process, id, startedAt: ctx.now() });
    await putDevices(tx, id, devices);
  });
  await notify(ctx.db, workerChannel, [id]);
  return id;
}

/** `lost`: another attempt has taken over or the run has ended, so nothing of this one will be stored any more. */
export type Hold = 'wanted' | 'canceling' | 'lost';

/**
 * Says the worker is alive, stores the newest device readings, and answers for each attempt in hand whether it is still
 * wanted: what a NOTIFY may have failed to say. Those that are have been confirmed. The answers are in the order of `attempts`.
 */
export async function heartbeatWorker(
  ctx: CommandContext,
  heartbeat: {
    readonly workerId: string;
    readonly devices: readonly DeviceReading[];
    readonly attempts: readonly AttemptToken[];
  },
): Promise<Hold[]> {
  const { workerId, devices, attempts } = heartbeat;
  const runs = await inTransaction(ctx, async (tx) => {
    // One moment: a sample is known by it as the report that it was.
    const now = ctx.now();
    await touchWorker(tx, workerId, now);
    await putDevices(tx, workerId, devices);
    await sampleDevices(tx, workerId, now);
    await confirmAttempts(tx, attempts);
    return findHolds(
      tx,
      attempts.map((attempt) => attempt.runId),
    );
  });
  await notify(ctx.db, workerChannel, [workerId]);
  return attempts.map(({ runId, attempt }) => {
    const run = runs.get(runId);
    if (run?.currentAttempt !== attempt) return 'lost';
    switch (run.status) {
      case 'RUNNING':
        return 'wanted';
      case 'CANCELING':
        return 'canceling';
      default:
        return 'lost';
    }
  });
}

/** The worker has ended in order. */
export async function stopWorker(ctx: CommandContext, workerId: string): Promise<void> {
  await markWorkerStopped(ctx.db.prisma, workerId, ctx.now());
  await notify(ctx.db, workerChannel, [workerId]);
}
