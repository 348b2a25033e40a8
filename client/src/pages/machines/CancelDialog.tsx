import { useState } from 'react';
import { request } from '../../api/request.ts';
import { count } from '../../format/numbers.ts';
import { CancelQueuedDocument, QueueAgainDocument, type RunOnMachineFragment } from '../../generated/operations.ts';
import { Confirm } from '../../ui/Dialog.tsx';
import { Progress } from '../../ui/Meter.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { toasts } from '../../ui/toasts.ts';

/** Asks before runs are canceled. Those that only waited can be queued again right after. */
export function CancelDialog({
  runs,
  onChange,
  onClose,
}: {
  readonly runs: readonly Pick<RunOnMachineFragment, 'id' | 'name' | 'status'>[];
  readonly onChange: () => void;
  readonly onClose: () => void;
}) {
  const [targets] = useState(runs);
  const [done, setDone] = useState<number | null>(null);
  const [refusals, setRefusals] = useState<readonly string[]>([]);
  const begun = targets.filter(({ status }) => status !== 'QUEUED').length;
  const words = targets.length === 1 ? 'this run' : `these ${count(targets.length)} runs`;

  const confirm = async () => {
    const refused: string[] = [];
    const waited: string[] = [];
    for (const [index, { id, name }] of targets.entries()) {
      setDone(index);
      try {
        const { run, userErrors } = (await request(CancelQueuedDocument, { id })).cancelRun;
        refused.push(...userErrors.map(({ message }) => `${name}: ${message}`));
        if (run?.status === 'CANCELED') waited.push(id);
      } catch (error) {
        refused.push(`${name}: ${(error as Error).message}`);
      }
    }
    setDone(null);
    setRefusals(refused);
    onChange();
    if (refused.length) return;
    toasts.show(targets.length === 1 ? 'The run was canceled' : `${count(targets.length)} runs were canceled`, {
      ...(waited.length > 0 && { action: { label: 'Queue again', run: () => void queueAgain(waited).then(onChange) } }),
    });
    onClose();
  };

  return (
    <Confirm
      title={`Cancel ${words}?`}
      action={targets.length === 1 ? 'Cancel the run' : `Cancel ${count(targets.length)} runs`}
      busy={done !== null}
      onConfirm={() => void confirm()}
      onClose={onClose}
    >
      <p>
        {begun > 0
          ? `${count(begun)} of ${count(targets.length)} under way: what has been measured stays.`
          : 'Nothing has been computed yet.'}{' '}
        A canceled run can be queued again.
      </p>
      {done !== null && (
        <Progress label="Canceled" share={done / targets.length} text={`${count(done)} of ${count(targets.length)}`} />
      )}
      {refusals.length > 0 && <Notice tone="bad">{refusals.join('\n')}</Notice>}
    </Confirm>
  );
}

async function queueAgain(ids: readonly string[]): Promise<void> {
  try {
    for (const id of ids) {
      const { userErrors } = (await request(QueueAgainDocument, { id })).retryRun;
      for (const { message } of userErrors) toasts.refuse(message);
    }
  } catch (error) {
    toasts.refuse((error as Error).message);
  }
}
