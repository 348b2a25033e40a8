/** Ensembles that are selected: which runs to combine, and how often each, by the score on labelled images. */

import type { Split } from '../domain/dataset.ts';
import type { Selection, SelectionMetric } from '../ensembles/select.ts';
import { refuse, UserInputError, type UserProblem } from '../errors.ts';
import { hasImages } from '../store/datasetCounts.ts';
import { insertEnsemble } from '../store/ensemble.ts';
import { findExperiment } from '../store/experiment.ts';
import { readImageIds, readPredictions } from '../store/prediction.ts';
import { findTruth } from '../store/predictionTruth.ts';
import type { CommandContext } from './context.ts';
import { createPrepared } from './createOnce.ts';
import { holdMembers, labelledScores, requireExperiment } from './ensemble.ts';
import { checkMemory, type Member, mostMembers, resolveMembers } from './ensembleMembers.ts';
import { checkComparable } from './ensembleResult.ts';
import { collect, nameProblems } from './problems.ts';

export interface OptimizeEnsembleInput {
  readonly experimentId: string;
  readonly name: string;
  /** VALID or HOLDOUT; default: HOLDOUT where the experiment's data set keeps one. */
  readonly split?: Split | null | undefined;
  /** Candidates: these runs and every one that `filter` matches. Default: all that have predictions of the split. */
  readonly runIds?: readonly string[] | null | undefined;
  readonly filter?: string | null | undefined;
  /** Default ERROR_RATE. */
  readonly metric?: SelectionMetric | null | undefined;
  /** The best this many begin; default: as many of the best as score best together. */
  readonly initialMembers?: number | null | undefined;
  /** Default 50. */
  readonly maxPicks?: number | null | undefined;
  /** Default: no limit of its own. */
  readonly maxMembers?: number | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
}

const mostPicks = 500;
const defaultPicks = 50;

/** Candidates that a message names. */
const mostNamed = 5;

/**
 * Selects members by greedy selection with replacement (src/ensembles/select.ts) and saves them as an ensemble: the mean, weighted
 * by how often each was picked, with the way there and its scores on VALID and HOLDOUT. Returns its id.
 * @throws UserInputError with every problem of the input; INCOMPATIBLE that names candidates scored on other images
 */
export async function optimizeEnsemble(ctx: CommandContext, input: OptimizeEnsembleInput): Promise<string> {
  const { experimentId, name } = input;
  const metric = input.metric ?? 'ERROR_RATE';
  const prepare = async () => {
    const problems: UserProblem[] = [...nameProblems({ name }), ...limitProblems(input)];
    await requireExperiment(ctx.db.prisma, experimentId, problems);
    const split = await collect(problems, () => splitOf(ctx, input));
    const candidates = split && (await collect(problems, () => candidatesOf(ctx, split, input)));
    if (problems.length || !split || !candidates) throw new UserInputError(problems);
    const { steps, kept } = await select(ctx, split, candidates, metric, input);
    const members = weighted(candidates, steps.slice(0, kept));
    const selection = {
      ...{ split, metric, candidateCount: candidates.length, keptSteps: kept },
      steps: steps.map(({ candidate, errorRate, logLoss }) => {
        const { runId, runName } = candidates[candidate]!;
        return { runId, runName, errorRate, logLoss };
      }),
    };
    return { members, selection, scores: await labelledScores(ctx, 'MEAN', members) };
  };
  return createPrepared(ctx, 'ensemble', 'optimizeEnsemble', input, prepare, async (tx, id, found) => {
    await requireExperiment(tx, experimentId, []);
    await holdMembers(tx, found.members);
    const { idempotencyKey: _, ...request } = input;
    await insertEnsemble(
      tx,
      { id, name, experimentId, method: 'MEAN', createdAt: ctx.now(), selection: found.selection },
      { input: request, members: found.members, scores: found.scores },
    );
  });
}

function limitProblems(input: OptimizeEnsembleInput): UserProblem[] {
  const picks = input.maxPicks ?? defaultPicks;
  const limits = { maxPicks: mostPicks, maxMembers: mostMembers, initialMembers: Math.min(picks, mostMembers) };
  return Object.entries(limits).flatMap(([field, most]): UserProblem[] => {
    const value = input[field as keyof typeof limits] ?? null;
    if (value === null || (Number.isInteger(value) && value >= 1 && value <= Math.max(1, most))) return [];
    const reason = field === 'initialMembers' ? ', as maxPicks allows' : '';
    return [{ code: 'INVALID', message: `must be from 1 to ${most}${reason}, got ${value}`, path: [field] }];
  });
}

async function splitOf(ctx: CommandContext, { split, experimentId }: OptimizeEnsembleInput): Promise<Split> {
  const labelled = 'runs are selected by their score on labelled images; use VALID or HOLDOUT';
  if (split === 'TEST') throw refuse('INVALID', `TEST has no labels: ${labelled}`, ['split']);
  if (split === 'TRAIN') throw refuse('INVALID', `runs store no predictions of TRAIN: ${labelled}`, ['split']);
  if (split) return split;
  const experiment = await findExperiment(ctx.db.prisma, { id: experimentId });
  const datasetId = experiment?.datasetId ?? null;
  return datasetId !== null && (await hasImages(ctx.db.prisma, datasetId, 'HOLDOUT')) ? 'HOLDOUT' : 'VALID';
}

/** Runs over the same images and labels, oldest first: by filter, then those named. */
async function candidatesOf(
  ctx: CommandContext,
  split: Split,
  { experimentId, filter, runIds }: OptimizeEnsembleInput,
): Promise<Member[]> {
  const named = (runIds ?? []).map((runId) => ({ runId }));
  const everyone = filter == null && runIds == null;
  const matched = filter == null && !everyone ? [] : [{ filter: filter ?? 'status = SUCCEEDED' }];
  if (!named.length && !matched.length) throw refuse('INVALID', 'name at least one run', ['runIds']);
  const problems: UserProblem[] = [];
  const inputs = [...matched, ...named];
  const members = await collect(problems, async () => {
    const resolved = await resolveMembers(ctx.db.prisma, { split, inputs, experimentId });
    checkMemory(resolved);
    return resolved;
  });
  if (!members) throw new UserInputError(problems.map((problem) => ({ ...problem, path: pathOf(problem.path) })));

  refuseOtherImages(split, members);
  await checkComparable(ctx.db.prisma, members);
  return members;

  /** Members' paths are those of createEnsemble's list. */
  function pathOf([, index, ...rest]: readonly string[]): string[] {
    const given = everyone ? ['experimentId'] : ['filter'];
    if (index === undefined) return matched.length ? given : ['runIds'];
    const number = Number(index) - matched.length;
    return number < 0 ? [...given, ...rest.slice(1)] : ['runIds', String(number)];
  }
}

/** Runs outside of the largest group that was scored on the same images with the same labels. */
function refuseOtherImages(split: Split, members: readonly Member[]): void {
  const groups = new Map<string, Member[]>();
  for (const member of members) {
    const key = JSON.stringify([member.rowsHash, member.vocab]);
    groups.set(key, [...(groups.get(key) ?? []), member]);
  }
  const [largest, ...others] = [...groups.values()].sort((a, b) => b.length - a.length);
  if (!others.length) return;
  const instead =
    split === 'VALID'
      ? 'choose runs of one validation split, start runs with the same splitSeed, or keep a hold-out (importDataset: holdoutFraction or holdout_images/) and select on HOLDOUT'
      : 'choose runs that predict the same hold-out with the same labels';
  const message = `${listed(others.flat())} were scored on other ${split} images or labels than ${listed(largest!)}, so their scores do not compare: ${instead}`;
  throw refuse('INCOMPATIBLE', message, ['split']);
}

function listed(members: readonly Member[]): string {
  const names = members.slice(0, mostNamed).map(({ name }) => name);
  const more = members.length - names.length;
  return names.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

async function select(
  { db: { prisma: db }, threads }: CommandContext,
  split: Split,
  members: readonly Member[],
  metric: SelectionMetric,
  { initialMembers, maxPicks, maxMembers }: OptimizeEnsembleInput,
): Promise<Selection> {
  const { runId, setId, vocab } = members[0]!;
  const imageIds = await readImageIds(db, setId);
  const labels = imageIds.length ? await findTruth(db, { runId, split, imageIds, vocab }) : null;
  if (!labels) {
    throw refuse('INVALID', `the data set has no labels for the ${split} images that were predicted`, ['split']);
  }
  const columnOf = new Map(vocab.map((label, column) => [label, column]));
  const candidates: Float32Array[] = [];
  for (const member of members) {
    const values = await readPredictions(db, member.setId);
    if (values.length === imageIds.length * vocab.length) candidates.push(values);
    else throw refuse('CONFLICT', `the predictions of ${member.name} were removed in the meantime; try again`);
  }
  return threads.run('select', {
    candidates,
    columns: vocab.length,
    truth: Int32Array.from(imageIds, (imageId) => columnOf.get(labels.get(imageId)!)!),
    metric,
    initialMembers: initialMembers ?? null,
    maxPicks: maxPicks ?? defaultPicks,
    maxMembers: maxMembers ?? mostMembers,
  });
}

/** Members with how often each was picked as weight, largest first, then in the order picked. */
function weighted(candidates: readonly Member[], steps: Selection['steps']): Member[] {
  const counts = new Map<number, number>();
  for (const { candidate } of steps) counts.set(candidate, (counts.get(candidate) ?? 0) + 1);
  return [...counts]
    .map(([candidate, weight]) => ({ ...candidates[candidate]!, weight }))
    .sort((a, b) => b.weight - a.weight);
}
