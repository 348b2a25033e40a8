/** What an ensemble that is not saved predicts, and how well. */

import { memo } from 'react';
import { imagesOf } from '../../format/splits.ts';
import {
  type EnsembleInput,
  EnsembleLabelsDocument,
  type EnsembleRunFragment,
  EnsembleSplitScoreDocument,
  type Split,
} from '../../generated/operations.ts';
import { Notice, Skeleton } from '../../ui/Notice.tsx';
import { Panel } from '../../ui/Page.tsx';
import type { LabelCount } from './distribution.ts';
import styles from './ensembles.module.css';
import { LabelDistribution } from './LabelDistribution.tsx';
import { NotComputed } from './NotComputed.tsx';
import { isRefused, refusal } from './refusal.ts';
import { SplitScore } from './SplitScore.tsx';
import { useComputed } from './useComputed.ts';

/** On every labelled split. The last figures stay until the next are there. */
export const ScorePanel = memo(function ScorePanel({
  input,
  splits,
  members,
}: {
  /** Its split does not matter here. */
  readonly input: EnsembleInput;
  readonly splits: readonly Split[];
  readonly members: readonly EnsembleRunFragment[];
}) {
  return (
    <Panel title="Score">
      <div className={styles.scores}>
        {splits.map((split) => (
          <ComputedScore key={split} split={split} input={input} members={members} />
        ))}
      </div>
    </Panel>
  );
});

function ComputedScore({
  split,
  input,
  members,
}: {
  readonly split: Split;
  readonly input: EnsembleInput;
  readonly members: readonly EnsembleRunFragment[];
}) {
  const { data, error, outdated, retry } = useComputed(EnsembleSplitScoreDocument, { input: { ...input, split } });
  const result = data?.ensemble;
  const score = result?.score ?? null;
  return (
    <SplitScore
      split={split}
      score={score && { ...score, rowCount: score.rowCount }}
      members={members}
      outdated={outdated}
    >
      {error && isRefused(error) && <Notice title={`No score on ${imagesOf(split)}`}>{refusal(error)}</Notice>}
      {error && !isRefused(error) && <NotComputed error={error} onRetry={retry} />}
      {!data && !error && <Skeleton height="4rem" label="Computing" />}
      {result && !score && <Notice>These images have no labels that could be compared with.</Notice>}
    </SplitScore>
  );
}

export const LabelsPanel = memo(function LabelsPanel({
  input,
  training,
}: {
  readonly input: EnsembleInput;
  readonly training: readonly LabelCount[];
}) {
  const { data, error, outdated, retry } = useComputed(EnsembleLabelsDocument, { input });
  return (
    <Panel title={`Labels predicted on ${imagesOf(input.split ?? 'TEST')}`}>
      {error && <NotComputed error={error} onRetry={retry} />}
      {!data && !error && <Skeleton height="14rem" label="Computing" />}
      {data && <LabelDistribution counts={data.ensemble.labelCounts} training={training} outdated={outdated} />}
    </Panel>
  );
});
