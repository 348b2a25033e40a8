/** Ensembles from stored predictions. */

import type { Split } from '../domain/dataset.ts';
import type { EnsembleMethod } from '../ensembles/methods.ts';
import type { Queryable } from '../store/queryable.ts';
import type { CommandContext } from './context.ts';
import type { EnsembleResult } from './ensembleResult.ts';

/** Exactly one of runId and filter. */
export interface EnsembleMemberInput {
  readonly runId?: string | null;
  readonly filter?: string | null;
  /** Default 1; 0 leaves the run out. */
  readonly weight?: number | null;
}

export interface EnsembleInput {
  /** Default TEST. */
  readonly split?: Split | null;
  /** A later input that matches a run overrides the weight an earlier one gave it. */
  readonly members: readonly EnsembleMemberInput[];
  /** Default MEAN. */
  readonly method?: EnsembleMethod | null;
}

export interface CreateEnsembleInput {
  readonly experimentId: string;
  readonly name: string;
  readonly input: EnsembleInput;
  readonly idempotencyKey?: string | null;
}

/** Returns the id. */
export declare function createEnsemble(ctx: CommandContext, input: CreateEnsembleInput): Promise<string>;
/** Ad hoc, nothing saved. `experimentId` limits what filters match. */
export declare function combine(db: Queryable, input: EnsembleInput, experimentId?: string): Promise<EnsembleResult>;
/** Of a saved ensemble. */
export declare function resultOfEnsemble(db: Queryable, ensembleId: string, split: Split): Promise<EnsembleResult>;
