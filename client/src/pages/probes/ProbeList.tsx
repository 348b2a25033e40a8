import { Link } from 'wouter';
import { useApiPages } from '../../api/pages.ts';
import { sizeText } from '../../domain/typed.ts';
import { bytes, count } from '../../format/numbers.ts';
import { type ListedProbeFragment, ProbesPageDocument, type ProbesPageQuery } from '../../generated/operations.ts';
import { ForWriters } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { ButtonLink } from '../../ui/Button.tsx';
import { type Column, DataTable } from '../../ui/DataTable.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { Name } from '../../ui/Name.tsx';
import { Empty, Failure, Skeleton } from '../../ui/Notice.tsx';
import { Status } from '../../ui/Status.tsx';
import { tallyText } from './words.ts';

const columns: readonly Column<ListedProbeFragment>[] = [
  {
    key: 'networks',
    header: 'Networks',
    width: 'minmax(16rem, 1fr)',
    cell: ({ id, targets }) => (
      <Link href={routes.probe(id)}>
        <Name>{networksText(targets)}</Name>
      </Link>
    ),
  },
  { key: 'status', header: 'Status', width: '8.5rem', cell: ({ status }) => <Status of={status} /> },
  {
    key: 'found',
    header: 'Found',
    width: '10rem',
    cell: ({ status, targets }) => (status === 'SUCCEEDED' ? tallyText(targets) : null),
  },
  { key: 'budget', header: 'Budget', width: '7rem', align: 'right', cell: ({ budget }) => bytes(budget) },
  {
    key: 'batch',
    header: 'Batch',
    width: '5rem',
    align: 'right',
    cell: ({ effectiveBatchSize }) => count(effectiveBatchSize),
  },
  { key: 'device', header: 'Device', width: '12rem', cell: ({ device }) => device && <Name>{device}</Name> },
  {
    key: 'experiment',
    header: 'Experiment',
    width: '11rem',
    cell: ({ run: { experiment } }) => (
      <Link href={routes.experiment(experiment.id)}>
        <Name>{experiment.name}</Name>
      </Link>
    ),
  },
  { key: 'created', header: 'Created', width: '9rem', cell: ({ createdAt }) => <Moment at={createdAt} /> },
];

const probesOf = ({ memoryProbes }: ProbesPageQuery) => memoryProbes;

/** Every probe, newest first. */
export function ProbeList() {
  const { rows, first, error, loadMore, refetch } = useApiPages(ProbesPageDocument, { first: 50 }, probesOf, {
    every: 5_000,
  });
  if (error && !first) return <Failure error={error} onRetry={refetch} />;
  if (!first) return <Skeleton height="20rem" />;
  if (!rows.length) {
    return (
      <Empty title="Nothing has been measured yet">
        <p>
          A memory probe trains a few steps of a network with growing accumulation until it fits a budget of memory, so
          that a run does not find out after an hour.
        </p>
        <ForWriters>
          <ButtonLink look="primary" to={routes.newProbe()}>
            Measure a network
          </ButtonLink>
        </ForWriters>
      </Empty>
    );
  }
  return <DataTable label="Memory probes" columns={columns} rows={rows} rowKey={({ id }) => id} onNearEnd={loadMore} />;
}

/** `convnext_atto 64, 128; vit_tiny_patch16_224 224` */
function networksText(targets: ListedProbeFragment['targets']): string {
  const sizes = new Map<string, string[]>();
  for (const { architecture, size } of targets) {
    const known = sizes.get(architecture) ?? [];
    if (!known.includes(sizeText(size))) sizes.set(architecture, [...known, sizeText(size)]);
  }
  return [...sizes].map(([architecture, own]) => `${architecture} ${own.join(', ')}`).join('; ');
}
