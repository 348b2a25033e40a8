import { useMemo, useRef } from 'react';
import { Link } from 'wouter';
import { useApiQuery } from '../../api/hooks.ts';
import { count } from '../../format/numbers.ts';
import { StartFromDocument, StartPageDocument } from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { ButtonLink } from '../../ui/Button.tsx';
import { Name } from '../../ui/Name.tsx';
import { Empty, Failure, Notice, Skeleton } from '../../ui/Notice.tsx';
import { NotThere } from '../../ui/NotThere.tsx';
import { PageHead, Stack } from '../../ui/Page.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import { draftOfConfig, recipe } from './draft.ts';
import { StartForm } from './StartForm.tsx';

/** Starts runs in an experiment. `from` in the link: begins with the config of that run. */
export function StartPage({ experimentId }: { readonly experimentId: string }) {
  const [get] = useSearch();
  const runId = get('from');
  const page = useApiQuery(StartPageDocument, { experimentId });
  const source = useApiQuery(StartFromDocument, { runId: runId ?? '' }, { enabled: runId !== null });
  // What was typed is relative to it: it stays when the run is deleted meanwhile.
  const kept = useRef(source.data?.run);
  if (source.data?.run) kept.current = source.data.run;
  const run = kept.current?.id === runId ? kept.current : null;
  const base = useMemo(() => (run ? draftOfConfig(run.config) : recipe), [run]);

  const failed = [page, source].find(({ error, data }) => error && !data);
  if (failed?.error) return <Failure error={failed.error} onRetry={() => void failed.refetch()} />;
  if (!page.data || (runId !== null && (!source.data || source.isPlaceholderData))) return <Skeleton height="70vh" />;
  const { experiment, architectures } = page.data;
  if (!experiment) return <NotThere what="experiment" />;
  const { dataset } = experiment;
  const trail = [
    { to: routes.experiments, label: 'Experiments' },
    { to: routes.experiment(experimentId), label: experiment.name },
  ];
  return (
    <>
      <PageHead title={run ? 'Start again with changes' : 'Start a run or a sweep'} trail={trail}>
        {run && (
          <span>
            From{' '}
            <Link href={routes.run(run.id)}>
              <Name>{run.name}</Name>
            </Link>
          </span>
        )}
        {dataset && (
          <span>
            Trains on{' '}
            <Link href={routes.dataset(dataset.id)}>
              <Name>{dataset.name}</Name>
            </Link>
            , {count(dataset.trainCount)} images of {count(dataset.vocab.length)} labels
          </span>
        )}
      </PageHead>
      {dataset ? (
        <Stack>
          {runId !== null && !run && (
            <Notice tone="warn" title="The run that this was to begin with is gone">
              The form begins with the recipe’s defaults instead.
            </Notice>
          )}
          <StartForm
            key={run?.id ?? ''}
            vocab={dataset.vocab}
            from={run?.name}
            {...{ experimentId, architectures, base }}
          />
        </Stack>
      ) : (
        <Empty title="This experiment has no data set">
          <p>It only collects. An experiment that is made with a data set can train on it.</p>
          <ButtonLink to={routes.datasets}>To the data sets</ButtonLink>
        </Empty>
      )}
    </>
  );
}
