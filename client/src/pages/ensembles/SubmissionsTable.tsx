import { useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { Link } from 'wouter';
import { count } from '../../format/numbers.ts';
import type { EnsembleSubmissionFragment } from '../../generated/operations.ts';
import { DeleteSubmissionButton, DeleteSubmissionQuestion } from '../../parts/DeleteSubmission.tsx';
import { useMayWrite } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { ButtonAnchor } from '../../ui/Button.tsx';
import { type Column, DataTable } from '../../ui/DataTable.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { Name } from '../../ui/Name.tsx';
import styles from './ensembles.module.css';
import { refreshSubmissions } from './refreshSubmissions.ts';

export interface ListedSubmission extends EnsembleSubmissionFragment {
  /** What it was made from, where the list is not of that alone. */
  readonly ensemble?: { readonly id: string; readonly name: string } | null;
  readonly run?: { readonly id: string; readonly name: string } | null;
}

/** Submissions with their downloads, in the order given; those who may delete them. */
export function SubmissionsTable({
  submissions,
  withSource = false,
  onNearEnd,
}: {
  readonly submissions: readonly ListedSubmission[];
  readonly withSource?: boolean;
  readonly onNearEnd?: () => void;
}) {
  const [asked, setAsked] = useState<ListedSubmission | null>(null);
  const queryClient = useQueryClient();
  const mayWrite = useMayWrite();
  const columns = useMemo(
    () => [...(withSource ? [source] : []), ...columnsOf(mayWrite ? setAsked : null)],
    [withSource, mayWrite],
  );
  return (
    <>
      <DataTable
        label="Submissions"
        columns={columns}
        rows={submissions}
        rowKey={({ id }) => id}
        maxHeight="18rem"
        {...(onNearEnd && { onNearEnd })}
      />
      {asked && (
        <DeleteSubmissionQuestion
          submission={asked}
          onClose={() => setAsked(null)}
          onSettled={() => void refreshSubmissions(queryClient)}
        />
      )}
    </>
  );
}

const source: Column<ListedSubmission> = {
  key: 'source',
  header: 'Of',
  width: 'minmax(10rem, 1fr)',
  cell: ({ ensemble, run }) => {
    if (ensemble) {
      return (
        <Link href={routes.ensemble(ensemble.id)}>
          <Name>{ensemble.name}</Name>
        </Link>
      );
    }
    return run ? (
      <Link href={routes.run(run.id)}>
        <Name>{run.name}</Name>
      </Link>
    ) : null;
  },
};

/** `onAsk`: null for those who may not delete. */
const columnsOf = (onAsk: ((submission: ListedSubmission) => void) | null): readonly Column<ListedSubmission>[] => [
  { key: 'created', header: 'Made', width: '8rem', cell: ({ createdAt }) => <Moment at={createdAt} /> },
  {
    key: 'download',
    header: 'CSV',
    width: onAsk ? '10rem' : '8rem',
    cell: (submission) => (
      <>
        <ButtonAnchor small href={submission.csvUrl} download>
          <Icon name="download" /> Download
        </ButtonAnchor>{' '}
        {onAsk && <DeleteSubmissionButton submission={submission} onAsk={onAsk} />}
      </>
    ),
  },
  {
    key: 'message',
    header: 'Message',
    width: 'minmax(8rem, 1fr)',
    cell: ({ message }) => (message === null ? <span className={styles.out}>none</span> : <Name>{message}</Name>),
  },
  { key: 'rows', header: 'Rows', width: '5rem', align: 'right', cell: ({ rowCount }) => count(rowCount) },
  {
    key: 'hash',
    header: 'SHA-256',
    width: '7.5rem',
    cell: ({ contentHash }) => <code title={contentHash}>{contentHash.slice(0, 10)}</code>,
  },
];
