/** What ensemble threads compute. Each task is a pure function of what can be posted to a thread. */

import { countLabels, type LabelCount } from '../domain/dataset.ts';
import type { ProbabilityTable } from './combine.ts';
import { findDisagreement } from './disagreement.ts';
import { predictedLabels } from './labels.ts';
import { combineMembers } from './methods.ts';
import { chooseRows } from './rows.ts';
import { score } from './score.ts';
import { selectMembers } from './select.ts';
import { submissionCsv } from './submission.ts';

export const tasks = {
  /** The combined table, in shared memory: it goes to further tasks. */
  combine: (...args: Parameters<typeof combineMembers>): ProbabilityTable => {
    const table = combineMembers(...args);
    return { ...table, probabilities: shared(table.probabilities) };
  },
  labelCounts: (table: ProbabilityTable): LabelCount[] => countLabels(predictedLabels(table)),
  chooseRows,
  disagreement: findDisagreement,
  score,
  csv: submissionCsv,
  select: selectMembers,
};

export type EnsembleTasks = typeof tasks;

/** A copy that threads see without copying. */
function shared(values: Float32Array): Float32Array {
  const copy = new Float32Array(new SharedArrayBuffer(values.byteLength));
  copy.set(values);
  return copy;
}
