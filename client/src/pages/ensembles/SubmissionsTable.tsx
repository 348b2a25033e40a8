import { Link } from 'wouter';
import { count } from '../../format/numbers.ts';
import type { EnsembleSubmissionFragment } from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { ButtonAnchor } from '../../ui/Button.tsx';
import { type Column, DataTable } from '../../ui/DataTable.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { Name } from '../../ui/Name.tsx';
import styles from './ensembles.module.css';

export interface ListedSubmission extends EnsembleSubmissionFragment {
  /** What it was made from, where the list is not of that alone. */
  readonly ensemble?: { readonly id: string; readonly name: string } | null;
  readonly run?: { readonly id: string; readonly name: string } | null;
}

/** Submissions with their downloads, in the order given. */
export function SubmissionsTable({
  submissions,
  withSource = false,
  onNearEnd,
}: {
  readonly submissions: readonly ListedSubmission[];
  readonly withSource?: boolean;
  readonly onNearEnd?: () => void;
}) {
  return (
    <DataTable
      label="Submissions"
      columns={withSource ? [source, ...columns] : columns}
      rows={submissions}
      rowKey={({ id }) => id}
      maxHeight="18rem"
      {...(onNearEnd && { onNearEnd })}
    />
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

const columns: readonly Column<ListedSubmission>[] = [
  { key: 'created', header: 'Made', width: '9.5rem', cell: ({ createdAt }) => <Moment at={createdAt} /> },
  {
    key: 'message',
    header: 'Message',
    width: 'minmax(10rem, 1fr)',
    cell: ({ message }) => (message === null ? <span className={styles.out}>none</span> : <Name>{message}</Name>),
  },
  { key: 'rows', header: 'Rows', width: '6rem', align: 'right', cell: ({ rowCount }) => count(rowCount) },
  {
    key: 'hash',
    header: 'SHA-256',
    width: '8rem',
    cell: ({ contentHash }) => <code title={contentHash}>{contentHash.slice(0, 10)}</code>,
  },
  {
    key: 'download',
    header: 'CSV',
    width: '9rem',
    cell: ({ csvUrl }) => (
      <ButtonAnchor small href={csvUrl} download>
        <Icon name="download" /> Download
      </ButtonAnchor>
    ),
  },
];
