import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { useApiMutation, useApiQuery } from '../../api/hooks.ts';
import { percent } from '../../format/numbers.ts';
import { imagesOf, splitWords } from '../../format/splits.ts';
import {
  DeleteEnsembleDocument,
  type EnsembleDetailsFragment,
  EnsemblePageDocument,
  type Split,
} from '../../generated/operations.ts';
import { ForWriters } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { type Column, DataTable } from '../../ui/DataTable.tsx';
import { Confirm } from '../../ui/Dialog.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { Name } from '../../ui/Name.tsx';
import { Failure, Notice, Skeleton } from '../../ui/Notice.tsx';
import { NotThere } from '../../ui/NotThere.tsx';
import { PageHead, Panel, Stack } from '../../ui/Page.tsx';
import { toasts } from '../../ui/toasts.ts';
import { stateSearch } from './builderState.ts';
import styles from './ensembles.module.css';
import { ImagesPanel } from './ImagesPanel.tsx';
import { methodHints, methodNames } from './methods.ts';
import { LabelsPanel } from './ResultPanels.tsx';
import { RowsPanel } from './RowsPanel.tsx';
import { SelectionPanel } from './SelectionPanel.tsx';
import { SplitScore } from './SplitScore.tsx';
import { SubmissionsPanel } from './SubmissionsPanel.tsx';
import { predictionsOn } from './scores.ts';
import { labelledSplits, mainSplit, predictedSplits } from './splits.ts';

export function EnsemblePage({ id }: { readonly id: string }) {
  const { data, error, refetch } = useApiQuery(EnsemblePageDocument, { id });
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Skeleton height="70vh" />;
  if (data.node?.__typename !== 'Ensemble') return <NotThere what="ensemble" />;
  return <Saved ensemble={data.node} />;
}

function Saved({ ensemble }: { readonly ensemble: EnsembleDetailsFragment }) {
  const { id, name, createdAt, method, experiment, members, scores, selection, submissions } = ensemble;
  const { dataset } = experiment;
  const labelled = labelledSplits(dataset);
  const runs = members.map(({ run }) => run);
  const input = {
    experimentId: experiment.id,
    split: mainSplit(dataset),
    members: members.map(({ run, weight }) => ({ runId: run.id, weight })),
    method,
  };
  const again = stateSearch({
    rules: [],
    picks: members.map(({ run, weight }) => ({ runId: run.id, weight })),
    method,
  });
  return (
    <>
      <PageHead
        title={name}
        trail={[
          { to: routes.experiments, label: 'Experiments' },
          { to: routes.experiment(experiment.id), label: experiment.name },
        ]}
        actions={
          <ForWriters>
            <ButtonLink to={routes.newEnsemble(experiment.id) + again}>Edit as new</ButtonLink>
            <DeleteButton ensemble={ensemble} />
          </ForWriters>
        }
      >
        <span>Ensemble</span>
        <span title={methodHints[method]}>{methodNames[method]}</span>
        <span>{members.length === 1 ? '1 member' : `${members.length} members`}</span>
        <span>
          made <Moment at={createdAt} />
        </span>
      </PageHead>
      <Stack>
        <div className={styles.columns}>
          <Stack>
            <Panel title="Score">
              <div className={styles.scores}>
                {labelled.map((split) => {
                  const score = scores.find((each) => each.split === split) ?? null;
                  return (
                    <SplitScore key={split} split={split} score={score} members={runs}>
                      {!score && (
                        <Notice>Its members have no predictions of the same labelled {imagesOf(split)}.</Notice>
                      )}
                    </SplitScore>
                  );
                })}
              </div>
            </Panel>
            <Panel title={`Members (${members.length})`}>
              <DataTable
                label="Members"
                columns={memberColumns(labelled)}
                rows={members}
                rowKey={({ run }) => run.id}
                maxHeight="26rem"
              />
            </Panel>
          </Stack>
          <Stack>
            <SubmissionsPanel ensembleId={id} submissions={submissions} />
            <LabelsPanel input={input} training={dataset?.labelCounts ?? []} />
          </Stack>
        </div>
        {selection && <SelectionPanel selection={selection} scores={scores} />}
        <ImagesPanel input={input} splits={predictedSplits(dataset)} />
        <RowsPanel ensembleId={id} splits={predictedSplits(dataset)} />
      </Stack>
    </>
  );
}

function memberColumns(labelled: readonly Split[]): readonly Column<EnsembleDetailsFragment['members'][number]>[] {
  return [
    {
      key: 'name',
      header: 'Run',
      width: 'minmax(10rem, 1fr)',
      cell: ({ run }) => (
        <Link href={routes.run(run.id)}>
          <Name>{run.name}</Name>
        </Link>
      ),
    },
    {
      key: 'weight',
      header: 'Weight',
      width: '5rem',
      align: 'right',
      cell: ({ weight }) => String(Number(weight.toPrecision(4))),
    },
    { key: 'share', header: 'Share', width: '5rem', align: 'right', cell: ({ share }) => percent(share, 1) },
    ...labelled.map(
      (split): Column<EnsembleDetailsFragment['members'][number]> => ({
        key: split,
        header: `${splitWords[split]} error`,
        width: '9.5rem',
        align: 'right',
        cell: ({ run }) => percent(predictionsOn(run, split)?.score?.errorRate),
      }),
    ),
  ];
}

function DeleteButton({
  ensemble: { id, name, experiment, submissions },
}: {
  readonly ensemble: EnsembleDetailsFragment;
}) {
  const [, navigate] = useLocation();
  const queryClient = useQueryClient();
  const [asking, setAsking] = useState(false);
  const remove = useApiMutation(DeleteEnsembleDocument);
  const confirm = async () => {
    try {
      const { deleteEnsemble } = await remove.mutateAsync({ id });
      const [refused] = deleteEnsemble.userErrors;
      if (refused) return toasts.refuse(refused.message);
      toasts.show(`The ensemble ${name} is deleted`);
      navigate(`${routes.experiment(experiment.id)}?tab=ensembles`, { replace: true });
      void queryClient.invalidateQueries();
    } catch (error) {
      toasts.refuse((error as Error).message);
    } finally {
      setAsking(false);
    }
  };
  return (
    <>
      <Button look="danger" onClick={() => setAsking(true)}>
        Delete …
      </Button>
      {asking && (
        <Confirm
          title={`Delete ${name}?`}
          action="Delete the ensemble"
          busy={remove.isPending}
          onConfirm={() => void confirm()}
          onClose={() => setAsking(false)}
        >
          <p>
            {submissions.length > 0 &&
              `Its ${submissions.length === 1 ? 'submission goes' : `${submissions.length} submissions go`} with it. `}
            Its members stay. There is no way back.
          </p>
        </Confirm>
      )}
    </>
  );
}
