/** Rows of the tables of an experiment. */

import type {
  LeaderboardQuery,
  LeaderboardRowFragment,
  RunCellsFragment,
  RunStatus,
} from '../../generated/operations.ts';

/** A run or an ensemble. */
export interface TableRow {
  /** The id of either; ids of different types are different. */
  readonly key: string;
  readonly name: string;
  /** Null: an ensemble. */
  readonly run: RunCellsFragment | null;
  readonly createdAt: string;
  readonly trainSeconds: number | null;
  readonly imagesPerSecond: number | null;
  /** Bytes. */
  readonly peakMemory: number | null;
}

export interface RankedRow extends TableRow {
  /** By score, from 1. */
  readonly rank: number;
  /** What it is ranked by. */
  readonly score: LeaderboardRowFragment['value'];
  /** Of the predictions that are kept; null while there are none. */
  readonly prediction: LeaderboardRowFragment['predictionValue'];
  readonly split: LeaderboardRowFragment['split'];
  readonly comparable: boolean;
}

export type LeaderboardEdge = NonNullable<LeaderboardQuery['experiment']>['leaderboard']['edges'][number];

export function rankedRow({ rank, node }: LeaderboardEdge): RankedRow {
  const {
    run,
    ensemble,
    value,
    predictionValue: prediction,
    split,
    comparable,
    trainSeconds,
    imagesPerSecond,
    peakMemory,
  } = node;
  const { id, name, createdAt } = (run ?? ensemble)!;
  const figures = { trainSeconds, imagesPerSecond, peakMemory };
  return { key: id, name, run, createdAt, ...figures, rank, score: value, prediction, split, comparable };
}

export function runRow(run: RunCellsFragment): TableRow {
  const { id, name, createdAt, trainSeconds, imagesPerSecond, peakMemory } = run;
  return { key: id, name, run, createdAt, trainSeconds, imagesPerSecond, peakMemory };
}

export const keyOf = ({ key }: TableRow) => key;

/** Statuses in which a run can be canceled. */
export function isUnderWay(status: RunStatus): boolean {
  return status === 'QUEUED' || status === 'RUNNING' || status === 'CANCELING';
}
