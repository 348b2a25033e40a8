import { Link } from 'wouter';
import { Sparkline } from '../../charts/Sparkline.tsx';
import { bytes, metric } from '../../format/numbers.ts';
import type { ExperimentsPageQuery } from '../../generated/operations.ts';
import { ForWriters } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { ButtonLink } from '../../ui/Button.tsx';
import type { Column } from '../../ui/DataTable.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { Name } from '../../ui/Name.tsx';
import { StatusCounts } from '../../ui/StatusCounts.tsx';
import styles from './Experiments.module.css';

type Experiment = ExperimentsPageQuery['experiments']['nodes'][number];

export const columns: readonly Column<Experiment>[] = [
  {
    key: 'name',
    header: 'Experiment',
    // Narrow screens have room for the score beside it.
    width: 'minmax(min(13rem, 42vw), 1fr)',
    cell: ({ id, name }) => (
      <Link href={routes.experiment(id)}>
        <Name>{name}</Name>
      </Link>
    ),
  },
  {
    key: 'best',
    header: 'Best score',
    width: '12rem',
    align: 'right',
    cell: ({ bestHistory, objective }) => {
      const best = bestHistory.at(-1);
      return (
        <span title={objective.metric}>
          {metric(objective.metric, best)} <span className={styles.metric}>{best && objective.metric}</span>
        </span>
      );
    },
  },
  {
    key: 'course',
    header: 'Over time',
    width: '8rem',
    cell: ({ bestHistory, objective }) => {
      const [first, last] = [bestHistory[0], bestHistory.at(-1)];
      if (!first || !last) return null;
      const [from, to] = [metric(objective.metric, first), metric(objective.metric, last)];
      return (
        <Sparkline
          label={`${objective.metric}: ${from} at first, ${to} now`}
          values={bestHistory.map(({ value }) => value)}
        />
      );
    },
  },
  {
    key: 'runs',
    header: 'Runs',
    width: '15rem',
    cell: ({ runCounts }) => (runCounts.length > 0 ? <StatusCounts counts={runCounts} /> : 'none yet'),
  },
  {
    key: 'dataset',
    header: 'Data set',
    width: '10rem',
    cell: ({ dataset }) =>
      dataset && (
        <Link href={routes.dataset(dataset.id)}>
          <Name>{dataset.name}</Name>
        </Link>
      ),
  },
  { key: 'storage', header: 'Storage', width: '6rem', align: 'right', cell: ({ storage }) => bytes(storage.bytes) },
  { key: 'created', header: 'Created', width: '9.5rem', cell: ({ createdAt }) => <Moment at={createdAt} /> },
  {
    key: 'links',
    header: 'Go to',
    width: '12rem',
    cell: ({ id, name, dataset }) => (
      <span className={styles.links}>
        {dataset && (
          <ForWriters>
            <ButtonLink small look="quiet" to={routes.start(id)}>
              Start run<span className="visually-hidden"> in {name}</span>
            </ButtonLink>
          </ForWriters>
        )}
        <ButtonLink small look="quiet" to={`${routes.experiment(id)}?tab=scatter`}>
          Scatter<span className="visually-hidden"> of {name}</span>
        </ButtonLink>
      </span>
    ),
  },
];
