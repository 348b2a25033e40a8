import { type FormEvent, useId, useState } from 'react';
import { useApiMutation } from '../../api/hooks.ts';
import { sentence, sentences } from '../../format/sentence.ts';
import { UpdateRunDocument } from '../../generated/operations.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { TextArea, TextField } from '../../ui/Field.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Stack } from '../../ui/Page.tsx';
import { TagsField } from '../../ui/Tags.tsx';
import type { RunFacts } from './runState.ts';

/** Name, tags and notes, in any state of the run. */
export function EditRun({
  facts,
  onClose,
  onSaved,
}: {
  readonly facts: RunFacts;
  readonly onClose: () => void;
  readonly onSaved: () => void;
}) {
  const form = useId();
  const [name, setName] = useState(facts.name);
  const [tags, setTags] = useState(facts.tags);
  const [notes, setNotes] = useState(facts.notes ?? '');
  const update = useApiMutation(UpdateRunDocument);
  const refusals = update.data?.updateRun.userErrors ?? [];
  const problemOf = (field: string) => sentences(refusals.filter(({ path }) => path[0] === field)) || undefined;
  const others = refusals.filter(({ path }) => !['name', 'tags', 'notes'].includes(path[0] ?? ''));

  const save = (event: FormEvent) => {
    event.preventDefault();
    update.mutate(
      { input: { id: facts.id, name, tags: [...tags], notes } },
      {
        onSuccess: ({ updateRun }) => {
          if (updateRun.userErrors.length) return;
          onSaved();
          onClose();
        },
      },
    );
  };

  return (
    <Dialog
      title="Edit run"
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button look="primary" type="submit" form={form} disabled={update.isPending}>
            Save
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={save}>
        <Stack>
          <TextField
            label="Name"
            value={name}
            dir="auto"
            required
            onChange={({ target }) => setName(target.value)}
            problem={problemOf('name')}
          />
          <TagsField label="Tags" tags={tags} onChange={setTags} problem={problemOf('tags')} />
          <TextArea
            label="Notes"
            rows={6}
            value={notes}
            dir="auto"
            onChange={({ target }) => setNotes(target.value)}
            problem={problemOf('notes')}
          />
          {update.error && <Notice tone="bad" title={sentence(update.error.message)} />}
          {others.length > 0 && <Notice tone="bad" title={sentences(others)} />}
        </Stack>
      </form>
    </Dialog>
  );
}
