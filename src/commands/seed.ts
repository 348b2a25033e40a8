/** Seeds of runs that are given none: drawn once and stored, so that the run can be repeated. */

import { randomInt } from 'node:crypto';
import type { TrainingConfig } from '../domain/trainingConfig.ts';
import type { SplitCheck } from './splitCheck.ts';

export function drawSeed(): number {
  return randomInt(2 ** 31);
}

/** Draws of a seed before the last one is taken as it is. */
const mostDraws = 20;

/** A seed for configs that have none, with which each of them can train, if one is found soon. */
export async function drawSeedFor(configs: readonly TrainingConfig[], check: SplitCheck): Promise<number> {
  for (let draws = 1; ; draws++) {
    const seed = drawSeed();
    if (draws === mostDraws || (await fits(configs, seed, check))) return seed;
  }
}

async function fits(configs: readonly TrainingConfig[], seed: number, check: SplitCheck): Promise<boolean> {
  for (const config of configs) {
    const decided = config.seed !== null || config.splitSeed !== null;
    if (!decided && (await check(config, seed)) !== null) return false;
  }
  return true;
}
