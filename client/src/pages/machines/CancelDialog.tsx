import { useState } from 'react';
import { request } from '../../api/request.ts';
import { type Refusal, type Target, writeEach } from '../../domain/writeEach.ts';
import { count } from '../../format/numbers.ts';
import { sentence, sentences } from '../../format/sentence.ts';
import { CancelQueuedDocument, QueueAgainDocument, type RunOnMachineFragment } from '../../generated/operations.ts';
import { Confirm } from '../../ui/Dialog.tsx';
import { Progress } from '../../ui/Meter.tsx';
import { Name } from '../../ui/Name.tsx';
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
  const [refusals, setRefusals] = useState<readonly Refusal[]>([]);
  const begun = targets.filter(({ status }) => status !== 'QUEUED').length;
  const words = targets.length === 1 ? 'this run' : `these ${count(targets.length)} runs`;

  const confirm = async () => {
    const canceled = new Set<string>();
    setDone(0);
    const cancel = async ({ key: id }: Target) => {
      const { run, userErrors } = (await request(CancelQueuedDocument, { id })).cancelRun;
      if (run?.status === 'CANCELED') canceled.add(id);
      return userErrors.length ? sentences(userErrors) : null;
    };
    const refused = await writeEach(
      targets.map(({ id, name }) => ({ key: id, name })),
      cancel,
      setDone,
    );
    setDone(null);
    setRefusals(refused);
    onChange();
    if (refused.length) return;
    const waited = targets.map(({ id }) => id).filter((id) => canceled.has(id));
    toasts.show(targets.length === 1 ? 'The run is canceled' : `${count(targets.length)} runs are canceled`, {
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
      {refusals.length > 0 && (
        <Notice tone="bad" title="Not canceled">
          {refusals.map(({ key, name, problem }) => (
            <p key={key}>
              <Name whole>{name}</Name>: {sentence(problem)}
            </p>
          ))}
        </Notice>
      )}
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
