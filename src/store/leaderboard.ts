/** Runs and ensembles ranked by one metric. */

import type { Split } from '../domain/dataset.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import type { Queryable } from './queryable.ts';

export interface LeaderboardQuery {
  readonly experimentId: string;
  /** Default: the experiment's objective. */
  readonly metric?: string | null;
  /** VALID (default): best over epochs. HOLDOUT: from stored predictions. Others are refused. */
  readonly split?: Split | null;
  readonly filter?: string | null;
  /** Default true. */
  readonly includeEnsembles?: boolean | null;
}

export interface LeaderboardEntry {
  readonly cursor: string;
  /** From 1. */
  readonly rank: number;
  /** Exactly one of runId and ensembleId is given. */
  readonly runId: string | null;
  readonly ensembleId: string | null;
  /** NaN when no epoch gave a finite value. */
  readonly value: number;
  /** Of the best value; null for ensembles and stored predictions. */
  readonly step: number | null;
  readonly split: Split;
  /** false when it was scored on other images than the entry above it. */
  readonly comparable: boolean;
  readonly trainSeconds: number | null;
  readonly imagesPerSecond: number | null;
  readonly peakMemory: number | null;
}

export declare function readLeaderboard(
  db: Queryable,
  query: LeaderboardQuery,
  page: PageRequest,
): Promise<Page<LeaderboardEntry>>;
