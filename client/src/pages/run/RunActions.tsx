import { useState } from 'react';
import { useLocation } from 'wouter';
import { useApiMutation } from '../../api/hooks.ts';
import { CancelRunDocument, DeleteRunDocument, RetryRunDocument } from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Confirm } from '../../ui/Dialog.tsx';
import { toasts } from '../../ui/toasts.ts';
import { EditRun } from './EditRun.tsx';
import { isOver, type RunFacts } from './runState.ts';

type Question = 'cancel' | 'delete' | 'edit';

/** What can be done with a run in its state. */
export function RunActions({ facts, reload }: { readonly facts: RunFacts; readonly reload: () => void }) {
  const { id, name, status, kind, experiment } = facts;
  const [question, setQuestion] = useState<Question | null>(null);
  const [, navigate] = useLocation();
  const cancel = useApiMutation(CancelRunDocument);
  const retry = useApiMutation(RetryRunDocument);
  const remove = useApiMutation(DeleteRunDocument);
  const close = () => setQuestion(null);

  const doCancel = () =>
    attempt(async () => {
      const { cancelRun } = await cancel.mutateAsync({ id }).finally(close);
      reload();
      return cancelRun.userErrors;
    });
  const doRetry = () =>
    attempt(async () => {
      const { retryRun } = await retry.mutateAsync({ id });
      reload();
      return retryRun.userErrors;
    });
  const doDelete = () =>
    attempt(async () => {
      const { deleteRun } = await remove.mutateAsync({ id }).finally(close);
      if (!deleteRun.userErrors.length) {
        toasts.show(`The run ${name} is deleted`);
        navigate(routes.experiment(experiment.id), { replace: true });
      }
      return deleteRun.userErrors;
    });

  return (
    <>
      {!isOver(status) && (
        <Button onClick={() => setQuestion('cancel')} disabled={status === 'CANCELING'}>
          Cancel run
        </Button>
      )}
      {(status === 'FAILED' || status === 'CANCELED') && (
        <Button onClick={() => void doRetry()} disabled={retry.isPending}>
          Retry
        </Button>
      )}
      {kind === 'TRAINED' && (
        <ButtonLink to={`${routes.start(experiment.id)}?from=${encodeURIComponent(id)}`}>
          Start again with changes
        </ButtonLink>
      )}
      <Button onClick={() => setQuestion('edit')}>Edit</Button>
      {isOver(status) && (
        <Button look="danger" onClick={() => setQuestion('delete')}>
          Delete
        </Button>
      )}
      {question === 'cancel' && (
        <Confirm
          title={`Cancel ${name}?`}
          action="Cancel run"
          busy={cancel.isPending}
          onConfirm={() => void doCancel()}
          onClose={close}
        >
          <p>What it has measured so far stays, and so does its last checkpoint: a retry goes on from there.</p>
        </Confirm>
      )}
      {question === 'delete' && (
        <Confirm
          title={`Delete ${name}?`}
          action="Delete for good"
          busy={remove.isPending}
          onConfirm={() => void doDelete()}
          onClose={close}
        >
          <p>Its curves, log, predictions, weights and checkpoints go with it. This cannot be undone.</p>
        </Confirm>
      )}
      {question === 'edit' && <EditRun facts={facts} onClose={close} onSaved={reload} />}
    </>
  );
}

/** Does something, and says what was refused. */
async function attempt(action: () => Promise<readonly { readonly message: string }[]>): Promise<void> {
  try {
    for (const { message } of await action()) toasts.refuse(message);
  } catch (error) {
    toasts.refuse((error as Error).message);
  }
}
