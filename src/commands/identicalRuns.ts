/** Which runs of an experiment have been started with the configs that a sweep is about to queue. */

import { canonicalJson, type JsonObject } from '../domain/json.ts';
import { parseTrainingConfig, type TrainingConfig } from '../domain/trainingConfig.ts';
import type { Queryable } from '../store/queryable.ts';
import { findReusableRuns } from '../store/sweep.ts';

export interface IdenticalRuns {
  /** One per config: the id of a run with this config, or null. No run is named twice. */
  readonly runIds: readonly (string | null)[];
  /** For configs without a seed the one that most of them have been run with; null when none has been. */
  readonly seed: number | null;
}

/**
 * Looks for runs that are queued, running or have succeeded, and whose complete config is the same. Configs without a seed
 * (all of them or none) match runs of one seed, the one that leaves fewest to train, so that they stay comparable. With
 * autoAccumulation the accumulation is where a run ended up, not what it was started with: another one is the same config.
 */
export async function findIdenticalRuns(
  db: Queryable,
  experimentId: string,
  configs: readonly TrainingConfig[],
): Promise<IdenticalRuns> {
  const architectures = new Set(configs.map((config) => config.architecture));
  const groups = new Map<string, Candidate[]>();
  for (const { id, config: stored } of await findReusableRuns(db, experimentId, [...architectures])) {
    const { config } = parseTrainingConfig(stored); // fills in fields that are younger than the run
    if (!config) continue;
    const key = keyOf(config);
    groups.set(key, [...(groups.get(key) ?? []), { id, config }]);
  }
  const matches = configs.map((config) => groups.get(keyOf(config)) ?? []);
  const seed = configs.some((config) => config.seed === null) ? commonSeed(matches) : null;
  const taken = new Set<string>();
  const runIds = configs.map((config, i) => {
    const same = matches[i]!.filter((run) => !taken.has(run.id) && run.config.seed === (config.seed ?? seed));
    const run = same.find((r) => r.config.accumulation === config.accumulation) ?? same[0];
    if (run) taken.add(run.id);
    return run?.id ?? null;
  });
  return { runIds, seed };
}

interface Candidate {
  readonly id: string;
  readonly config: TrainingConfig;
}

/** Equal for configs that are the same but for their seed, what is kept of the way and how long it may be. */
function keyOf({ seed: _, checkpoints: __, maxSeconds: ___, ...config }: TrainingConfig): string {
  const compared = config.autoAccumulation ? { ...config, accumulation: null } : config;
  return canonicalJson(compared as unknown as JsonObject);
}

/** The seed for which most configs have a run, the first found of equals. */
function commonSeed(matches: readonly (readonly Candidate[])[]): number | null {
  const counts = new Map<number, number>();
  for (const runs of matches) {
    const seeds = new Set(runs.map((run) => run.config.seed!));
    for (const seed of seeds) counts.set(seed, (counts.get(seed) ?? 0) + 1);
  }
  const [best] = [...counts].sort(([, a], [, b]) => b - a);
  return best?.[0] ?? null;
}
