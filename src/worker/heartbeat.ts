/** What a worker does all the time: it says that it lives, hears what became of the runs in hand, and looks after those of dead workers. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandContext } from '../commands/context.ts';
import { recoverAttempts } from '../commands/recoverAttempts.ts';
import { heartbeatWorker } from '../commands/worker.ts';
import { isGone } from '../locks/processes.ts';
import type { Logger } from '../log.ts';
import type { WorkerMetrics } from '../metrics/worker.ts';
import { readDevices } from './deviceReadings.ts';
import { type HeldAttempt, moment } from './heldAttempt.ts';
import { observeDevices } from './observe.ts';
import type { VersionWatch } from './versionWatch.ts';

/** Milliseconds. */
const interval = { beat: 2_000, check: 1_000, readings: 3_000 };

export interface HeartbeatOptions {
  readonly ctx: CommandContext;
  readonly log: Logger;
  readonly workerId: string;
  /** This machine's key; undefined: it has none. */
  readonly machine: string | undefined;
  readonly held: ReadonlySet<HeldAttempt>;
  readonly metrics: WorkerMetrics;
  readonly watch: VersionWatch;
}

/** Starts with a beat. The function returned stops it and waits for the beat in progress. */
export function startHeartbeat(options: HeartbeatOptions): () => Promise<void> {
  const { log, held } = options;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const next = async () => {
    try {
      await recover(options);
      await beat(options);
    } catch (error) {
      log.warn({ err: error }, 'heartbeat');
    }
    if (!stopped) {
      timer = setTimeout(() => {
        beating = next();
      }, interval.beat);
    }
  };
  let beating = next();
  const checks = setInterval(() => {
    for (const attempt of held) attempt.check();
  }, interval.check);
  return async () => {
    stopped = true;
    clearTimeout(timer);
    clearInterval(checks);
    await beating;
  };
}

/** Devices with the memory of each trainer, and whether the runs in hand are still wanted. */
async function beat({ ctx, workerId, held, metrics, watch }: HeartbeatOptions): Promise<void> {
  const attempts = [...held];
  const pids = attempts.flatMap((attempt) => attempt.pid ?? []);
  // A driver that hangs must not keep the worker from saying that it lives.
  const devices = await Promise.race([readDevices(pids), sleep(interval.readings, [], { ref: false })]);
  observeDevices(metrics, devices, attempts);
  await watch.check();
  const asked = moment();
  const holds = await heartbeatWorker(ctx, { workerId, devices, attempts: attempts.map(({ token }) => token) });
  holds.forEach((hold, i) => {
    const attempt = attempts[i]!;
    if (hold !== 'lost') attempt.confirm(asked);
    // An attempt that has been settled in the meantime is not in hand any more.
    else if (held.has(attempt)) attempt.end('lost');
    if (hold === 'canceling') attempt.end('cancel');
  });
}

/** Workers that were killed on this machine are known to be dead at once. */
async function recover({ ctx, log, workerId, machine }: HeartbeatOptions): Promise<void> {
  if (machine === undefined) return;
  const recovered = await recoverAttempts(ctx, { machine, workerId }, ({ pid, pidStart }) => isGone(pid, pidStart));
  for (const token of recovered) log.warn(token, 'its worker is dead: its job is delivered again');
}
