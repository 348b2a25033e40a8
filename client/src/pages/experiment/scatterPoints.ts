/** From the runs of an experiment to the marks of a scatter plot. */

import type { ScatterPointsQuery } from '../../generated/operations.ts';
import { paretoFront } from './pareto.ts';

export type RunPoint = NonNullable<ScatterPointsQuery['experiment']>['points'][number];

/** What a score costs. */
export const costs = ['seconds', 'memory'] as const;
export type Cost = (typeof costs)[number];

export interface Mark {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly label: string;
  /** The family of the network. */
  readonly category: string;
  readonly run: RunPoint;
}

/** More families are told apart by nobody. */
const mostFamilies = 7;
const others = 'others';

export interface ScatterPicture {
  readonly marks: readonly Mark[];
  readonly families: readonly string[];
  /** No other run is at least as good in both respects and better in one; from the cheapest to the best. */
  readonly front: readonly Mark[];
  /** Runs that have a score and no cost yet. */
  readonly left: number;
}

export function scatterPicture(runs: readonly RunPoint[], cost: Cost, better: 'ASC' | 'DESC'): ScatterPicture {
  const families = familiesOf(runs);
  const marks = runs.flatMap((run) => {
    const x = cost === 'seconds' ? run.trainSeconds : run.peakMemory;
    if (x === null) return [];
    const family = familyOf(run.architecture);
    const category = families.includes(family) ? family : others;
    return { id: run.runId, x, y: run.value, label: run.name, category, run };
  });
  return { marks, families, front: paretoFront(marks, better), left: runs.length - marks.length };
}

/** `convnext_tiny_in22k` and `convnext_atto` are both `convnext`. */
export function familyOf(architecture: string): string {
  return architecture.split('_', 1)[0]!;
}

/** The commonest first; the rest together. */
function familiesOf(runs: readonly RunPoint[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { architecture } of runs) {
    const family = familyOf(architecture);
    counts.set(family, (counts.get(family) ?? 0) + 1);
  }
  const sorted = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([family]) => family);
  return sorted.length <= mostFamilies + 1 ? sorted : [...sorted.slice(0, mostFamilies), others];
}
