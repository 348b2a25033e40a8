import { useCallback, useMemo, useRef, useState } from 'react';
import { useApiQuery } from '../../api/hooks.ts';
import {
  type EnsembleBuilderQuery,
  type EnsembleInput,
  EnsembleLabelsDocument,
  type EnsembleRunFragment,
} from '../../generated/operations.ts';
import { ForWriters, ReadOnlyNotice } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { Button } from '../../ui/Button.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Empty, Notice, Skeleton } from '../../ui/Notice.tsx';
import { PageHead, Panel, Stack } from '../../ui/Page.tsx';
import { writtenRules } from './builderState.ts';
import { CandidatesPanel } from './CandidatesPanel.tsx';
import styles from './ensembles.module.css';
import { HistoryPanel, SubmissionHistory } from './HistoryPanel.tsx';
import { ImagesPanel } from './ImagesPanel.tsx';
import { MembersPanel } from './MembersPanel.tsx';
import { toggled } from './members.ts';
import { OptimizeDialog } from './OptimizeDialog.tsx';
import { sortProblems } from './problems.ts';
import { LabelsPanel, ScorePanel } from './ResultPanels.tsx';
import { isRefused, problemsOf, refusal } from './refusal.ts';
import { SaveDialog } from './SaveDialog.tsx';
import { labelledSplits, mainSplit, predictedSplits } from './splits.ts';
import { useBuilder } from './useBuilder.ts';
import { useComputable } from './useComputable.ts';
import { type Members, useMembers } from './useMembers.ts';

/** Runs are chosen and weighed, and what their ensemble predicts is seen at once. */
export function EnsembleBuilder({
  experiment,
}: {
  readonly experiment: NonNullable<EnsembleBuilderQuery['experiment']>;
}) {
  const { id: experimentId, name, dataset, objective } = experiment;
  const labelled = useMemo(() => labelledSplits(dataset), [dataset]);
  const predicted = useMemo(() => predictedSplits(dataset), [dataset]);
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
  const refusedTogether = error !== null && isRefused(error);
  const refused = found.rules.some(({ problem }) => problem !== undefined);
  const newest = useRef(found);
  newest.current = found;
  const toggle = useCallback(
    (run: EnsembleRunFragment) => {
      const member = newest.current.members.find(({ runId }) => runId === run.id);
      newest.current.remember(run);
      change(({ picks }) => ({ picks: toggled(picks, run.id, member) }));
    },
    [change],
  );
  return (
    <>
      <PageHead
        title="New ensemble"
        trail={[
          { to: routes.experiments, label: 'Experiments' },
          { to: routes.experiment(experimentId), label: name },
        ]}
        actions={
          <ForWriters>
            <Button onClick={() => setDialog('optimize')}>Select automatically …</Button>
            <Button look="primary" disabled={found.chosen.size === 0} onClick={() => setDialog('save')}>
              <Icon name="ensemble" /> Save …
            </Button>
          </ForWriters>
        }
      >
        Combined from predictions that are stored already: no model runs again.
      </PageHead>
      <Stack>
        <ReadOnlyNotice what="save an ensemble" />
        <div className={styles.columns}>
          <MembersPanel builder={builder} found={found} problems={problems} splits={labelled} />
          <div className={styles.beside}>
            {asked && refusedTogether && (
              <Panel title="Score">
                <Notice tone="bad" title="These cannot be combined">
                  {refusal(error)}
                </Notice>
              </Panel>
            )}
            {asked && !refusedTogether && (
              <Stack>
                <ScorePanel input={input} splits={labelled} members={found.chosenRuns} />
                <LabelsPanel input={input} training={dataset?.labelCounts ?? unknownLabels} />
                {refused && <Notice tone="warn">A line is refused: these figures are of the members before.</Notice>}
              </Stack>
            )}
            {!asked && (
              <Panel title="Score">
                <NothingComputed rules={found.rules} empty={found.members.length === 0} />
              </Panel>
            )}
          </div>
        </div>
        <CandidatesPanel
          experimentId={experimentId}
          split={split}
          labelled={labelled}
          better={objective.direction}
          chosen={found.chosen}
          onToggle={toggle}
        />
        {asked && !refusedTogether && <ImagesPanel input={input} splits={predicted} />}
        <HistoryPanel experimentId={experimentId} />
        <SubmissionHistory experimentId={experimentId} />
      </Stack>
      {dialog === 'save' && (
        <SaveDialog
          experimentId={experimentId}
          split={split}
          state={state}
          memberCount={found.chosen.size}
          onClose={() => setDialog(null)}
        />
      )}
      {dialog === 'optimize' && (
        <OptimizeDialog
          experimentId={experimentId}
          holdout={labelled.includes('HOLDOUT')}
          members={[...found.chosen]}
          onClose={() => setDialog(null)}
        />
      )}
    </>
  );
}

/** In place of scores, and why. */
function NothingComputed({ rules, empty }: { readonly rules: Members['rules']; readonly empty: boolean }) {
  if (rules.some(({ problem }) => problem !== undefined)) {
    return <Notice tone="warn">A line is refused. Once it can be read and matches runs, the score stands here.</Notice>;
  }
  if (!empty || rules.some(({ runs }) => !runs)) return <Skeleton height="12rem" />;
  return (
    <Empty title="Nothing to score yet">
      <p>
        With the first member its error rate stands here, and how often each label is predicted. Whatever you change is
        computed at once.
      </p>
    </Empty>
  );
}

/** Asked of nobody. */
const none: EnsembleInput = { members: [] };

const unknownLabels: readonly never[] = [];
