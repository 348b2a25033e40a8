/** Runs side by side: what of their configs differs, and how their metrics compare. */

import { canonicalJson, type JsonObject, type JsonValue } from './json.ts';
import { directionOf, type Objective } from './objective.ts';

export interface ConfigDifference {
  /** Names from the outermost on, joined by dots. */
  readonly path: string;
  /** One per config: text as it is, everything else as JSON; null where the config has no such field. */
  readonly values: readonly (string | null)[];
}

/** The fields in which configs differ, by path. Lists are compared whole. */
export function configDifferences(configs: readonly JsonObject[]): ConfigDifference[] {
  const fields = configs.map((config) => new Map(leaves(config, '')));
  const paths = [...new Set(fields.flatMap((own) => [...own.keys()]))].sort();
  return paths
    .map((path) => ({ path, values: fields.map((own) => own.get(path) ?? null) }))
    .filter(({ values }) => values.some((value) => value !== values[0]));
}

function leaves(value: JsonValue, path: string): [path: string, text: string][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.keys(value).length) {
    return [[path, typeof value === 'string' ? value : canonicalJson(value)]];
  }
  return Object.entries(value as JsonObject).flatMap(([key, child]) => leaves(child, path ? `${path}.${key}` : key));
}

export interface MetricSummary {
  readonly name: string;
  readonly last: number;
  readonly min: number | null;
  readonly max: number | null;
}

export interface MetricComparison {
  readonly name: string;
  /** One per run: its best value, or its last where none is finite; null where it has none at all. */
  readonly values: readonly (number | null)[];
  readonly last: readonly (number | null)[];
  /** Index of the first of the best values; null where there is nothing to be good at, or nobody is better than another. */
  readonly best: number | null;
}

/** The metrics of runs by name. `objective`: of their experiment, when they share one. */
export function compareMetrics(
  runs: readonly (readonly MetricSummary[])[],
  objective: Objective | null,
): MetricComparison[] {
  const byName = runs.map((summaries) => new Map(summaries.map((summary) => [summary.name, summary])));
  const names = [...new Set(runs.flatMap((summaries) => summaries.map(({ name }) => name)))].sort();
  return names.map((name) => {
    const direction = name === objective?.metric ? objective.direction : directionOf(name);
    const own = byName.map((summaries) => summaries.get(name));
    const finite = own.map((summary) => (direction === 'ASC' ? summary?.min : summary?.max) ?? null);
    const isMeasure = name === objective?.metric || /^(train|valid|test|holdout)\//.test(name);
    return {
      name,
      values: own.map((summary, i) => finite[i] ?? summary?.last ?? null),
      last: own.map((summary) => summary?.last ?? null),
      best: isMeasure ? indexOfBest(direction === 'ASC' ? finite : finite.map((value) => value && -value)) : null,
    };
  });
}

/** Of the smallest; null when all there are are equal. */
function indexOfBest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  const smallest = Math.min(...known);
  return known.some((value) => value > smallest) ? values.indexOf(smallest) : null;
}
