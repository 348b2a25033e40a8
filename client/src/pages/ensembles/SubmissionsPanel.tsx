import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useApiMutation } from '../../api/hooks.ts';
import { useIdempotencyKey } from '../../api/idempotency.ts';
import { type EnsembleSubmissionFragment, SubmitEnsembleDocument } from '../../generated/operations.ts';
import { ForWriters } from '../../parts/Viewer.tsx';
import { Button } from '../../ui/Button.tsx';
import { TextField } from '../../ui/Field.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Panel, Stack } from '../../ui/Page.tsx';
import { toasts } from '../../ui/toasts.ts';
import styles from './ensembles.module.css';
import { type Problem, problemAt, problemsElsewhere } from './problems.ts';
import { refreshSubmissions } from './refreshSubmissions.ts';
import { problemsOf } from './refusal.ts';
import { SubmissionsTable } from './SubmissionsTable.tsx';

/** Makes the CSV of what an ensemble predicts, and has all those that were made. */
export function SubmissionsPanel({
  ensembleId,
  submissions,
}: {
  readonly ensembleId: string;
  readonly submissions: readonly EnsembleSubmissionFragment[];
}) {
  const queryClient = useQueryClient();
  const [message, setMessage] = useState('');
  const [problems, setProblems] = useState<readonly Problem[]>([]);
  const submit = useApiMutation(SubmitEnsembleDocument);
  const { keyFor, done } = useIdempotencyKey();
  const create = async (event: FormEvent) => {
    event.preventDefault();
    const input = { ensembleId, message: message.trim() || null };
    try {
      const { createSubmission } = await submit.mutateAsync({ input: { ...input, idempotencyKey: keyFor(input) } });
      setProblems(createSubmission.userErrors);
      if (!createSubmission.submission) return;
      done();
      setMessage('');
      toasts.show('The CSV is ready to be downloaded');
      await refreshSubmissions(queryClient);
    } catch (error) {
      setProblems(problemsOf(error as Error));
    }
  };
  const elsewhere = problemsElsewhere(problems, ['message']);
  return (
    <Panel title="Submissions">
      <Stack>
        <ForWriters>
          <form className={styles.form} onSubmit={(event) => void create(event)}>
            <div className={styles.grow}>
              <TextField
                label="Message"
                placeholder="What is new in it (may stay empty)"
                value={message}
                problem={problemAt(problems, 'message')}
                onChange={({ target }) => setMessage(target.value)}
              />
            </div>
            <Button look="primary" type="submit" disabled={submit.isPending}>
              Create the CSV
            </Button>
          </form>
        </ForWriters>
        {elsewhere.length > 0 && (
          <Notice tone="bad" title="No submission was made">
            {elsewhere.join('\n')}
          </Notice>
        )}
        {submissions.length === 0 ? (
          <p className={styles.out}>None yet: each keeps the labels of the test images as image_id,label.</p>
        ) : (
          <SubmissionsTable submissions={submissions} />
        )}
      </Stack>
    </Panel>
  );
}
