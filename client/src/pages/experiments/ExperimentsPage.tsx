import { Link } from 'wouter';
import { useApiQuery } from '../../api/hooks.ts';
import { count } from '../../format/numbers.ts';
import { ExperimentsPageDocument, type ExperimentsPageQuery } from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { type Column, DataTable } from '../../ui/DataTable.tsx';
import { TextField } from '../../ui/Field.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { Name } from '../../ui/Name.tsx';
import { Empty, Failure, Skeleton } from '../../ui/Notice.tsx';
import { PageHead, Stack } from '../../ui/Page.tsx';
import { useSearch } from '../../ui/useSearch.ts';

type Experiment = ExperimentsPageQuery['experiments']['nodes'][number];

const columns: readonly Column<Experiment>[] = [
  {
    key: 'name',
    header: 'Experiment',
    width: 'minmax(12rem, 1fr)',
    cell: ({ id, name }) => (
      <Link href={routes.experiment(id)}>
        <Name>{name}</Name>
      </Link>
    ),
  },
  { key: 'runs', header: 'Runs', width: '6rem', align: 'right', cell: ({ runCount }) => count(runCount) },
  { key: 'created', header: 'Created', width: '9rem', cell: ({ createdAt }) => <Moment at={createdAt} /> },
];

export function ExperimentsPage() {
  const [get, set] = useSearch();
  const search = get('search') ?? '';
  const { data, error, refetch } = useApiQuery(
    ExperimentsPageDocument,
    { search: search || null, first: 100 },
    { every: 5_000 },
  );
  return (
    <>
      <PageHead title="Experiments" />
      <Stack>
        <TextField
          label="Search"
          type="search"
          value={search}
          onChange={({ target }) => set({ search: target.value || null })}
        />
        {error && !data && <Failure error={error} onRetry={() => void refetch()} />}
        {!data && !error && <Skeleton height="20rem" />}
        {data?.experiments.nodes.length === 0 && <Empty title="No experiments" />}
        {data && data.experiments.nodes.length > 0 && (
          <DataTable label="Experiments" columns={columns} rows={data.experiments.nodes} rowKey={({ id }) => id} />
        )}
      </Stack>
    </>
  );
}
