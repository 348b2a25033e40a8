/** From an ensemble's input to its members: runs with weights and the predictions they bring along. */

import type { Split } from '../domain/dataset.ts';
import { type Filter, parseFilter } from '../domain/filter.ts';
import { missing, UserInputError, type UserProblem } from '../errors.ts';
import type { EnsembleMember } from '../store/ensemble.ts';
import { type EnsembleRun, getEnsembleRuns, matchEnsembleRuns } from '../store/ensembleRun.ts';
import type { Queryable } from '../store/queryable.ts';
import { collect } from './problems.ts';

/** Exactly one of runId and filter. */
export interface EnsembleMemberInput {
  readonly runId?: string | null | undefined;
  /** Every succeeded run that it matches and that has predictions of the split. */
  readonly filter?: string | null | undefined;
  /** Default 1; 0 leaves the run out. */
  readonly weight?: number | null | undefined;
}

/** A run that can be combined with others. */
export interface Member extends EnsembleMember {
  readonly runName: string;
  /** How messages call it: run name and id. */
  readonly name: string;
  readonly setId: string;
  readonly rowCount: number;
  readonly rowsHash: string;
  readonly vocab: readonly string[];
}

/** Members of an ensemble at most. */
export const mostMembers = 500;

/** float32 values of all members together: 1 GiB, which is in memory while members are selected. Results read them in blocks. */
const mostValues = 2 ** 28;

/** Sums of larger ones could be infinite, and what they weigh NaN. */
const largestWeight = 1e9;

interface Selection {
  readonly runId: string | null;
  readonly filter: Filter | null;
  readonly weight: number;
}

/**
 * Resolves inputs in order: a later one that names a run again overrides its weight. Members come by weight, largest first,
 * then in the order in which they were named (by a filter: oldest first).
 * @throws UserInputError with every problem found, on paths below `members`
 */
export async function resolveMembers(
  db: Queryable,
  {
    split,
    inputs,
    experimentId,
  }: { split: Split; inputs: readonly EnsembleMemberInput[]; experimentId: string | undefined },
): Promise<Member[]> {
  const problems: UserProblem[] = [];
  if (!inputs.length) problems.push(invalid('an ensemble needs at least one member', []));
  if (inputs.length > mostMembers) problems.push(tooMany());
  const selections: Selection[] = [];
  for (const [i, input] of inputs.entries()) selections.push(await parseInput(input, [String(i)], problems));
  if (problems.length) throw new UserInputError(problems);

  const explicit = await getEnsembleRuns(
    db,
    selections.flatMap(({ runId }) => runId ?? []),
    split,
  );
  const members = new Map<string, Member>();
  for (const [i, { runId, filter, weight }] of selections.entries()) {
    const at = [String(i), filter ? 'filter' : 'runId'];
    const found = filter
      ? await matchEnsembleRuns(db, { filter, split, experimentId, limit: mostMembers + 1 })
      : [explicit.get(runId!)];
    if (!found.length) problems.push(invalid(`matches no succeeded run with ${split} predictions`, at));
    for (const run of found) {
      const problem = run ? runProblem(run, split, experimentId) : missing('run', runId!);
      if (problem === null) members.set(run!.id, memberOf(run!, weight));
      else problems.push({ ...invalid(problem, at), ...(run ? {} : { code: 'NOT_FOUND' as const }) });
    }
    if (members.size > mostMembers) throw new UserInputError([...problems, tooMany()]);
  }
  if (problems.length) throw new UserInputError(problems);

  const weighty = [...members.values()].filter(({ weight }) => weight > 0);
  if (!weighty.length) {
    const names = [...members.values()].map(({ name }) => name).join(', ');
    throw new UserInputError([invalid(`every weight is 0 (${names}); give at least one run more`, [])]);
  }
  return weighty.sort((a, b) => b.weight - a.weight);
}

/**
 * Members of a saved ensemble for a split.
 * @throws UserInputError INVALID that names every run without predictions of it
 */
export async function loadMembers(db: Queryable, saved: readonly EnsembleMember[], split: Split): Promise<Member[]> {
  const runs = await getEnsembleRuns(
    db,
    saved.map(({ runId }) => runId),
    split,
  );
  const problems: UserProblem[] = [];
  const members = saved.flatMap(({ runId, weight }) => {
    const run = runs.get(runId);
    const problem = run ? runProblem(run, split, undefined) : `run ${runId} was deleted in the meantime`;
    if (problem === null) return [memberOf(run!, weight)];
    problems.push({ code: 'INVALID', message: problem, path: ['split'] });
    return [];
  });
  if (problems.length) throw new UserInputError(problems);
  return members;
}

/** @throws UserInputError LIMIT_EXCEEDED when the matrices of members are too large to be in memory together */
export function checkMemory(members: readonly Member[]): void {
  const values = members.reduce((sum, { rowCount, vocab }) => sum + rowCount * vocab.length, 0);
  if (values <= mostValues) return;
  const message = `${members.length} runs hold ${values} probabilities, at most ${mostValues} are combined or compared at once; name fewer runs`;
  throw new UserInputError([{ code: 'LIMIT_EXCEEDED', message, path: ['members'] }]);
}

async function parseInput(input: EnsembleMemberInput, at: string[], problems: UserProblem[]): Promise<Selection> {
  const runId = input.runId ?? null;
  const text = input.filter ?? null;
  const weight = input.weight ?? 1;
  if ((runId === null) === (text === null)) problems.push(invalid('give exactly one of runId and filter', at));
  if (!(weight >= 0 && weight <= largestWeight)) {
    const whose = runId === null ? `of the runs that match ${JSON.stringify(text)}` : `of run ${runId}`;
    problems.push(invalid(`the weight ${whose} must be from 0 to ${largestWeight}, got ${weight}`, [...at, 'weight']));
  }
  const path = ['members', ...at, 'filter'];
  const filter = text === null ? null : await collect(problems, async () => parseFilter(text, path));
  return { runId, filter: filter ?? null, weight };
}

const whyNone: Readonly<Record<Split, string>> = {
  TRAIN: 'runs store none; combine another split',
  VALID: 'its config did not ask for them (predict.valid)',
  TEST: 'its data set has no test images, or its config did not ask for them (predict.test)',
  HOLDOUT: 'its data set has no holdout images, or its config did not ask for them (predict.holdout)',
};

/** Why a run cannot be a member, or null. */
function runProblem(run: EnsembleRun, split: Split, experimentId: string | undefined): string | null {
  if (experimentId !== undefined && run.experimentId !== experimentId) {
    return `${nameOf(run)} belongs to experiment ${run.experimentId}, not to ${experimentId}`;
  }
  if (run.status !== 'SUCCEEDED') return `${nameOf(run)} is ${run.status}; only succeeded runs can be members`;
  if (run.setId === null) return `${nameOf(run)} has no ${split} predictions: ${whyNone[split]}`;
  return null;
}

function memberOf(run: EnsembleRun, weight: number): Member {
  const { id, setId, rowCount, rowsHash, vocab } = run;
  return {
    runId: id,
    runName: run.name,
    name: nameOf(run),
    weight,
    setId: setId!,
    rowCount: rowCount!,
    rowsHash: rowsHash!,
    vocab: vocab!,
  };
}

function nameOf({ id, name }: EnsembleRun): string {
  return `run ${JSON.stringify(name)} (${id})`;
}

function invalid(message: string, at: readonly string[]): UserProblem {
  return { code: 'INVALID', message, path: ['members', ...at] };
}

function tooMany(): UserProblem {
  const message = `an ensemble has at most ${mostMembers} members; narrow the filters`;
  return { code: 'LIMIT_EXCEEDED', message, path: ['members'] };
}
