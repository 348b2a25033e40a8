/** Creation of experiments, and what people change of them. Their removal is in removal.ts. */

import { unusableReason } from '../domain/dataset.ts';
import { defaultObjective, type Objective } from '../domain/objective.ts';
import { missing, refuse, UserInputError, type UserProblem } from '../errors.ts';
import { findDataset } from '../store/dataset.ts';
import { editExperiment, insertExperiment } from '../store/experiment.ts';
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
  /** Bytes; default: no limit. */
  readonly quota?: number | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
}

/** Returns the id. */
export async function createExperiment(ctx: CommandContext, input: CreateExperimentInput): Promise<string> {
  return createOnce(ctx, 'experiment', 'createExperiment', input, async (tx, id) => {
    const datasetId = input.datasetId ?? null;
    const objective = input.objective ?? defaultObjective;
    const problems: UserProblem[] = [...nameProblems(input), ...metricProblems(objective)];
    problems.push(...descriptionProblems(input));
    const dataset = datasetId === null ? null : await findDataset(tx, { id: datasetId });
    if (datasetId !== null && !dataset) {
      problems.push({ code: 'NOT_FOUND', message: missing('data set', datasetId), path: ['datasetId'] });
    }
    const reason = dataset && unusableReason(dataset);
    if (reason) {
      problems.push({ code: 'INVALID', message: `data set "${dataset.name}" ${reason}`, path: ['datasetId'] });
    }
    if (problems.length) throw new UserInputError(problems);

    const { name, description } = input;
    const experiment = {
      id,
      name,
      description: description ?? null,
      createdAt: ctx.now(),
      datasetId,
      objective,
      quota: input.quota ?? null,
    };
    if (!(await insertExperiment(tx, experiment))) throw nameTaken(name);
    return [];
  });
}

export interface UpdateExperimentInput {
  readonly id: string;
  /** Left out or null: unchanged. */
  readonly name?: string | null | undefined;
  /** Left out: unchanged; null or an empty text removes it. */
  readonly description?: string | null | undefined;
  /** Bytes; left out: unchanged; null: no limit. */
  readonly quota?: number | null | undefined;
}

/** Changes what people call an experiment, say about it, and how much it may keep. */
export async function updateExperiment(ctx: CommandContext, input: UpdateExperimentInput): Promise<void> {
  const problems = [...nameProblems(input), ...descriptionProblems(input)];
  if (problems.length) throw new UserInputError(problems);
  const { id, description, quota } = input;
  const name = input.name ?? undefined;
  const edit = { name, description: description === '' ? null : description, quota };
  switch (await editExperiment(ctx.db.prisma, id, edit)) {
    case 'edited':
      return;
    case 'missing':
      throw refuse('NOT_FOUND', missing('experiment', id), ['id']);
    case 'taken':
      throw nameTaken(name!);
  }
}

function nameTaken(name: string): UserInputError {
  return refuse('ALREADY_EXISTS', `there is an experiment ${JSON.stringify(name)} already; choose another name`, [
    'name',
  ]);
}

function descriptionProblems({ description }: { readonly description?: string | null | undefined }): UserProblem[] {
  if (!description || !/[\0\p{Surrogate}]/u.test(description)) return [];
  return [{ code: 'INVALID', message: 'must not hold the character U+0000', path: ['description'] }];
}

function metricProblems({ metric }: Objective): UserProblem[] {
  if (metric.trim() !== '' && metric.length <= 250 && !metric.includes('\0')) return [];
  return [{ code: 'INVALID', message: 'must have 1 to 250 characters', path: ['objective', 'metric'] }];
}
