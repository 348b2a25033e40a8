import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { useLocation } from 'wouter';
import { useApiMutation } from '../../api/hooks.ts';
import { bytes, count } from '../../format/numbers.ts';
import { sentence, sentences } from '../../format/sentence.ts';
import { DeleteExperimentDocument, RenameExperimentDocument } from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { Button } from '../../ui/Button.tsx';
import { Confirm, Dialog } from '../../ui/Dialog.tsx';
import { TextArea, TextField } from '../../ui/Field.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Stack } from '../../ui/Page.tsx';
import { toasts } from '../../ui/toasts.ts';
import type { ExperimentHead } from './head.ts';

interface Problem {
  readonly message: string;
  readonly path: readonly string[];
}

/** Changes the name and the description. */
export function RenameDialog({
  experiment: { id, ...before },
  onClose,
}: {
  readonly experiment: ExperimentHead;
  readonly onClose: () => void;
}) {
  const [name, setName] = useState(before.name);
  const [description, setDescription] = useState(before.description ?? '');
  const [problems, setProblems] = useState<readonly Problem[]>([]);
  const { mutateAsync, isPending, error } = useApiMutation(RenameExperimentDocument);
  const queryClient = useQueryClient();
  const form = useId();
  const problemAt = (field: string) => sentences(problems.filter(({ path }) => path[0] === field)) || undefined;
  const submit = async () => {
    const { updateExperiment } = await mutateAsync({ input: { id, name, description } });
    setProblems(updateExperiment.userErrors);
    if (updateExperiment.userErrors.length > 0) return;
    await queryClient.invalidateQueries();
    onClose();
  };
  return (
    <Dialog
      title="Rename the experiment"
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button type="submit" form={form} look="primary" disabled={isPending}>
            Save
          </Button>
        </>
      }
    >
      <form
        id={form}
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          submit().catch(() => {});
        }}
      >
        <Stack>
          <TextField
            label="Name"
            required
            value={name}
            problem={problemAt('name')}
            onChange={({ target }) => setName(target.value)}
          />
          <TextArea
            label="Description"
            value={description}
            problem={problemAt('description')}
            onChange={({ target }) => setDescription(target.value)}
          />
          {problems
            .filter(({ path }) => path[0] !== 'name' && path[0] !== 'description')
            .map(({ message }) => (
              <Notice key={message} tone="bad">
                {sentence(message)}
              </Notice>
            ))}
          {error && <Notice tone="bad">{sentence(error.message)}</Notice>}
        </Stack>
      </form>
    </Dialog>
  );
}

/** Asks first, and tells what goes. */
export function DeleteDialog({
  experiment,
  onClose,
}: {
  readonly experiment: ExperimentHead;
  readonly onClose: () => void;
}) {
  const [problem, setProblem] = useState<string>();
  const { mutateAsync, isPending } = useApiMutation(DeleteExperimentDocument);
  const queryClient = useQueryClient();
  const [, navigate] = useLocation();
  const remove = async () => {
    const { deleteExperiment } = await mutateAsync({ id: experiment.id });
    if (deleteExperiment.userErrors.length > 0) {
      setProblem(sentences(deleteExperiment.userErrors));
      return;
    }
    navigate(routes.experiments);
    toasts.show(`The experiment ${experiment.name} is deleted`);
    await queryClient.invalidateQueries();
  };
  return (
    <Confirm
      title={`Delete ${experiment.name}?`}
      action="Delete the experiment"
      busy={isPending}
      onClose={onClose}
      onConfirm={() => {
        remove().catch((error: Error) => setProblem(sentence(error.message)));
      }}
    >
      <Stack>
        <p>
          With it go its {count(experiment.runCount)} runs with everything measured and predicted, its sweeps, ensembles
          and submissions, {bytes(experiment.storage.bytes)} in all, for good. Its data set stays.
        </p>
        {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
      </Stack>
    </Confirm>
  );
}
