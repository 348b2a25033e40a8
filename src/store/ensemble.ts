/** Saved ensembles: members and weights; results are computed from stored predictions. */

import type { Page, PageRequest } from '../domain/page.ts';
import type { EnsembleMethod } from '../ensembles/methods.ts';
import type { Queryable } from './queryable.ts';

export interface Ensemble {
  readonly id: string;
  readonly name: string;
  readonly experimentId: string;
  readonly method: EnsembleMethod;
  readonly createdAt: Date;
}

export interface EnsembleMember {
  readonly runId: string;
  readonly weight: number;
}

export declare function getEnsembles(db: Queryable, ids: readonly string[]): Promise<Map<string, Ensemble>>;
/** Newest first. */
export declare function listEnsembles(db: Queryable, experimentId: string, page: PageRequest): Promise<Page<Ensemble>>;
export declare function ensembleCursor(ensemble: Ensemble): string;
/** In order of position. */
export declare function membersOfEnsemble(db: Queryable, ensembleId: string): Promise<EnsembleMember[]>;
