/** Values behind GraphQL types that no store row stands for. They import nothing generated: the generated types import them. */

import type { Score } from '../commands/predictionScore.ts';
import type { EpochMetrics, SkippedImage } from '../domain/run.ts';
import type { Artifact } from '../store/artifact.ts';
import type { Dataset } from '../store/dataset.ts';
import type { Ensemble, SelectedRun } from '../store/ensemble.ts';
import type { Experiment } from '../store/experiment.ts';
import type { LeaderboardEntry } from '../store/leaderboard.ts';
import type { PredictionSet } from '../store/prediction.ts';
import type { MemoryProbe } from '../store/probe.ts';
import type { Run } from '../store/run.ts';
import type { Submission } from '../store/submission.ts';
import type { Sweep } from '../store/sweep.ts';
import type { Worker } from '../store/worker.ts';
import type { Connection } from './connection.ts';

/** All of them, in the order of the data set. */
export type SkippedImagesRow = readonly SkippedImage[];

/** Everything that `node` finds. */
export type NodeRow =
  | Artifact
  | Dataset
  | Ensemble
  | Experiment
  | PredictionSet
  | MemoryProbe
  | Run
  | Submission
  | Sweep
  | Worker;

export interface EnsembleMemberRow {
  readonly runId: string;
  readonly weight: number;
  /** weight / sum of weights. */
  readonly share: number;
  /** What the member contributes; null outside of a result, where no split is meant. */
  readonly predictionSetId: string | null;
}

export interface LeaderboardRow extends Connection<LeaderboardEntry> {
  readonly edges: readonly { readonly cursor: string; readonly rank: number; readonly node: LeaderboardEntry }[];
  readonly count: () => Promise<number>;
}

export interface RunConnectionRow extends Connection<Run> {
  readonly count: () => Promise<number>;
}

export interface RunComparisonRow {
  readonly runs: readonly Run[];
}

/** What takes the whole matrix may be computed when it is asked for. */
export interface ScoreRow extends Omit<Score, 'confusion' | 'perLabel'> {
  readonly confusion: Score['confusion'] | (() => Promise<Score['confusion']>);
  readonly perLabel: Score['perLabel'] | (() => Promise<Score['perLabel']>);
}

/** `kept`: the ensemble is made of it. */
export type SelectionStepRow = SelectedRun & { readonly kept: boolean };

export type EpochRow = EpochMetrics & { readonly completedAt: Date };
