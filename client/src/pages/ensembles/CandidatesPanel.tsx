import { memo, useMemo } from 'react';
import { Link } from 'wouter';
import { useApiPages } from '../../api/pages.ts';
import { percent } from '../../format/numbers.ts';
import { splitWords } from '../../format/splits.ts';
import {
  EnsembleCandidatesDocument,
  type EnsembleCandidatesQuery,
  type EnsembleRunFragment,
  type OrderDirection,
  type RunOrderInput,
  type Split,
} from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { type Column, DataTable } from '../../ui/DataTable.tsx';
import { Select } from '../../ui/Field.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { Name } from '../../ui/Name.tsx';
import { Empty, Failure, Skeleton } from '../../ui/Notice.tsx';
import { Panel, Stack } from '../../ui/Page.tsx';
import { SearchField } from '../../ui/SearchField.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import styles from './ensembles.module.css';
import { problemAt } from './problems.ts';
import { problemsOf } from './refusal.ts';
import { predictionsOn } from './scores.ts';

type Candidate = NonNullable<EnsembleCandidatesQuery['experiment']>['runs']['nodes'][number];

/** Which runs are offered as long as no filter says otherwise. */
const usual = 'status = SUCCEEDED and kind != MEMORY_PROBE';

/** The experiment's runs, to be ticked. */
export const CandidatesPanel = memo(function CandidatesPanel({
  experimentId,
  split,
  labelled,
  better,
  chosen,
  onToggle,
}: {
  readonly experimentId: string;
  /** Members need predictions of it. */
  readonly split: Split;
  readonly labelled: readonly Split[];
  /** Which end of the experiment's objective is better. */
  readonly better: OrderDirection;
  readonly chosen: ReadonlySet<string>;
  readonly onToggle: (run: EnsembleRunFragment) => void;
}) {
  const [get, set] = useSearch();
  const order = orders.find(({ key }) => key === get('order')) ?? orders[0]!;
  const { rows, error, first, loadMore, refetch } = useApiPages(
    EnsembleCandidatesDocument,
    { id: experimentId, filter: get('filter') ?? usual, orderBy: order.by(better) },
    runsOf,
    { every: 15_000 },
  );
  const columns = useMemo(() => columnsOf({ split, labelled, chosen, onToggle }), [split, labelled, chosen, onToggle]);
  const problem = problemAt(problemsOf(error), 'filter');
  return (
    <Panel title="Runs to choose from">
      <Stack>
        <div className={styles.form}>
          <div className={styles.grow}>
            <SearchField
              label="Filter"
              placeholder={usual}
              value={get('filter') ?? ''}
              problem={problem}
              onChange={(text) => set({ filter: text || null })}
            />
          </div>
          <Select label="Order" value={order.key} onChange={({ target }) => set({ order: target.value })}>
            {orders.map(({ key, label }) => (
              <option key={key} value={key}>
                {label}
              </option>
            ))}
          </Select>
        </div>
        {error && problem === undefined && <Failure error={error} onRetry={refetch} />}
        {!first && !error && <Skeleton height="18rem" />}
        {first && rows.length === 0 && (
          <Empty title={get('filter') ? 'No run passes this filter' : 'No finished runs'}>
            <p>
              {get('filter')
                ? 'Take something out of it, or clear it.'
                : 'Members are runs that have succeeded and stored their predictions. Start some in the experiment.'}
            </p>
          </Empty>
        )}
        {rows.length > 0 && (
          <DataTable
            label="Candidates"
            columns={columns}
            rows={rows}
            rowKey={({ id }) => id}
            onNearEnd={loadMore}
            maxHeight="26rem"
          />
        )}
      </Stack>
    </Panel>
  );
});

const runsOf = (data: EnsembleCandidatesQuery) => data.experiment?.runs;

const orders: readonly {
  readonly key: string;
  readonly label: string;
  readonly by: (better: OrderDirection) => RunOrderInput;
}[] = [
  { key: 'best', label: 'Best first', by: (better) => ({ field: 'OBJECTIVE', direction: better }) },
  { key: 'newest', label: 'Newest first', by: () => ({ field: 'CREATED_AT', direction: 'DESC' }) },
  { key: 'name', label: 'By name', by: () => ({ field: 'NAME', direction: 'ASC' }) },
];

function columnsOf({
  split,
  labelled,
  chosen,
  onToggle,
}: {
  readonly split: Split;
  readonly labelled: readonly Split[];
  readonly chosen: ReadonlySet<string>;
  readonly onToggle: (run: EnsembleRunFragment) => void;
}): readonly Column<Candidate>[] {
  return [
    {
      key: 'in',
      header: 'In',
      width: '3rem',
      cell: (run) => (
        <input
          type="checkbox"
          aria-label={`Combine ${run.name}`}
          checked={chosen.has(run.id)}
          disabled={whyNot(run, split) !== null && !chosen.has(run.id)}
          onChange={() => onToggle(run)}
        />
      ),
    },
    {
      key: 'name',
      header: 'Run',
      width: 'minmax(12rem, 1fr)',
      cell: ({ id, name }) => (
        <Link href={routes.run(id)}>
          <Name>{name}</Name>
        </Link>
      ),
    },
    {
      key: 'architecture',
      header: 'Architecture',
      width: 'minmax(9rem, 16rem)',
      cell: ({ architecture }) => <Name>{architecture}</Name>,
    },
    ...labelled.map(
      (on): Column<Candidate> => ({
        key: on,
        header: `${splitWords[on]} error`,
        width: '9.5rem',
        align: 'right',
        cell: (run) => percent(predictionsOn(run, on)?.score?.errorRate),
      }),
    ),
    {
      key: 'predictions',
      header: `${splitWords[split]} predictions`,
      width: '13rem',
      cell: (run) => {
        const problem = whyNot(run, split);
        return problem === null ? predictionsOn(run, split)!.kind : <span className={styles.out}>{problem}</span>;
      },
    },
    { key: 'created', header: 'Created', width: '9.5rem', cell: ({ createdAt }) => <Moment at={createdAt} /> },
  ];
}

/** Why a run cannot be a member. */
function whyNot(run: Candidate, split: Split): string | null {
  if (run.status !== 'SUCCEEDED') return `none: it is ${run.status}`;
  return predictionsOn(run, split) ? null : 'none stored';
}
