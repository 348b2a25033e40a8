import { useMemo } from 'react';
import { Link } from 'wouter';
import { useApiQuery } from '../../api/hooks.ts';
import { mostCompared } from '../../domain/mostCompared.ts';
import { CompareDocument, CompareMetricsDocument } from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { ButtonLink } from '../../ui/Button.tsx';
import { Name } from '../../ui/Name.tsx';
import { Empty, Failure, Notice, Skeleton } from '../../ui/Notice.tsx';
import { PageHead, Stack } from '../../ui/Page.tsx';
import styles from './Compare.module.css';
import { ConfigPanel } from './ConfigPanel.tsx';
import { CurvesPanel } from './CurvesPanel.tsx';
import { type ComparedRun, distinctNames, filterOf, inOrder, metricsFor, objectivesFirst } from './compareRuns.ts';
import { MetricsPanel } from './MetricsPanel.tsx';
import { RunsLegend } from './RunsLegend.tsx';
import { Swatch } from './Swatch.tsx';
import { useCompareView } from './useCompareView.ts';

/** Charts that are there without being asked for, where the runs have them. */
const usual = ['train/loss', 'valid/loss'];

/** Up to twenty runs side by side: best values, curves, configs. */
export function ComparePage() {
  const [view, change] = useCompareView();
  const { ids } = view;
  const { data, error, refetch } = useApiQuery(
    CompareDocument,
    { filter: filterOf(ids), first: mostCompared },
    { enabled: ids.length > 0, every: 5_000 },
  );
  const runs = useMemo(() => inOrder(ids, data?.runs.nodes ?? []), [ids, data]);
  if (ids.length === 0 || (data && runs.length === 0)) {
    return (
      <>
        <Head runs={[]} />
        <Empty title={ids.length === 0 ? 'No runs are chosen' : 'These runs do not exist any more'}>
          <p>Select runs on the leaderboard of an experiment and choose Compare: up to {mostCompared} at once.</p>
          <ButtonLink to={routes.experiments}>To the experiments</ButtonLink>
        </Empty>
      </>
    );
  }
  if (!data) {
    return (
      <>
        <Head runs={[]} />
        {error ? <Failure error={error} onRetry={() => void refetch()} /> : <Skeleton height="60vh" />}
      </>
    );
  }
  return <Comparison runs={runs} missing={ids.length - runs.length} view={view} change={change} />;
}

function Comparison({
  runs,
  missing,
  view,
  change,
}: {
  readonly runs: readonly ComparedRun[];
  /** How many of the link's are not there. */
  readonly missing: number;
  readonly view: ReturnType<typeof useCompareView>[0];
  readonly change: ReturnType<typeof useCompareView>[1];
}) {
  const ids = useMemo(() => runs.map(({ id }) => id), [runs]);
  const names = useMemo(() => distinctNames(runs), [runs]);
  const compared = useApiQuery(CompareMetricsDocument, { ids }, { every: 5_000 });
  const all = useMemo(
    () => objectivesFirst(compared.data ? metricsFor(ids, compared.data.compareRuns) : [], runs),
    [compared.data, ids, runs],
  );
  const known = useMemo(() => all.map(({ name }) => name), [all]);
  const metrics = useMemo(() => {
    const objectives = new Set(runs.map(({ experiment }) => experiment.objective.metric));
    return view.metrics ?? known.filter((name) => objectives.has(name) || usual.includes(name));
  }, [view.metrics, known, runs]);
  const columns = runs.map(({ id }, place) => ({
    key: id,
    header: (
      <span className={styles.column}>
        <Swatch place={place} />
        <Link href={routes.run(id)}>
          <Name>{names[place]!}</Name>
        </Link>
      </span>
    ),
  }));
  return (
    <>
      <Head runs={runs} />
      <Stack>
        {view.named.length > view.ids.length && (
          <Notice tone="warn">
            This link names {view.named.length} runs; the first {view.ids.length} are compared.
          </Notice>
        )}
        {missing > 0 && (
          <Notice tone="warn">
            {missing === 1
              ? 'One of the runs that this link names is'
              : `${missing} of the runs that this link names are`}{' '}
            not there any more.
          </Notice>
        )}
        <RunsLegend
          runs={runs}
          names={names}
          onRemove={(id) => change({ named: view.named.filter((other) => other !== id) })}
        />
        {compared.error && !compared.data && <Failure error={compared.error} onRetry={() => void compared.refetch()} />}
        {!compared.data && !compared.error && <Skeleton height="24rem" />}
        {compared.data && <MetricsPanel runs={runs} metrics={all} columns={columns} />}
        <CurvesPanel ids={ids} names={names} known={known} metrics={metrics} view={view} change={change} />
        <ConfigPanel
          runs={runs}
          columns={columns}
          onlyDifferences={view.onlyDifferences}
          onOnlyDifferences={(onlyDifferences) => change({ onlyDifferences })}
        />
      </Stack>
    </>
  );
}

function Head({ runs }: { readonly runs: readonly ComparedRun[] }) {
  const experiments = new Map(runs.map(({ experiment }) => [experiment.id, experiment.name]));
  const [only] = experiments.size === 1 ? experiments : [];
  return (
    <PageHead
      title={runs.length > 0 ? `Compare ${runs.length === 1 ? 'one run' : `${runs.length} runs`}` : 'Compare runs'}
      trail={[
        { to: routes.experiments, label: 'Experiments' },
        ...[...experiments].slice(0, 3).map(([id, name]) => ({ to: routes.experiment(id), label: name })),
      ]}
      actions={
        only && (
          <ButtonLink
            to={routes.newEnsemble(
              only[0],
              runs.map(({ id }) => id),
            )}
          >
            Ensemble of these
          </ButtonLink>
        )
      }
    />
  );
}
