import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { useLocation } from 'wouter';
import { useApiMutation } from '../../api/hooks.ts';
import { useIdempotencyKey } from '../../api/idempotency.ts';
import { SaveEnsembleDocument, type Split } from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { TextField } from '../../ui/Field.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Stack } from '../../ui/Page.tsx';
import { toasts } from '../../ui/toasts.ts';
import { type BuilderState, memberInputs } from './builderState.ts';
import { methodNames } from './methods.ts';
import { type Problem, problemAt, problemsElsewhere } from './problems.ts';
import { problemsOf } from './refusal.ts';

/** Gives an ensemble a name and keeps it. */
export function SaveDialog({
  experimentId,
  split,
  state,
  memberCount,
  onClose,
}: {
  readonly experimentId: string;
  readonly split: Split;
  readonly state: BuilderState;
  readonly memberCount: number;
  readonly onClose: () => void;
}) {
  const form = useId();
  const [, navigate] = useLocation();
  const queryClient = useQueryClient();
  const [name, setName] = useState('');
  const [problems, setProblems] = useState<readonly Problem[]>([]);
  const save = useApiMutation(SaveEnsembleDocument);
  const { keyFor, done } = useIdempotencyKey();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const input = { experimentId, name, split, members: memberInputs(state), method: state.method };
    try {
      const { createEnsemble } = await save.mutateAsync({ input: { ...input, idempotencyKey: keyFor(input) } });
      setProblems(createEnsemble.userErrors);
      if (!createEnsemble.ensemble) return;
      done();
      void queryClient.invalidateQueries({ queryKey: ['EnsembleHistory'] });
      toasts.show('The ensemble is saved');
      navigate(routes.ensemble(createEnsemble.ensemble.id));
    } catch (error) {
      setProblems(problemsOf(error as Error));
    }
  };
  const elsewhere = problemsElsewhere(problems, ['name']);
  return (
    <Dialog
      title="Save this ensemble"
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" form={form} disabled={save.isPending}>
            Save
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={(event) => void submit(event)}>
        <Stack>
          <p>
            {memberCount === 1 ? 'One member' : `${memberCount} members`}, {methodNames[state.method].toLowerCase()}.
            Members and weights are fixed from then on: a run that finishes later never joins.
          </p>
          <TextField
            label="Name"
            autoFocus
            value={name}
            problem={problemAt(problems, 'name')}
            onChange={({ target }) => setName(target.value)}
          />
          {elsewhere.length > 0 && (
            <Notice tone="bad" title="It could not be saved">
              {elsewhere.join('\n')}
            </Notice>
          )}
        </Stack>
      </form>
    </Dialog>
  );
}
