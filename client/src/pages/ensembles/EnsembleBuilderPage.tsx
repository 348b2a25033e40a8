import { useMemo, useRef, useState } from 'react';
import { useApiQuery } from '../../api/hooks.ts';
import {
  EnsembleBuilderDocument,
  type EnsembleBuilderQuery,
  type EnsembleInput,
  EnsembleLabelsDocument,
  type EnsembleRunFragment,
  type Split,
} from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Empty, Failure, Notice, Skeleton } from '../../ui/Notice.tsx';
import { PageHead, Panel, Stack } from '../../ui/Page.tsx';
import { type BuilderState, memberInputs, writtenRules } from './builderState.ts';
import { CandidatesPanel } from './CandidatesPanel.tsx';
import styles from './ensembles.module.css';
import { HistoryPanel } from './HistoryPanel.tsx';
import { ImagesPanel } from './ImagesPanel.tsx';
import { MembersPanel } from './MembersPanel.tsx';
import { withoutMember } from './members.ts';
import { OptimizeDialog } from './OptimizeDialog.tsx';
import { sortProblems } from './problems.ts';
import { LabelsPanel, ScorePanel } from './ResultPanels.tsx';
import { problemsOf, refusal } from './refusal.ts';
import { SaveDialog } from './SaveDialog.tsx';
import { labelledSplits, mainSplit, predictedSplits } from './splits.ts';
import { useBuilder } from './useBuilder.ts';
import { type Members, useMembers } from './useMembers.ts';

/** Runs are chosen and weighed, and what their ensemble predicts is seen at once. */
export function EnsembleBuilderPage({ experimentId }: { readonly experimentId: string }) {
  const { data, error, refetch } = useApiQuery(EnsembleBuilderDocument, { id: experimentId });
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Skeleton height="70vh" />;
  if (!data.experiment) {
    return (
      <>
        <PageHead title="New ensemble" />
        <Empty title="There is no such experiment">
          <p>It may have been deleted.</p>
          <ButtonLink to={routes.experiments}>To the experiments</ButtonLink>
        </Empty>
      </>
    );
  }
  return <EnsembleBuilder key={experimentId} experiment={data.experiment} />;
}

function EnsembleBuilder({ experiment }: { readonly experiment: NonNullable<EnsembleBuilderQuery['experiment']> }) {
  const { id: experimentId, name, dataset, objective } = experiment;
  const labelled = labelledSplits(dataset);
  const split = mainSplit(dataset);
  const builder = useBuilder();
  const { state, settled, change } = builder;
  const found = useMembers(experimentId, split, state);
  const [dialog, setDialog] = useState<'save' | 'optimize' | null>(null);
  const input = useComputable(experimentId, split, settled, found);
  const asked = input !== null;
  // The panel of labels asks the same: the answer is kept once.
  const { error } = useApiQuery(EnsembleLabelsDocument, { input: input ?? none }, { enabled: asked });
  const problems = useMemo(() => sortProblems(problemsOf(error), writtenRules(settled.rules).length), [error, settled]);
  const counted = found.members.filter(({ weight }) => weight > 0);
  const chosen = useMemo(
    () => new Set(found.members.filter(({ weight }) => weight > 0).map(({ runId }) => runId)),
    [found.members],
  );
  const memberRuns = counted.flatMap(({ runId }) => found.runs.get(runId) ?? []);
  const toggle = (run: EnsembleRunFragment) => {
    const member = found.members.find(({ runId }) => runId === run.id);
    found.remember(run);
    change(({ picks }) => {
      if (member && member.weight > 0) return { picks: withoutMember(picks, member) };
      const others = picks.filter(({ runId }) => runId !== run.id);
      return { picks: member?.rule?.weight ? others : [...others, { runId: run.id, weight: 1 }] };
    });
  };
  return (
    <>
      <PageHead
        title="New ensemble"
        trail={[
          { to: routes.experiments, label: 'Experiments' },
          { to: routes.experiment(experimentId), label: name },
        ]}
        actions={
          <>
            <Button onClick={() => setDialog('optimize')}>Select automatically …</Button>
            <Button look="primary" disabled={counted.length === 0} onClick={() => setDialog('save')}>
              <Icon name="ensemble" /> Save …
            </Button>
          </>
        }
      >
        Combined from predictions that are stored already: no model runs again.
      </PageHead>
      <Stack>
        <div className={styles.columns}>
          <MembersPanel builder={builder} found={found} problems={problems} splits={labelled} />
          <div className={styles.beside}>
            {asked && error && (
              <Panel title="Score">
                <Notice tone="bad" title="These cannot be combined">
                  {refusal(error)}
                </Notice>
              </Panel>
            )}
            {asked && !error && (
              <Stack>
                <ScorePanel input={input} splits={labelled} members={memberRuns} />
                <LabelsPanel input={input} training={dataset?.labelCounts ?? []} />
              </Stack>
            )}
            {!asked && (
              <Panel title="Score">
                <Empty title="Nothing to score yet">
                  <p>
                    With the first member its error rate stands here, and how often each label is predicted. Whatever
                    you change is computed at once.
                  </p>
                </Empty>
              </Panel>
            )}
          </div>
        </div>
        <CandidatesPanel
          experimentId={experimentId}
          split={split}
          labelled={labelled}
          better={objective.direction}
          chosen={chosen}
          onToggle={toggle}
        />
        {asked && !error && <ImagesPanel input={input} splits={predictedSplits(dataset)} />}
        <HistoryPanel experimentId={experimentId} />
      </Stack>
      {dialog === 'save' && (
        <SaveDialog
          experimentId={experimentId}
          split={split}
          state={state}
          memberCount={counted.length}
          onClose={() => setDialog(null)}
        />
      )}
      {dialog === 'optimize' && (
        <OptimizeDialog
          experimentId={experimentId}
          holdout={labelled.includes('HOLDOUT')}
          members={counted.map(({ runId }) => runId)}
          onClose={() => setDialog(null)}
        />
      )}
    </>
  );
}

/** Asked of nobody. */
const none: EnsembleInput = { members: [] };

/**
 * What is to be computed: the members as the link says them. While one of their rules is being looked up, or is refused, what was computed
 * last stays. Null while nobody was chosen.
 */
function useComputable(
  experimentId: string,
  split: Split,
  settled: BuilderState,
  { rules }: Members,
): (EnsembleInput & { readonly split: Split }) | null {
  const last = useRef<BuilderState | null>(null);
  if (rules.every(({ runs, problem }) => runs && problem === undefined)) last.current = settled;
  const state = last.current;
  return useMemo(() => {
    const members = state ? memberInputs(state) : [];
    return state && members.length > 0 ? { experimentId, split, members, method: state.method } : null;
  }, [experimentId, split, state]);
}
