import { findArchitecture } from '../domain/architecture.ts';
import { isTerminal } from '../domain/run.ts';
import { parseTrainingConfig, type TrainingConfig } from '../domain/trainingConfig.ts';
import { refuse, UserInputError, type UserProblem } from '../errors.ts';
import { getRuns } from '../store/run.ts';
import { findSweepRunIds, getSweeps, insertSweep } from '../store/sweep.ts';
import type { CommandContext } from './context.ts';
import { createOnce } from './createOnce.ts';
import { collect, nameProblems } from './problems.ts';
import { announceCancel, cancelInTransaction, queueRun, runName, withSeed } from './run.ts';
import type { WakeUp } from './runStatus.ts';
import { dataProblems, loadTrainingData } from './trainingPlan.ts';
import { inTransaction } from './transaction.ts';

export interface SweepPreprocessing {
  /** Part of its runs' names. */
  readonly name?: string | null | undefined;
  readonly itemTransform: unknown;
  readonly size: unknown;
}

export interface StartSweepInput {
  readonly experimentId: string;
  readonly name?: string | null | undefined;
  readonly architectures: readonly string[];
  readonly preprocessings: readonly SweepPreprocessing[];
  /** The rest of the config, the same for every run; not checked yet. */
  readonly config?: Readonly<Record<string, unknown>> | null | undefined;
  readonly tags?: readonly string[] | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
}

/** Runs of one sweep at most. */
const runLimit = 200;

/**
 * Queues a run of every architecture with every preprocessing, architectures outermost: all of them or, with one problem
 * anywhere, none. Runs without a seed of their own share one, so that they are scored on the same images. Returns the id.
 */
export async function startSweep(ctx: CommandContext, input: StartSweepInput): Promise<string> {
  return createOnce(ctx, 'sweep', 'startSweep', input, async (tx, id) => {
    // A list that is refused is not planned: the plan of a huge one would keep the process busy for long.
    const lists = listProblems(input);
    const problems: UserProblem[] = [...nameProblems(input), ...lists];
    const data = await collect(problems, () => loadTrainingData(tx, input.experimentId));
    const planned = lists.length ? [] : plan(input);
    for (const { config, problems: own, at } of planned) {
      problems.push(...own);
      if (data && config) problems.push(...dataProblems(config, data, []).map((p) => locate(p, at)));
    }
    if (problems.length) throw new UserInputError(distinct(problems));

    const createdAt = ctx.now();
    await insertSweep(tx, { id, name: input.name ?? sweepName(input), experimentId: input.experimentId, createdAt });
    const seed = planned.map(({ config }) => withSeed(config!).seed)[0]!;
    const wakes: WakeUp[] = [];
    for (const [i, { config, label }] of planned.entries()) {
      wakes.push(
        await queueRun(ctx, tx, {
          id: ctx.newId('run'),
          name: label ? `${config!.architecture} ${label}` : runName(config!),
          kind: 'TRAINED',
          experimentId: input.experimentId,
          sweepId: id,
          config: { ...config!, seed },
          tags: input.tags ?? [],
          // A millisecond apart, so that listing them by age keeps this order.
          createdAt: new Date(createdAt.getTime() + i),
        }),
      );
    }
    return wakes;
  });
}

/** Cancels every run of a sweep that has not ended. */
export async function cancelSweep(ctx: CommandContext, id: string): Promise<void> {
  const canceled = await inTransaction(ctx, async (tx) => {
    if (!(await getSweeps(tx, [id])).has(id)) throw refuse('NOT_FOUND', `there is no sweep ${id}`, ['id']);
    const runs = await getRuns(tx, await findSweepRunIds(tx, id));
    const wakes: WakeUp[] = [];
    // In order of id, as everyone who locks several runs: two at once cannot wait for each other.
    for (const run of [...runs.values()].sort((a, b) => (a.id < b.id ? -1 : 1))) {
      if (isTerminal(run.status)) continue;
      const wake = await collect([], () => cancelInTransaction(ctx, tx, run.id)); // ended in the meantime: fine
      if (wake) wakes.push(wake);
    }
    return wakes;
  });
  await announceCancel(ctx, canceled);
}

interface PlannedRun {
  readonly config?: TrainingConfig | undefined;
  readonly problems: readonly UserProblem[];
  readonly label: string | null;
  readonly at: Place;
}

/** Indexes of the architecture and the preprocessing. */
type Place = readonly [number, number];

function plan(input: StartSweepInput): PlannedRun[] {
  return input.architectures.flatMap((architecture, a) =>
    input.preprocessings.map(({ name, itemTransform, size }, p): PlannedRun => {
      const parsed = parseTrainingConfig({ ...input.config, architecture, itemTransform, size });
      const at: Place = [a, p];
      const problems = (parsed.problems ?? []).map((problem) => locate(problem, at));
      return { config: parsed.config, problems, label: name ?? null, at };
    }),
  );
}

/** Turns a path inside one run's config into the path of the sweep's field it came from. */
function locate(problem: UserProblem, [a, p]: Place): UserProblem {
  const [field] = problem.path;
  const path =
    field === 'architecture'
      ? ['architectures', String(a)]
      : field === 'size' || field === 'itemTransform'
        ? ['preprocessings', String(p), ...problem.path]
        : ['config', ...problem.path];
  return { ...problem, path };
}

function listProblems({ architectures, preprocessings }: StartSweepInput): UserProblem[] {
  const problems: UserProblem[] = [];
  if (!architectures.length) problems.push({ code: 'INVALID', message: 'name at least one', path: ['architectures'] });
  if (!preprocessings.length)
    problems.push({ code: 'INVALID', message: 'give at least one', path: ['preprocessings'] });
  const runs = architectures.length * preprocessings.length;
  if (runs > runLimit) {
    const message = `${architectures.length} x ${preprocessings.length} are ${runs} runs, a sweep may have ${runLimit}`;
    problems.push({ code: 'LIMIT_EXCEEDED', message, path: ['architectures'] });
    return problems;
  }
  const names = architectures.map((name) => findArchitecture(name)?.name ?? name);
  for (const [i, name] of names.entries()) {
    if (names.indexOf(name) === i) continue;
    problems.push({ code: 'INVALID', message: `${name} is named twice`, path: ['architectures', String(i)] });
  }
  return problems;
}

/** One problem of the shared config shows in every run: keep the first of equals. */
function distinct(problems: readonly UserProblem[]): UserProblem[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}

function sweepName({ architectures, preprocessings }: StartSweepInput): string {
  const count = (n: number, noun: string) => `${n} ${noun}${n === 1 ? '' : 's'}`;
  return `${count(architectures.length, 'architecture')} x ${count(preprocessings.length, 'preprocessing')}`;
}
