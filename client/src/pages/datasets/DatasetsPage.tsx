import { Link } from 'wouter';
import { useApiPages } from '../../api/pages.ts';
import { count } from '../../format/numbers.ts';
import { DatasetsPageDocument, type DatasetsPageQuery } from '../../generated/operations.ts';
import { ForWriters } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { type Column, DataTable } from '../../ui/DataTable.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { Name } from '../../ui/Name.tsx';
import { Empty, Failure, Skeleton } from '../../ui/Notice.tsx';
import { PageHead, Stack } from '../../ui/Page.tsx';
import { SearchField } from '../../ui/SearchField.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import { FolderShapes } from './FolderShapes.tsx';
import { ImportLine } from './ImportState.tsx';
import { problemsLink } from './links.ts';
import { UploadPanel } from './UploadPanel.tsx';

type Dataset = DatasetsPageQuery['datasets']['nodes'][number];

const ready = (dataset: Dataset, value: number) => (dataset.status === 'READY' ? count(value) : '');

const columns: readonly Column<Dataset>[] = [
  {
    key: 'name',
    header: 'Data set',
    width: 'minmax(12rem, 1fr)',
    cell: ({ id, name }) => (
      <Link href={routes.dataset(id)}>
        <Name>{name}</Name>
      </Link>
    ),
  },
  { key: 'status', header: 'Status', width: '16rem', cell: (dataset) => <ImportLine dataset={dataset} /> },
  {
    key: 'classes',
    header: 'Classes',
    width: '6rem',
    align: 'right',
    cell: (dataset) => ready(dataset, dataset.vocab.length),
  },
  {
    key: 'train',
    header: 'Training',
    width: '7rem',
    align: 'right',
    cell: (dataset) => ready(dataset, dataset.trainCount),
  },
  {
    key: 'holdout',
    header: 'Hold-out',
    width: '7rem',
    align: 'right',
    cell: (dataset) => ready(dataset, dataset.holdoutCount),
  },
  { key: 'test', header: 'Test', width: '7rem', align: 'right', cell: (dataset) => ready(dataset, dataset.testCount) },
  {
    key: 'problems',
    header: 'Problems',
    width: '6rem',
    align: 'right',
    cell: ({ id, problemCounts }) =>
      problemCounts.length > 0 && (
        <Link href={problemsLink(id)}>{count(problemCounts.reduce((sum, entry) => sum + entry.count, 0))}</Link>
      ),
  },
  {
    key: 'experiments',
    header: 'Experiments',
    width: '7rem',
    align: 'right',
    cell: ({ experimentCount }) => count(experimentCount),
  },
  { key: 'created', header: 'Added', width: '9rem', cell: ({ createdAt }) => <Moment at={createdAt} /> },
];

const datasetsOf = (data: DatasetsPageQuery) => data.datasets;

export function DatasetsPage() {
  const [get, set] = useSearch();
  const search = get('search') ?? '';
  const { rows, first, error, refetch, loadMore, outdated } = useApiPages(
    DatasetsPageDocument,
    { search: search || null, first: 100 },
    datasetsOf,
    // Imports that are under way tell more themselves.
    { every: 15_000 },
  );
  const none = first && rows.length === 0 && !outdated;
  return (
    <>
      <PageHead
        title="Data sets"
        actions={
          <ForWriters>
            <ButtonLink look="primary" to={routes.importDataset}>
              Import images
            </ButtonLink>
          </ForWriters>
        }
      />
      <Stack>
        <UploadPanel />
        {!(none && !search) && (
          <SearchField label="Search by name" value={search} onChange={(next) => set({ search: next || null })} />
        )}
        {error && <Failure error={error} onRetry={refetch} />}
        {!first && !error && <Skeleton height="20rem" />}
        {none && search && (
          <Empty title="No data set has this in its name">
            <Button onClick={() => set({ search: null })}>Show all</Button>
          </Empty>
        )}
        {none && !search && (
          <Empty title="No data sets yet">
            <p>Images with labels stand here, each looked at once, so that every run trains on the same bytes.</p>
            <FolderShapes />
            <ForWriters>
              <ButtonLink to={routes.importDataset}>Import a folder or an archive</ButtonLink>
            </ForWriters>
          </Empty>
        )}
        {rows.length > 0 && (
          <DataTable label="Data sets" columns={columns} rows={rows} rowKey={({ id }) => id} onNearEnd={loadMore} />
        )}
      </Stack>
    </>
  );
}
