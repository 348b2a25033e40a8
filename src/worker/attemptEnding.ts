import type { AttemptOutcome } from '../commands/attempt.ts';
import { lease } from '../domain/lease.ts';
import type { RunFailure } from '../domain/run.ts';
import type { HeldAttempt } from './heldAttempt.ts';
import type { TaskOutcome } from './outcome.ts';
import { reasonOf } from './reason.ts';

/** QUEUED: its run goes back to the queue. */
export type AttemptEnding = AttemptOutcome | { readonly status: 'QUEUED' };

/** What becomes of an attempt. What the trainer completed counts, also when it was asked to stop meanwhile. */
export function endingOf({ unstored, reason, maxSeconds }: HeldAttempt, end: TaskOutcome): AttemptEnding {
  switch (end.status === 'SUCCEEDED' && !unstored ? undefined : reason) {
    case 'drain':
      return { status: 'QUEUED' };
    case 'cancel':
      return { status: 'CANCELED' };
    case 'timeout':
      return { status: 'FAILED', failure: timedOut(maxSeconds!) };
    case 'unconfirmed':
      return { status: 'FAILED', failure: unconfirmed };
    case 'unstored':
      return { status: 'FAILED', failure: incomplete(unstored!.error) };
    case 'lost':
    case undefined:
      return end.status === 'RETRY' ? { status: 'FAILED', failure: end.failure } : end;
  }
}

function incomplete(error: unknown): RunFailure {
  const message = `what the trainer told could not be stored: ${reasonOf(error)}`;
  return { code: 'INTERNAL', message, retryable: true };
}

const unconfirmed: RunFailure = {
  code: 'LEASE_LOST',
  message: `the worker had no answer from the database for ${lease.unconfirmed / 1000} s, or was stopped itself, and ended its trainer, for another worker could have taken the run over`,
  retryable: true,
};

function timedOut(maxSeconds: number): RunFailure {
  const message = `the attempts of the run have taken its maxSeconds of ${maxSeconds} together; allow more, or train fewer epochs or smaller images`;
  return { code: 'TIMEOUT', message, retryable: false };
}
