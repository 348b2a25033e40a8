import { Link } from 'wouter';
import { configLeaves, leafText } from '../../domain/configLeaves.ts';
import { improvesUpwards } from '../../domain/improves.ts';
import { bytes, duration, metric, significant } from '../../format/numbers.ts';
import type { RunCellsFragment } from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import type { Column } from '../../ui/DataTable.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { Name } from '../../ui/Name.tsx';
import { Status } from '../../ui/Status.tsx';
import { type ColumnKey, columnId, type PlainColumn } from './columnKeys.ts';
import styles from './Experiment.module.css';
import type { TableRow } from './rows.ts';

/** The name of a run or an ensemble, as a link. */
export const nameColumn: Column<TableRow> = {
  key: 'name',
  header: 'Name',
  // Narrow screens have room for the scores beside it.
  width: 'minmax(min(16rem, 32vw), 1fr)',
  sortable: true,
  cell: ({ key, name, run }) => (
    <span className={styles.named}>
      <Link href={run ? routes.run(key) : routes.ensemble(key)} className={styles.link}>
        <Name>{name}</Name>
      </Link>
      {!run && <span className={styles.badge}>Ensemble</span>}
      {run?.kind === 'MEMORY_PROBE' && <span className={styles.badge}>Memory probe</span>}
    </span>
  ),
};

/** What each column that can be chosen is called and shows. */
const plain: Readonly<Record<PlainColumn, Omit<Column<TableRow>, 'key'>>> = {
  architecture: {
    header: 'Architecture',
    width: '11rem',
    cell: ({ run }) => run && <span className={styles.code}>{run.architecture}</span>,
  },
  tags: {
    header: 'Tags',
    width: '7rem',
    cell: ({ run }) => (
      <span className={styles.tags} title={run?.tags.join(', ')}>
        {run?.tags.map((tag) => (
          <bdi key={tag} className={styles.tag}>
            {tag}
          </bdi>
        ))}
      </span>
    ),
  },
  memory: {
    header: 'Peak memory',
    width: '7.5rem',
    align: 'right',
    sortable: true,
    cell: ({ peakMemory }) => bytes(peakMemory),
  },
  seconds: {
    header: 'Training time',
    width: '7.5rem',
    align: 'right',
    sortable: true,
    cell: ({ trainSeconds }) => duration(trainSeconds),
  },
  throughput: {
    header: 'Images/s',
    width: '6.5rem',
    align: 'right',
    sortable: true,
    cell: ({ imagesPerSecond }) => (imagesPerSecond === null ? '–' : significant(imagesPerSecond)),
  },
  status: { header: 'Status', width: '9rem', cell: ({ run }) => run && <RunStatusCell run={run} /> },
  created: { header: 'Created', width: '9rem', sortable: true, cell: ({ createdAt }) => <Moment at={createdAt} /> },
};

function RunStatusCell({ run: { status, progress } }: { readonly run: RunCellsFragment }) {
  const isTraining = status === 'RUNNING' && progress !== null;
  const left = isTraining && progress.etaSeconds !== null ? `, ${duration(progress.etaSeconds)} left` : '';
  return (
    <span
      className={styles.status}
      title={isTraining ? `${progress.epoch} of ${progress.epochs} epochs${left}` : undefined}
    >
      <Status of={status} />
      {isTraining && (
        <span className={styles.progress}>
          {progress.epoch}/{progress.epochs}
        </span>
      )}
    </span>
  );
}

/** Columns as they have been chosen. */
export function chosenColumns(keys: readonly ColumnKey[]): readonly Column<TableRow>[] {
  return keys.map((key) => ({ key: columnId(key), ...columnOf(key) }));
}

function columnOf(key: ColumnKey): Omit<Column<TableRow>, 'key'> {
  if (key.kind === 'plain') return plain[key.name];
  return key.kind === 'metric' ? metricColumn(key.name) : configColumn(key.name);
}

export function columnLabel(key: ColumnKey): string {
  return key.kind === 'plain' ? plain[key.name].header : key.name;
}

function metricColumn(name: string): Omit<Column<TableRow>, 'key'> {
  const best = improvesUpwards(name) ? 'max' : 'min';
  return {
    header: name,
    width: '9rem',
    align: 'right',
    cell: ({ run }) => {
      const summary = run?.metrics?.find((other) => other.name === name);
      return metric(name, summary && (summary[best] ?? summary.last));
    },
  };
}

function configColumn(name: string): Omit<Column<TableRow>, 'key'> {
  return {
    header: name,
    width: '10rem',
    cell: ({ run }) => (
      <span className={styles.code}>{run?.config && leafText(configLeaves(run.config).get(name))}</span>
    ),
  };
}
