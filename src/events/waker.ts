/** Wakes subscribers by NOTIFY: a pointer only, after the commit, and rarely. Events themselves are read from the log. */

import type { Database } from '../db/database.ts';

/** Channel of `experimentId:runId:seq`: the run has events up to seq. */
export const runEventChannel = 'run_event';
/** Channel of run ids: the run shall be canceled. */
export const runCancelChannel = 'run_cancel';
/** Channel of worker ids: the worker or its devices changed. */
export const workerChannel = 'worker';
/** Channel of ids of API keys and sessions that may not be used any more. */
export const accessChannel = 'access';

/** Milliseconds. A process sends at most one NOTIFY statement in this time: NOTIFY takes a lock that all committing transactions share. */
const usualInterval = 100;

export interface RunWaker {
  /** Call after the commit. Returns at once; a lost wake-up is made good by the hub's slow poll. */
  wake(run: { readonly experimentId: string; readonly runId: string; readonly seq: number }): void;
  /** Sends what is pending. */
  close(): Promise<void>;
}

export function createRunWaker(db: Database, intervalMs = usualInterval): RunWaker {
  /** Newest sequence number per run, not sent yet. */
  const pending = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> = Promise.resolve();

  const send = () => {
    timer = undefined;
    if (!pending.size) return;
    const payloads = [...pending].map(([run, seq]) => `${run}:${seq}`);
    pending.clear();
    timer = setTimeout(send, intervalMs);
    timer.unref();
    sending = notify(db, runEventChannel, payloads).catch(() => {});
  };

  return {
    wake: ({ experimentId, runId, seq }) => {
      pending.set(`${experimentId}:${runId}`, seq);
      if (!timer) send();
    },
    close: async () => {
      clearTimeout(timer);
      send();
      clearTimeout(timer);
      await sending;
    },
  };
}

/** One NOTIFY per payload, in one statement. */
export async function notify(db: Database, channel: string, payloads: readonly string[]): Promise<void> {
  await db.pool.query('select pg_notify($1, payload) from unnest($2::text[]) payload', [channel, payloads]);
}
