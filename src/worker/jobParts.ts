/** What a trainer needs to know of its run. */

import { completeConfig, type TrainingConfig } from '../domain/trainingConfig.ts';
import type { Run } from '../store/run.ts';

/** The complete config that the run was started with. */
export function configOf(run: Run): TrainingConfig {
  return completeConfig(run.config);
}
