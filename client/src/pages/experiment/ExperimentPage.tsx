import { useState } from 'react';
import { Link, useParams } from 'wouter';
import { useApiQuery } from '../../api/hooks.ts';
import { bytes } from '../../format/numbers.ts';
import { ExperimentPageDocument } from '../../generated/operations.ts';
import { ForWriters } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { ButtonLink } from '../../ui/Button.tsx';
import { Menu } from '../../ui/Menu.tsx';
import { Name } from '../../ui/Name.tsx';
import { Failure, Skeleton } from '../../ui/Notice.tsx';
import { NotThere } from '../../ui/NotThere.tsx';
import { PageHead } from '../../ui/Page.tsx';
import { StatusCounts } from '../../ui/StatusCounts.tsx';
import { Tabs } from '../../ui/Tabs.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import { EnsemblesTab } from './EnsemblesTab.tsx';
import styles from './Experiment.module.css';
import { DeleteDialog, RenameDialog } from './ExperimentActions.tsx';
import type { ExperimentHead } from './head.ts';
import { LeaderboardTab } from './LeaderboardTab.tsx';
import { RunsTab } from './RunsTab.tsx';
import { ScatterTab } from './ScatterTab.tsx';
import { SweepsTab } from './SweepsTab.tsx';

const tabs = [
  { key: 'leaderboard', label: 'Leaderboard', Content: LeaderboardTab },
  { key: 'runs', label: 'Runs', Content: RunsTab },
  { key: 'scatter', label: 'Scatter', Content: ScatterTab },
  { key: 'ensembles', label: 'Ensembles', Content: EnsemblesTab },
  { key: 'sweeps', label: 'Sweeps', Content: SweepsTab },
] as const;

/** What the tabs that list runs share in their links. */
const shared = ['filter', 'columns'];

export function ExperimentPage() {
  const { id } = useParams<{ id: string }>();
  const [get] = useSearch();
  const { data, error, refetch } = useApiQuery(ExperimentPageDocument, { id }, { every: 5_000 });
  if (!data && error) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Skeleton height="60vh" />;
  if (!data.experiment) return <NotThere what="experiment" />;
  const { key: current, Content } = tabs.find(({ key }) => key === get('tab')) ?? tabs[0];
  const linkOf = (tab: string) => {
    const params = new URLSearchParams(tab === tabs[0].key ? {} : { tab });
    for (const key of shared) {
      const value = get(key);
      if (value !== null) params.set(key, value);
    }
    const text = params.toString();
    return routes.experiment(id) + (text && `?${text}`);
  };
  return (
    <>
      <Head experiment={data.experiment} />
      <Tabs
        label="Parts of the experiment"
        current={current}
        tabs={tabs.map(({ key, label }) => ({ key, label, to: linkOf(key) }))}
      />
      <Content key={id} experiment={data.experiment} />
    </>
  );
}

function Head({ experiment }: { readonly experiment: ExperimentHead }) {
  const [dialog, setDialog] = useState<'rename' | 'delete' | null>(null);
  const { id, name, description, dataset, objective, runCount, runCounts, storage } = experiment;
  const close = () => setDialog(null);
  return (
    <PageHead
      title={name}
      trail={[{ to: routes.experiments, label: 'Experiments' }]}
      actions={
        <ForWriters>
          {dataset && (
            <ButtonLink look="primary" to={routes.start(id)}>
              Start run
            </ButtonLink>
          )}
          <ButtonLink to={routes.newEnsemble(id)}>New ensemble</ButtonLink>
          <Menu
            label="More"
            items={[
              { label: 'Rename', onChoose: () => setDialog('rename') },
              { label: 'Delete', icon: 'trash', tone: 'bad', onChoose: () => setDialog('delete') },
            ]}
          />
          {dialog === 'rename' && <RenameDialog experiment={experiment} onClose={close} />}
          {dialog === 'delete' && <DeleteDialog experiment={experiment} onClose={close} />}
        </ForWriters>
      }
    >
      {description && (
        <p className={styles.description}>
          <Name whole>{description}</Name>
        </p>
      )}
      <span>
        {dataset ? (
          <>
            data set{' '}
            <Link href={routes.dataset(dataset.id)}>
              <Name>{dataset.name}</Name>
            </Link>
          </>
        ) : (
          'no data set'
        )}
      </span>
      <span>
        {objective.metric}, {objective.direction === 'ASC' ? 'smaller' : 'larger'} is better
      </span>
      {runCount > 0 ? <StatusCounts counts={runCounts} /> : <span>no runs yet</span>}
      <span>
        {bytes(storage.bytes)}
        {storage.quota !== null && ` of ${bytes(storage.quota)}`}
      </span>
    </PageHead>
  );
}
