import { type FormEvent, useId, useState } from 'react';
import { useLocation } from 'wouter';
import { useApiMutation, useApiQuery } from '../../api/hooks.ts';
import { useIdempotencyKey } from '../../api/idempotency.ts';
import { parseBytes } from '../../domain/typed.ts';
import { count } from '../../format/numbers.ts';
import { sentence, sentences } from '../../format/sentence.ts';
import { CreateExperimentChoicesDocument, CreateExperimentDocument } from '../../generated/operations.ts';
import { NotDone } from '../../parts/NotDone.tsx';
import { routes } from '../../routes.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Select, TextArea, TextField } from '../../ui/Field.tsx';
import { Failure, Notice } from '../../ui/Notice.tsx';
import { Stack } from '../../ui/Page.tsx';
import { toasts } from '../../ui/toasts.ts';

/** What a leaderboard can rank by from the first run on. */
const objectives = [
  { metric: 'valid/error_rate', direction: 'ASC', label: 'Error rate on validation images, smaller is better' },
  { metric: 'valid/accuracy', direction: 'DESC', label: 'Accuracy on validation images, larger is better' },
  { metric: 'valid/loss', direction: 'ASC', label: 'Loss on validation images, smaller is better' },
] as const;

/** Asks for a new experiment and goes there. `datasetId`: the data set that is chosen at first. */
export function CreateExperiment({
  datasetId,
  onClose,
}: {
  readonly datasetId?: string | undefined;
  readonly onClose: () => void;
}) {
  const id = useId();
  const [, navigate] = useLocation();
  const choices = useApiQuery(CreateExperimentChoicesDocument, {});
  const create = useApiMutation(CreateExperimentDocument);
  const { keyFor, done } = useIdempotencyKey();
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const [dataset, setDataset] = useState<string | undefined>(datasetId);
  const [objective, setObjective] = useState(0);
  const [quota, setQuota] = useState('');
  const [problems, setProblems] = useState<readonly { readonly path: readonly string[]; readonly message: string }[]>(
    [],
  );
  const about = (field: string | undefined) =>
    problems.filter(({ path }) => path[0] === field).map(({ message }) => sentence(message))[0];
  const others = problems.filter(
    ({ path }) => !['name', 'description', 'datasetId', 'objective', 'quota'].includes(path[0] ?? ''),
  );

  const datasets = choices.data?.datasets.nodes ?? [];
  // The newest that can be trained on, until one is chosen; the empty text: none.
  const chosen = dataset ?? datasets.find(({ status }) => status === 'READY')?.id ?? '';

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const bytes = quota.trim() === '' ? null : parseBytes(quota);
    const wrong = [
      ...(name.trim() === '' ? [{ path: ['name'], message: 'Give it a name' }] : []),
      ...(quota.trim() !== '' && bytes === null
        ? [{ path: ['quota'], message: 'Give a number and a unit, such as 20 GiB' }]
        : []),
    ];
    setProblems(wrong);
    if (wrong.length) return;
    const { metric, direction } = objectives[objective]!;
    const input = {
      name,
      description: description.trim() || null,
      datasetId: chosen || null,
      objective: { metric, direction },
      quota: bytes,
    };
    const { createExperiment } = await create.mutateAsync({ input: { ...input, idempotencyKey: keyFor(input) } });
    if (!createExperiment.experiment) return setProblems(createExperiment.userErrors);
    done();
    toasts.show(`The experiment ${createExperiment.experiment.name} is made`);
    navigate(routes.experiment(createExperiment.experiment.id));
  };

  return (
    <Dialog
      title="New experiment"
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" form={id} disabled={create.isPending || !choices.data}>
            Create
          </Button>
        </>
      }
    >
      <form id={id} noValidate onSubmit={(event) => void submit(event).catch(() => {})}>
        <Stack>
          {others.length > 0 && (
            <Notice tone="bad" title="It was not created">
              {sentences(others)}
            </Notice>
          )}
          {choices.error && !choices.data && <Failure error={choices.error} onRetry={() => void choices.refetch()} />}
          {create.error && <NotDone error={create.error} again="Nothing is created twice when it is sent again." />}
          <TextField
            label="Name"
            value={name}
            problem={about('name')}
            autoComplete="off"
            autoFocus
            onChange={({ target }) => setName(target.value)}
          />
          <Select
            label="Data set"
            hint="What its runs train on; it cannot be changed later"
            value={chosen}
            problem={about('datasetId')}
            onChange={({ target }) => setDataset(target.value)}
          >
            {datasets.map(({ id: key, name: text, status, trainCount }) => (
              <option key={key} value={key}>
                {text} ({status === 'READY' ? `${count(trainCount)} images` : status.toLowerCase()})
              </option>
            ))}
            <option value="">None: it only collects</option>
          </Select>
          <Select
            label="Ranked by"
            value={objective}
            problem={about('objective')}
            onChange={({ target }) => setObjective(Number(target.value))}
          >
            {objectives.map(({ metric, label }, index) => (
              <option key={metric} value={index}>
                {label}
              </option>
            ))}
          </Select>
          <TextArea
            label="Description"
            rows={2}
            value={description}
            problem={about('description')}
            onChange={({ target }) => setDescription(target.value)}
          />
          <TextField
            label="Quota"
            hint="What its runs and submissions may keep, e.g. 20 GiB; empty: no limit"
            value={quota}
            problem={about('quota')}
            autoComplete="off"
            onChange={({ target }) => setQuota(target.value)}
          />
        </Stack>
      </form>
    </Dialog>
  );
}
