/** Creation of experiments. */

import { defaultObjective, type Objective } from '../domain/objective.ts';
import { missing, UserInputError, type UserProblem } from '../errors.ts';
import { findDataset } from '../store/dataset.ts';
import { insertExperiment } from '../store/experiment.ts';
import type { CommandContext } from './context.ts';
import { createOnce } from './createOnce.ts';
import { nameProblems } from './problems.ts';

export interface CreateExperimentInput {
  /** Unique among experiments. */
  readonly name: string;
  readonly description?: string | null | undefined;
  /** Without one no run can be started. */
  readonly datasetId?: string | null | undefined;
  /** Default: valid/error_rate ASC. */
  readonly objective?: Objective | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
}

/** Returns the id. */
export async function createExperiment(ctx: CommandContext, input: CreateExperimentInput): Promise<string> {
  return createOnce(ctx, 'experiment', 'createExperiment', input, async (tx, id) => {
    const datasetId = input.datasetId ?? null;
    const objective = input.objective ?? defaultObjective;
    const problems: UserProblem[] = [...nameProblems(input), ...metricProblems(objective)];
    if (input.description?.includes('\0')) {
      problems.push({ code: 'INVALID', message: 'must not hold the character U+0000', path: ['description'] });
    }
    const dataset = datasetId === null ? null : await findDataset(tx, { id: datasetId });
    if (datasetId !== null && !dataset) {
      problems.push({ code: 'NOT_FOUND', message: missing('data set', datasetId), path: ['datasetId'] });
    }
    if (dataset?.status === 'FAILED') {
      const message = `the import of ${dataset.name} failed (${dataset.failure}); import it again under another name`;
      problems.push({ code: 'INVALID', message, path: ['datasetId'] });
    }
    if (problems.length) throw new UserInputError(problems);

    const { name, description } = input;
    const experiment = { id, name, description: description ?? null, createdAt: ctx.now(), datasetId, objective };
    if (!(await insertExperiment(tx, experiment))) {
      const message = `there is an experiment ${JSON.stringify(name)} already; choose another name`;
      throw new UserInputError([{ code: 'ALREADY_EXISTS', message, path: ['name'] }]);
    }
    return [];
  });
}

function metricProblems({ metric }: Objective): UserProblem[] {
  if (metric.trim() !== '' && metric.length <= 250 && !metric.includes('\0')) return [];
  return [{ code: 'INVALID', message: 'must have 1 to 250 characters', path: ['objective', 'metric'] }];
}
