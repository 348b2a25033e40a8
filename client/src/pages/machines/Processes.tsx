import { Link } from 'wouter';
import { bytes } from '../../format/numbers.ts';
import type { MachinesPageQuery } from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { type Column, DataTable } from '../../ui/DataTable.tsx';
import { Name } from '../../ui/Name.tsx';
import styles from './Machines.module.css';
import { RunLink } from './RunLink.tsx';

type Device = MachinesPageQuery['workers'][number]['devices'][number];
type Process = Device['processes'][number];

const columns: readonly Column<Process>[] = [
  { key: 'pid', header: 'Process', width: '6rem', align: 'right', cell: ({ pid }) => <code>{pid}</code> },
  { key: 'memory', header: 'Memory', width: '7rem', align: 'right', cell: ({ memory }) => bytes(memory) },
  {
    key: 'run',
    header: 'Run',
    width: 'minmax(9rem, 1fr)',
    cell: ({ run }) => (run ? <RunLink run={run} /> : <span className={styles.foreign}>none of ours</span>),
  },
  {
    key: 'experiment',
    header: 'Experiment',
    width: 'minmax(8rem, 1fr)',
    cell: ({ run }) =>
      run && (
        <Link href={routes.experiment(run.experiment.id)}>
          <Name>{run.experiment.name}</Name>
        </Link>
      ),
  },
];

/** Who holds memory of a device. */
export function Processes({ processes, kind }: Pick<Device, 'processes' | 'kind'>) {
  if (processes.length === 0) {
    return <p className={styles.foreign}>{kind === 'CPU' ? 'No trainer is at work.' : 'No process holds memory.'}</p>;
  }
  return (
    <DataTable
      label="Processes"
      columns={columns}
      rows={processes}
      rowKey={({ pid }) => String(pid)}
      maxHeight="14rem"
    />
  );
}
