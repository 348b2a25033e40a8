import { ForWriters } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { Moment } from '../../ui/Moment.tsx';
import { Failure, Skeleton } from '../../ui/Notice.tsx';
import { NotThere } from '../../ui/NotThere.tsx';
import { PageHead, Stack } from '../../ui/Page.tsx';
import { Status } from '../../ui/Status.tsx';
import { Tabs } from '../../ui/Tabs.tsx';
import { Tags } from '../../ui/Tags.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import { AttemptsTab } from './AttemptsTab.tsx';
import { ConfigTab } from './ConfigTab.tsx';
import { FilesTab } from './FilesTab.tsx';
import { LogTab } from './LogTab.tsx';
import { OverviewTab } from './OverviewTab.tsx';
import { PredictionsTab } from './PredictionsTab.tsx';
import { RunActions } from './RunActions.tsx';
import { RunSituation } from './RunSituation.tsx';
import type { RunState } from './runState.ts';
import { useRun } from './useRun.ts';

export function RunPage({ id }: { readonly id: string }) {
  const { state, error, reload } = useRun(id);
  if (state) return <Loaded state={state} reload={reload} />;
  if (state === null) return <NotThere what="run" />;
  return (
    <>
      <PageHead title="Run" />
      {error ? (
        <Failure error={error} onRetry={reload} />
      ) : (
        <Stack>
          <Skeleton height="4.25rem" />
          <Skeleton height="2.25rem" />
          <Skeleton height="60vh" />
        </Stack>
      )}
    </>
  );
}

const views = {
  overview: OverviewTab,
  predictions: PredictionsTab,
  log: LogTab,
  config: ConfigTab,
  files: FilesTab,
  attempts: AttemptsTab,
} as const;
type View = keyof typeof views;

function Loaded({ state, reload }: { readonly state: RunState; readonly reload: () => void }) {
  const [get] = useSearch();
  const { facts } = state;
  const wanted = get('tab') ?? 'overview';
  const current: View = wanted in views ? (wanted as View) : 'overview';
  const Current = views[current];
  const tab = (key: View, label: string) => ({
    key,
    label,
    to: key === 'overview' ? routes.run(facts.id) : `${routes.run(facts.id)}?tab=${key}`,
  });
  return (
    <>
      <PageHead
        title={facts.name}
        trail={[
          { to: routes.experiments, label: 'Experiments' },
          { to: routes.experiment(facts.experiment.id), label: facts.experiment.name },
          ...(facts.sweep ? [{ to: routes.sweep(facts.sweep.id), label: facts.sweep.name }] : []),
        ]}
        actions={
          <ForWriters>
            <RunActions facts={facts} reload={reload} />
          </ForWriters>
        }
      >
        <Status of={facts.status} />
        <code>{facts.architecture}</code>
        <span>
          created <Moment at={facts.createdAt} />
        </span>
        {facts.tags.length > 0 && <Tags tags={facts.tags} />}
      </PageHead>
      <Stack>
        <RunSituation state={state} />
        <Tabs
          label="Run"
          current={current}
          tabs={[
            tab('overview', 'Overview'),
            ...(facts.kind === 'MEMORY_PROBE'
              ? []
              : [tab('predictions', counted('Predictions', facts.predictions.length))]),
            tab('log', 'Log'),
            tab('config', 'Config'),
            tab('files', counted('Files', facts.artifacts.length)),
            tab('attempts', counted('Attempts', facts.attempts.length)),
          ]}
        />
        <Current state={state} reload={reload} />
      </Stack>
    </>
  );
}

const counted = (label: string, count: number) => (count > 0 ? `${label} (${count})` : label);
