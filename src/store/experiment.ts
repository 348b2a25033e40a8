/** Experiments: runs over one data set, ranked by one objective. */

import type { Objective } from '../domain/objective.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import type { Queryable } from './queryable.ts';

export interface Experiment {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly createdAt: Date;
  readonly datasetId: string | null;
  readonly objective: Objective;
}

/** By id; ids that do not exist are missing from the map. */
export declare function getExperiments(db: Queryable, ids: readonly string[]): Promise<Map<string, Experiment>>;
export declare function findExperiment(
  db: Queryable,
  by: { id: string } | { name: string },
): Promise<Experiment | null>;
/** Newest first; `search` is a part of the name, in any case. */
export declare function listExperiments(
  db: Queryable,
  of: { search?: string | null },
  page: PageRequest,
): Promise<Page<Experiment>>;
export declare function experimentCursor(experiment: Experiment): string;
/** Runs per experiment, memory probes not counted; every id asked for is in the map. */
export declare function countRuns(db: Queryable, experimentIds: readonly string[]): Promise<Map<string, number>>;
/** Id of the run with the best objective value, direction-aware; experiments without one are missing. */
export declare function findBestRuns(db: Queryable, experimentIds: readonly string[]): Promise<Map<string, string>>;
