import { useApiPages } from '../../api/pages.ts';
import { ExperimentsPageDocument, type ExperimentsPageQuery } from '../../generated/operations.ts';
import { ForWriters } from '../../parts/Viewer.tsx';
import { Button } from '../../ui/Button.tsx';
import { DataTable } from '../../ui/DataTable.tsx';
import { Empty, Failure, Skeleton } from '../../ui/Notice.tsx';
import { PageHead, Stack } from '../../ui/Page.tsx';
import { SearchField } from '../../ui/SearchField.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import { CreateExperiment } from './CreateExperiment.tsx';
import { columns } from './columns.tsx';

const pageSize = 50;
/** Milliseconds between two looks. */
const pause = 5_000;

const pageOf = (data: ExperimentsPageQuery) => data.experiments;

/** Every experiment with how its runs stand and how its best score has come down (or up). */
export function ExperimentsPage() {
  const [get, set] = useSearch();
  const search = get('search') ?? '';
  // In the link, with the data set to begin with if there is one.
  const creating = get('create');
  const pages = useApiPages(ExperimentsPageDocument, { search: search || null, first: pageSize }, pageOf, {
    every: pause,
  });
  const isEmpty = pages.first !== undefined && pages.rows.length === 0;
  const create = (
    <ForWriters>
      <Button look="primary" onClick={() => set({ create: '' })}>
        New experiment
      </Button>
    </ForWriters>
  );
  return (
    <>
      <PageHead title="Experiments" actions={create} />
      {creating !== null && (
        <ForWriters>
          <CreateExperiment datasetId={creating || undefined} onClose={() => set({ create: null })} />
        </ForWriters>
      )}
      <Stack>
        <SearchField label="Search by name" value={search} onChange={(next) => set({ search: next || null })} />
        {pages.error && <Failure error={pages.error} onRetry={pages.refetch} />}
        {!pages.first && !pages.error && <Skeleton height="24rem" />}
        {isEmpty && search && (
          <Empty title="No experiment matches">
            <p>No experiment has this in its name.</p>
            <Button onClick={() => set({ search: null })}>Show all</Button>
          </Empty>
        )}
        {isEmpty && !search && (
          <Empty title="No experiments yet">
            <p>
              An experiment asks one question of one data set: its runs compete for the best value of one metric. It
              gathers their leaderboard, sweeps, ensembles and submissions.
            </p>
            {create}
          </Empty>
        )}
        {pages.rows.length > 0 && (
          <DataTable
            label="Experiments"
            columns={columns}
            rows={pages.rows}
            rowKey={({ id }) => id}
            onNearEnd={pages.loadMore}
          />
        )}
      </Stack>
    </>
  );
}
