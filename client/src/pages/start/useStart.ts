import { useState } from 'react';
import { useLocation } from 'wouter';
import { useApiMutation } from '../../api/hooks.ts';
import { useIdempotencyKey } from '../../api/idempotency.ts';
import { StartRunDocument, StartSweepDocument } from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { toasts } from '../../ui/toasts.ts';
import type { Draft, Problem, Request } from './draft.ts';

/** Sends the form: once, however often the button is pressed, and goes to what was started. */
export function useStart(draft: Draft): {
  readonly start: (request: Request) => Promise<void>;
  readonly busy: boolean;
  /** What the server has against the draft as it is now. */
  readonly refused: readonly Problem[];
  /** The answer was lost, or the server failed. */
  readonly error: Error | null;
} {
  const [, navigate] = useLocation();
  const run = useApiMutation(StartRunDocument);
  const sweep = useApiMutation(StartSweepDocument);
  const { keyFor, done } = useIdempotencyKey();
  const [refusal, setRefusal] = useState<{ readonly draft: Draft; readonly problems: readonly Problem[] } | null>(null);
  const finish = (to: string, text: string) => {
    done();
    toasts.show(text);
    navigate(to);
  };
  const start = async (request: Request) => {
    setRefusal(null);
    if (request.run) {
      const input = { ...request.run, idempotencyKey: keyFor(request.run) };
      const { startRun } = await run.mutateAsync({ input });
      if (startRun.run) return finish(routes.run(startRun.run.id), `Queued ${startRun.run.name}`);
      return setRefusal({ draft, problems: startRun.userErrors });
    }
    const input = { ...request.sweep, idempotencyKey: keyFor(request.sweep) };
    const { startSweep } = await sweep.mutateAsync({ input });
    if (startSweep.sweep) return finish(routes.sweep(startSweep.sweep.id), `Queued ${startSweep.sweep.name}`);
    return setRefusal({ draft, problems: startSweep.userErrors });
  };
  return {
    // The error is told by `error`.
    start: (request) => start(request).catch(() => {}),
    busy: run.isPending || sweep.isPending,
    refused: refusal?.draft === draft ? refusal.problems : [],
    error: run.error ?? sweep.error,
  };
}
