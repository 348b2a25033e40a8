import { useState } from 'react';
import { request } from '../../api/request.ts';
import { count } from '../../format/numbers.ts';
import { sentence } from '../../format/sentence.ts';
import {
  CancelRunOfManyDocument,
  DeleteEnsembleOfManyDocument,
  DeleteRunOfManyDocument,
  RunTagsDocument,
  TagRunDocument,
} from '../../generated/operations.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Stack } from '../../ui/Page.tsx';
import { Segments } from '../../ui/Tabs.tsx';
import { TagsField } from '../../ui/Tags.tsx';
import { toasts } from '../../ui/toasts.ts';
import { BulkProgress, NameList, useBulkWork } from './BulkWork.tsx';
import type { TableRow } from './rows.ts';

interface BulkDialogProps {
  readonly rows: readonly TableRow[];
  readonly onChanged: () => void;
  readonly onClose: () => void;
}

interface Payload {
  readonly userErrors: readonly { readonly message: string }[];
}

const problemOf = ({ userErrors }: Payload) =>
  userErrors.length === 0 ? null : userErrors.map(({ message }) => sentence(message)).join(' ');

const amount = (size: number, what: string) => `${count(size)} ${what}${size === 1 ? '' : 's'}`;

export function CancelDialog({ rows, onChanged, onClose }: BulkDialogProps) {
  const [state, run] = useBulkWork();
  const cancel = async () => {
    const refusals = await run(rows, async ({ key: id }) =>
      problemOf((await request(CancelRunOfManyDocument, { id })).cancelRun),
    );
    onChanged();
    if (refusals.length > 0) return;
    toasts.show(`${amount(rows.length, 'run')} canceled`);
    onClose();
  };
  return (
    <Dialog
      title={`Cancel ${amount(rows.length, 'run')}?`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{state.kind === 'done' ? 'Close' : 'Let them run'}</Button>
          {state.kind !== 'done' && (
            <Button look="danger" disabled={state.kind === 'working'} onClick={() => void cancel()}>
              Cancel {amount(rows.length, 'run')}
            </Button>
          )}
        </>
      }
    >
      <Stack>
        <p>
          What they have measured stays, and so do their checkpoints: a canceled run can be queued again from its page.
        </p>
        {state.kind !== 'done' && <NameList rows={rows} />}
        <BulkProgress state={state} done="canceled" />
      </Stack>
    </Dialog>
  );
}

/** `onDeleted`: the keys of the rows that are gone. */
export function DeleteDialog({
  rows,
  onChanged,
  onDeleted,
  onClose,
}: BulkDialogProps & { readonly onDeleted: (keys: ReadonlySet<string>) => void }) {
  const [state, run] = useBulkWork();
  const [targets] = useState(rows);
  const runs = targets.filter(({ run }) => run !== null);
  const ensembles = targets.filter(({ run }) => run === null);
  const words = [runs.length && amount(runs.length, 'run'), ensembles.length && amount(ensembles.length, 'ensemble')]
    .filter(Boolean)
    .join(' and ');
  const remove = async () => {
    // Ensembles first: a run that one of them is made of stays as long as it is there.
    const isRun = new Set(runs.map(({ key }) => key));
    const write = async ({ key: id }: { readonly key: string }) =>
      isRun.has(id)
        ? problemOf((await request(DeleteRunOfManyDocument, { id })).deleteRun)
        : problemOf((await request(DeleteEnsembleOfManyDocument, { id })).deleteEnsemble);
    const refused = new Set((await run([...ensembles, ...runs], write)).map(({ key }) => key));
    onChanged();
    onDeleted(new Set(targets.map(({ key }) => key).filter((key) => !refused.has(key))));
    if (refused.size > 0) return;
    toasts.show(`${words} deleted`);
    onClose();
  };
  return (
    <Dialog
      title={`Delete ${words}?`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{state.kind === 'done' ? 'Close' : 'Keep'}</Button>
          {state.kind !== 'done' && (
            <Button look="danger" disabled={state.kind === 'working'} onClick={() => void remove()}>
              Delete {words}
            </Button>
          )}
        </>
      }
    >
      <Stack>
        {runs.length > 0 && (
          <p>
            With a run go its metrics, logs, predictions, checkpoints and weights, for good. Runs that are under way,
            that ensembles are made of or that have submissions stay.
          </p>
        )}
        {ensembles.length > 0 && <p>With an ensemble go its submissions; its members stay.</p>}
        {state.kind !== 'done' && <NameList rows={targets} />}
        <BulkProgress state={state} done="deleted" />
      </Stack>
    </Dialog>
  );
}

type Change = 'add' | 'remove';

export function TagDialog({ rows, onChanged, onClose }: BulkDialogProps) {
  const [state, run] = useBulkWork();
  const [change, setChange] = useState<Change>('add');
  const [tags, setTags] = useState<readonly string[]>([]);
  const known = [...new Set(rows.flatMap(({ run }) => run?.tags ?? []))].sort();
  const apply = async () => {
    const refusals = await run(rows, async ({ key: id }) => {
      // As they are now: the table may be some seconds old.
      const before = (await request(RunTagsDocument, { id })).run?.tags ?? [];
      const next = change === 'add' ? [...new Set([...before, ...tags])] : before.filter((tag) => !tags.includes(tag));
      return problemOf((await request(TagRunDocument, { input: { id, tags: next } })).updateRun);
    });
    onChanged();
    if (refusals.length > 0) return;
    toasts.show(`Tags of ${amount(rows.length, 'run')} changed`);
    onClose();
  };
  return (
    <Dialog
      title={`Tags of ${amount(rows.length, 'run')}`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button look="primary" disabled={state.kind === 'working' || tags.length === 0} onClick={() => void apply()}>
            {change === 'add' ? 'Add to all' : 'Remove from all'}
          </Button>
        </>
      }
    >
      <Stack>
        <Segments
          label="What to do"
          value={change}
          onChange={setChange}
          options={[
            { value: 'add', label: 'Add' },
            { value: 'remove', label: 'Remove' },
          ]}
        />
        <TagsField label="Tags" tags={tags} suggestions={known} onChange={setTags} />
        <BulkProgress state={state} done="changed" />
      </Stack>
    </Dialog>
  );
}
