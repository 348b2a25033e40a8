/** What stands side by side when runs are compared: pure functions over their summaries. */

import { improvesUpwards } from '../../domain/improves.ts';
import type { CompareQuery } from '../../generated/operations.ts';

export type ComparedRun = CompareQuery['runs']['nodes'][number];

/** More curves cannot be told apart. */
export const mostRuns = 20;

/** The ids that a link names, each once. */
export function parseRunIds(text: string | null): readonly string[] {
  const ids = (text ?? '').split(',').map((id) => id.trim());
  return [...new Set(ids.filter(Boolean))].slice(0, mostRuns);
}

/** A filter of the language that finds exactly these runs. */
export function filterOf(ids: readonly string[]): string {
  return `id in (${ids.map((id) => `"${id.replaceAll(/["\\]/g, '\\$&')}"`).join(', ')})`;
}

/** In the order of the link; what is not there is left out. */
export function inOrder<Run extends { readonly id: string }>(ids: readonly string[], runs: readonly Run[]) {
  const byId = new Map(runs.map((run) => [run.id, run]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

/** Names that can be told apart: of equal ones all but the first have a number. */
export function distinctNames(runs: readonly { readonly name: string }[]): readonly string[] {
  const taken = new Set<string>();
  return runs.map(({ name }) => {
    let distinct = name;
    for (let number = 2; taken.has(distinct); number++) distinct = `${name} (${number})`;
    taken.add(distinct);
    return distinct;
  });
}

export interface MetricRow {
  readonly name: string;
  /** The best value of each run, by the direction in which the metric improves; the last one where none is finite; null without one. */
  readonly values: readonly (ComparedRun['metrics'][number]['last'] | null)[];
  /** Places of the best of all: more than one when they are equal, none when all runs are. */
  readonly best: readonly number[];
}

/** Series that tell how the training was driven: none of their values is a good one. */
const schedules = /^(lr(\/|$)|momentum$)/;

/** The names of all series that any run has logged, in order; those of objectives first. */
export function metricNames(runs: readonly ComparedRun[]): readonly string[] {
  const objectives = new Set(runs.map(({ experiment: { objective } }) => objective.metric));
  return [...new Set(runs.flatMap(({ metrics }) => metrics.map(({ name }) => name)))].sort(
    (a, b) => Number(objectives.has(b)) - Number(objectives.has(a)) || (a < b ? -1 : 1),
  );
}

/** One row per metric, without the schedules. */
export function metricRows(runs: readonly ComparedRun[]): readonly MetricRow[] {
  const objectives = new Map(runs.map(({ experiment: { objective } }) => [objective.metric, objective.direction]));
  const names = metricNames(runs).filter((name) => !schedules.test(name));
  return names.map((name) => {
    const direction = objectives.get(name) ?? (improvesUpwards(name) ? 'DESC' : 'ASC');
    const values = runs.map(({ metrics }) => {
      const summary = metrics.find((other) => other.name === name);
      if (!summary) return null;
      const best = direction === 'ASC' ? summary.min : summary.max;
      return best ? { value: best.value, nonFinite: null } : summary.last;
    });
    return {
      name,
      values,
      best: bestOf(
        values.map((value) => value?.value ?? null),
        direction,
      ),
    };
  });
}

/** Places of the best value; empty when there is nothing to choose between. */
export function bestOf(values: readonly (number | null)[], direction: 'ASC' | 'DESC'): readonly number[] {
  const numbers = values.filter((value) => value !== null);
  if (new Set(numbers).size < 2) return [];
  const best = direction === 'ASC' ? Math.min(...numbers) : Math.max(...numbers);
  return values.flatMap((value, place) => (value === best ? place : []));
}
