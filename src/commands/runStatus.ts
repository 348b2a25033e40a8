import type { Transaction } from '../db/database.ts';
import type { RunFailure, RunStatus } from '../domain/run.ts';
import type { RunEventPayload } from '../domain/runEvent.ts';
import { appendEvents } from '../store/event.ts';
import { moveRun, type RunChange } from '../store/run.ts';
import type { CommandContext } from './context.ts';

/** A run with events that subscribers were not told of yet. */
export interface WakeUp {
  readonly experimentId: string;
  readonly runId: string;
  readonly seq: number;
}

export interface StatusMove {
  readonly status: RunStatus;
  readonly change?: RunChange;
  /** With QUEUED: why the last attempt failed. The run itself has not. */
  readonly retried?: RunFailure;
}

/**
 * Moves a locked run through one or more states, with an event each. The caller has checked that the moves are allowed; one
 * that is not is a bug and rolls the transaction back.
 */
export async function changeStatus(
  ctx: CommandContext,
  tx: Transaction,
  run: { readonly id: string; readonly attempt: number },
  moves: readonly StatusMove[],
): Promise<WakeUp> {
  for (const { status, change } of moves) {
    if (!(await moveRun(tx, run.id, status, change))) throw new Error(`run ${run.id} cannot become ${status}`);
  }
  const events = moves.map(({ status, change, retried }): RunEventPayload => {
    const attempt = change?.currentAttempt ?? run.attempt;
    const next = change?.nextAttemptAt ? { nextAttemptAt: change.nextAttemptAt.toISOString() } : {};
    return { kind: 'STATUS', status, attempt, failure: change?.failure ?? retried ?? null, ...next };
  });
  const { experimentId, lastSeq } = await appendEvents(tx, run.id, events, ctx.now());
  return { experimentId, runId: run.id, seq: lastSeq };
}
