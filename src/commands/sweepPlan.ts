import { configKey, type SweepCell, SweepGrid, type SweepLists } from '../domain/sweepGrid.ts';
import type { TrainingConfig } from '../domain/trainingConfig.ts';
import type { UserProblem } from '../errors.ts';
import type { Queryable } from '../store/queryable.ts';
import { findIdenticalRuns } from './identicalRuns.ts';
import { collect, distinct, nameProblems } from './problems.ts';
import { createSplitCheck } from './splitCheck.ts';
import { dataProblems, loadTrainingData, type TrainingData } from './trainingPlan.ts';

export interface StartSweepInput extends SweepLists {
  readonly experimentId: string;
  readonly name?: string | null | undefined;
  readonly tags?: readonly string[] | null | undefined;
  /** Show a run that has the same config instead of queueing it again. */
  readonly skipIdentical?: boolean | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
}

/** One run that a sweep would show. */
export interface PlannedRun {
  readonly name: string;
  /** Null when it has problems. `seed` is null where it will be drawn. */
  readonly config: TrainingConfig | null;
  readonly problems: readonly UserProblem[];
  /** The run that would be shown instead of a new one. */
  readonly duplicateOf: string | null;
}

export interface SweepPlan {
  /** The sweep's name when it is given none. */
  readonly name: string;
  /** In the order they would be queued; empty where the lists are refused as such. */
  readonly runs: readonly PlannedRun[];
  /** Everything that keeps the sweep from being started, each thing once. */
  readonly problems: readonly UserProblem[];
}

/** What `startSweep` would queue or refuse. Writes nothing. */
export async function planSweep(db: Queryable, input: StartSweepInput): Promise<SweepPlan> {
  const grid = new SweepGrid(input);
  // A list that is refused is not expanded: the plan of a huge one would keep the process busy for long.
  const listProblems = grid.problems();
  const problems: UserProblem[] = [...nameProblems(input), ...listProblems];
  const data = await collect(problems, () => loadTrainingData(db, input.experimentId));
  if (listProblems.length) return { name: grid.name, runs: [], problems };

  problems.push(...preprocessingNameProblems(input));
  const all = grid.cells();
  if (!input.skipIdentical) problems.push(...grid.repeated(all));
  const cells = input.skipIdentical ? distinctConfigs(all) : all;
  const problemsOf = data ? trainingProblems(db, data) : async () => [];
  const checked: SweepCell[] = [];
  for (const cell of cells) checked.push({ ...cell, problems: [...cell.problems, ...(await problemsOf(cell))] });
  const configs = cells.flatMap(({ config }) => config ?? []);
  const identical = input.skipIdentical && data ? await findIdenticalRuns(db, input.experimentId, configs) : null;
  const runIds = new Map(configs.map((config, i) => [config, identical?.runIds[i] ?? null]));

  const runs = checked.map(({ name, config, problems: own }): PlannedRun => {
    if (!config || own.length) return { name, config: null, problems: own, duplicateOf: null };
    const seed = config.seed ?? identical?.seed ?? null;
    return { name, config: { ...config, seed }, problems: own, duplicateOf: runIds.get(config) ?? null };
  });
  for (const run of runs) problems.push(...run.problems);
  return { name: grid.name, runs, problems: distinct(problems) };
}

/** Of a seed that is still to be drawn nothing is known yet. */
function trainingProblems(db: Queryable, data: TrainingData): (cell: SweepCell) => Promise<UserProblem[]> {
  const check = createSplitCheck(db, data);
  return async ({ config, locate }) => {
    if (!config) return [];
    const problems = dataProblems(config, data, []);
    const seed = config.splitSeed ?? config.seed;
    const unseen = problems.length || seed === null ? null : await check(config, seed);
    if (unseen !== null) problems.push({ code: 'INVALID', message: unseen, path: ['validFraction'] });
    return problems.map(locate);
  };
}

/** The first cell of each config. */
function distinctConfigs(cells: readonly SweepCell[]): SweepCell[] {
  const seen = new Set<string>();
  return cells.filter(({ config }) => {
    if (!config) return true;
    const key = configKey(config);
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}

function preprocessingNameProblems({ preprocessings }: SweepLists): UserProblem[] {
  return preprocessings.flatMap(({ name }, i) =>
    nameProblems({ name }).map((problem) => ({ ...problem, path: ['preprocessings', String(i), ...problem.path] })),
  );
}
