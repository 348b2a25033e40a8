import { useMemo, useState } from 'react';
import { useApiMutation, useApiQuery } from '../../api/hooks.ts';
import { useIdempotencyKey } from '../../api/idempotency.ts';
import { count } from '../../format/numbers.ts';
import {
  CreateRunSubmissionDocument,
  RunSubmissionsDocument,
  type RunSubmissionsQuery,
} from '../../generated/operations.ts';
import { DeleteSubmissionButton, DeleteSubmissionQuestion } from '../../parts/DeleteSubmission.tsx';
import { useMayWrite } from '../../parts/Viewer.tsx';
import { Button, ButtonAnchor } from '../../ui/Button.tsx';
import { type Column, DataTable } from '../../ui/DataTable.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { Name } from '../../ui/Name.tsx';
import { Failure, Skeleton } from '../../ui/Notice.tsx';
import { Panel, Stack } from '../../ui/Page.tsx';
import { toasts } from '../../ui/toasts.ts';
import styles from './Run.module.css';
import type { RunFacts } from './runState.ts';

type Submission = NonNullable<RunSubmissionsQuery['run']>['submissions'][number];

/** `onAsk`: null for those who may not delete. */
const columnsOf = (onAsk: ((submission: Submission) => void) | null): readonly Column<Submission>[] => [
  { key: 'at', header: 'Written', width: 'minmax(9rem, 1fr)', cell: ({ createdAt }) => <Moment at={createdAt} /> },
  {
    key: 'get',
    header: 'Download',
    width: onAsk ? '9.5rem' : '8rem',
    cell: (submission) => (
      <>
        <ButtonAnchor
          small
          href={submission.csvUrl}
          download
          aria-label={`Download CSV ${submission.contentHash.slice(0, 12)}`}
        >
          Download
        </ButtonAnchor>{' '}
        {onAsk && <DeleteSubmissionButton submission={submission} onAsk={onAsk} />}
      </>
    ),
  },
  {
    key: 'message',
    header: 'Message',
    width: 'minmax(8rem, 1fr)',
    cell: ({ message }) => message && <Name>{message}</Name>,
  },
  { key: 'rows', header: 'Rows', width: '6rem', align: 'right', cell: ({ rowCount }) => count(rowCount) },
  {
    key: 'hash',
    header: 'SHA-256',
    width: '9rem',
    cell: ({ contentHash }) => <code title={contentHash}>{contentHash.slice(0, 12)}</code>,
  },
];

/** The CSVs made of a run's test predictions, and the way to another one. */
export function Submissions({ facts: { id, predictions } }: { readonly facts: RunFacts }) {
  const { data, error, refetch } = useApiQuery(RunSubmissionsDocument, { id });
  const make = useApiMutation(CreateRunSubmissionDocument);
  const { keyFor, done } = useIdempotencyKey();
  const mayWrite = useMayWrite();
  const [asked, setAsked] = useState<Submission | null>(null);
  const columns = useMemo(() => columnsOf(mayWrite ? setAsked : null), [mayWrite]);
  const submissions = data?.run?.submissions;
  const sets = predictions.filter(({ split }) => split === 'TEST');
  const write = () =>
    make.mutate(
      { input: { runId: id, idempotencyKey: keyFor(sets.map(({ contentHash }) => contentHash)) } },
      {
        onSuccess({ createSubmission: { submission, userErrors } }) {
          for (const { message } of userErrors) toasts.refuse(message);
          done();
          if (!submission) return;
          download(submission.csvUrl);
          void refetch();
        },
        onError: ({ message }) => toasts.refuse(message),
      },
    );
  // One CSV of the same predictions is enough.
  const latest = submissions?.find((one) => sets.every((set) => set.createdAt <= one.createdAt));
  return (
    <Panel
      title="Submission"
      actions={
        (latest || mayWrite) && (
          <Button
            onClick={() => (latest ? download(latest.csvUrl) : write())}
            disabled={!submissions || make.isPending}
          >
            Download submission CSV
          </Button>
        )
      }
    >
      <Stack>
        <p className={styles.hint}>
          The predicted label of each test image. A CSV is kept with its run, which cannot be deleted as long as there
          is one.
        </p>
        {error && !data && <Failure error={error} onRetry={() => void refetch()} />}
        {!data && !error && <Skeleton height="4rem" />}
        {submissions && submissions.length > 0 && (
          <DataTable label="Submissions" columns={columns} rows={submissions} rowKey={(one) => one.id} />
        )}
        {asked && (
          <DeleteSubmissionQuestion
            submission={asked}
            onClose={() => setAsked(null)}
            onSettled={() => void refetch()}
          />
        )}
      </Stack>
    </Panel>
  );
}

/** Has the browser save a file of this server. */
function download(url: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = '';
  link.click();
}
