/** What stands side by side when runs are compared: pure functions. */

import type { CompareMetricsQuery, CompareQuery } from '../../generated/operations.ts';

export type ComparedRun = CompareQuery['runs']['nodes'][number];
export type ComparedMetric = CompareMetricsQuery['compareRuns']['metrics'][number];

/** The ids that a link names, each once. */
export function parseRunIds(text: string | null): readonly string[] {
  const ids = (text ?? '').split(',').map((id) => id.trim());
  return [...new Set(ids.filter(Boolean))];
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

/** The metrics of a comparison for these runs, which may be others than it was made of: while a new one is on its way, what is known stays. */
export function metricsFor(
  ids: readonly string[],
  { runs, metrics }: CompareMetricsQuery['compareRuns'],
): readonly ComparedMetric[] {
  const places = new Map(runs.map(({ id }, place) => [id, place]));
  return metrics.map(({ name, values, best }) => {
    const newBest = best === null ? -1 : ids.indexOf(runs[best]!.id);
    return {
      name,
      values: ids.map((id) => values[places.get(id) ?? -1] ?? null),
      best: newBest < 0 ? null : newBest,
    };
  });
}

/** The metrics of objectives first, the others as they come. */
export function objectivesFirst(metrics: readonly ComparedMetric[], runs: readonly ComparedRun[]) {
  const objectives = new Set(runs.map(({ experiment: { objective } }) => objective.metric));
  return [...metrics].sort((a, b) => Number(objectives.has(b.name)) - Number(objectives.has(a.name)));
}

/** Places of the best value of a metric: of equal ones each. Empty where there is nothing to choose between. */
export function bestPlaces({ values, best }: ComparedMetric): readonly number[] {
  if (best === null) return [];
  return values.flatMap((value, place) => (value?.value === values[best]?.value ? place : []));
}

/** Places of the best value; empty when there is nothing to choose between. */
export function bestOf(values: readonly (number | null)[], direction: 'ASC' | 'DESC'): readonly number[] {
  const numbers = values.filter((value) => value !== null);
  if (new Set(numbers).size < 2) return [];
  const best = direction === 'ASC' ? Math.min(...numbers) : Math.max(...numbers);
  return values.flatMap((value, place) => (value === best ? place : []));
}
