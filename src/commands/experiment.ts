/** Creation of experiments. */

import type { Objective } from '../domain/objective.ts';
import type { CommandContext } from './context.ts';

export interface CreateExperimentInput {
  readonly name: string;
  readonly description?: string | null;
  readonly datasetId?: string | null;
  /** Default: valid/error_rate ASC. */
  readonly objective?: Objective | null;
  readonly idempotencyKey?: string | null;
}

/** Returns the id. */
export declare function createExperiment(ctx: CommandContext, input: CreateExperimentInput): Promise<string>;
