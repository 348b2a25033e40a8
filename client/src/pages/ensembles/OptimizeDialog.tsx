import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { useLocation } from 'wouter';
import { useApiMutation } from '../../api/hooks.ts';
import { useIdempotencyKey } from '../../api/idempotency.ts';
import { splitWords } from '../../format/splits.ts';
import { OptimizeEnsembleDocument, type SelectionMetric } from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Select, TextField } from '../../ui/Field.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Grid, Stack } from '../../ui/Page.tsx';
import { toasts } from '../../ui/toasts.ts';
import { type CandidateChoice, emptyForm, type OptimizeForm, optimizeInput } from './optimizeForm.ts';
import { type Problem, problemAt, problemsElsewhere } from './problems.ts';
import { problemsOf } from './refusal.ts';

/** Lets the server choose members by their score on labelled images; saves what it finds. */
export function OptimizeDialog({
  experimentId,
  holdout,
  members,
  onClose,
}: {
  readonly experimentId: string;
  /** Whether the data set keeps a hold-out. */
  readonly holdout: boolean;
  /** Ids of those in the builder. */
  readonly members: readonly string[];
  readonly onClose: () => void;
}) {
  const formId = useId();
  const [, navigate] = useLocation();
  const queryClient = useQueryClient();
  const [form, setForm] = useState<OptimizeForm>(emptyForm);
  const [problems, setProblems] = useState<readonly Problem[]>([]);
  const optimize = useApiMutation(OptimizeEnsembleDocument);
  const { keyFor, done } = useIdempotencyKey();
  const fill = (changes: Partial<OptimizeForm>) => setForm((before) => ({ ...before, ...changes }));
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const { input, problems: own } = optimizeInput(experimentId, form, members);
    setProblems(own);
    if (own.length) return;
    try {
      const { optimizeEnsemble } = await optimize.mutateAsync({ input: { ...input, idempotencyKey: keyFor(input) } });
      setProblems(optimizeEnsemble.userErrors);
      if (!optimizeEnsemble.ensemble) return;
      done();
      void queryClient.invalidateQueries({ queryKey: ['EnsembleHistory'] });
      toasts.show('Members are selected, and the ensemble is saved');
      navigate(routes.ensemble(optimizeEnsemble.ensemble.id));
    } catch (error) {
      setProblems(problemsOf(error as Error));
    }
  };
  const fields = ['name', 'split', 'metric', 'initialMembers', 'maxPicks', 'maxMembers'];
  const candidates = problemAt(problems, 'runIds');
  const ofSplit = problemAt(problems, 'split');
  // Who cannot be compared with whom takes more room than a field has.
  const long = ofSplit !== undefined && ofSplit.length > 160;
  const elsewhere = [...problemsElsewhere(problems, [...fields, 'filter', 'runIds']), ...(long ? [ofSplit] : [])];
  // A filter that the form does not show was not the reader's.
  const ofFilter = problemAt(problems, 'filter');
  return (
    <Dialog
      title="Select the best members"
      wide
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" form={formId} disabled={optimize.isPending}>
            {optimize.isPending ? 'Selecting …' : 'Select and save'}
          </Button>
        </>
      }
    >
      <form id={formId} onSubmit={(event) => void submit(event)}>
        <Stack>
          <p>
            The best runs begin; then, again and again, the run is added that makes the mean best, and how often a run
            was picked is its weight. Nothing is trained. The score on the split selected on is optimistic; the page of
            the ensemble tells that of the other labelled split as well, where there is one.
          </p>
          <Grid least="14rem">
            <TextField
              label="Name"
              autoFocus
              value={form.name}
              problem={problemAt(problems, 'name')}
              onChange={({ target }) => fill({ name: target.value })}
            />
            <Select
              label="Selected on"
              hint="Labelled images that candidates were scored on."
              value={form.split}
              problem={long ? 'Not on these images: see below.' : ofSplit}
              onChange={({ target }) => fill({ split: target.value as OptimizeForm['split'] })}
            >
              <option value="">
                {holdout ? 'Hold-out (the data set keeps one)' : 'Validation (there is no hold-out)'}
              </option>
              <option value="VALID">{splitWords.VALID}</option>
              <option value="HOLDOUT">{splitWords.HOLDOUT}</option>
            </Select>
            <Select
              label="Candidates"
              value={form.candidates}
              problem={candidates ?? (form.candidates === 'filter' ? undefined : ofFilter)}
              onChange={({ target }) => fill({ candidates: target.value as CandidateChoice })}
            >
              <option value="all">Every run with predictions</option>
              <option value="members" disabled={members.length === 0}>
                The {members.length} members chosen here
              </option>
              <option value="filter">Runs by a filter</option>
            </Select>
            {form.candidates === 'filter' && (
              <TextField
                label="Filter"
                spellCheck={false}
                placeholder="arch like vit*"
                value={form.filter}
                problem={ofFilter}
                onChange={({ target }) => fill({ filter: target.value })}
              />
            )}
            <Select
              label="Made small"
              hint="The other one decides between equals."
              value={form.metric}
              problem={problemAt(problems, 'metric')}
              onChange={({ target }) => fill({ metric: target.value as SelectionMetric })}
            >
              <option value="ERROR_RATE">Error rate</option>
              <option value="LOG_LOSS">Log loss</option>
            </Select>
            <TextField
              label="Begin with the best"
              hint="Runs. Empty: as many as score best together."
              inputMode="numeric"
              placeholder="auto"
              value={form.initialMembers}
              problem={problemAt(problems, 'initialMembers')}
              onChange={({ target }) => fill({ initialMembers: target.value })}
            />
            <TextField
              label="Picks at most"
              hint="Repeated ones counted, up to 500."
              inputMode="numeric"
              placeholder="50"
              value={form.maxPicks}
              problem={problemAt(problems, 'maxPicks')}
              onChange={({ target }) => fill({ maxPicks: target.value })}
            />
            <TextField
              label="Different runs at most"
              hint="Empty: any number."
              inputMode="numeric"
              placeholder="any"
              value={form.maxMembers}
              problem={problemAt(problems, 'maxMembers')}
              onChange={({ target }) => fill({ maxMembers: target.value })}
            />
          </Grid>
          {elsewhere.length > 0 && (
            <Notice tone="bad" title="Nothing was selected">
              {elsewhere.join('\n')}
            </Notice>
          )}
        </Stack>
      </form>
    </Dialog>
  );
}
