/** What is different between the configs of several runs. */

import { configLeaves, type Leaf } from './configLeaves.ts';

export interface ConfigRow {
  /** E.g. `itemTransform.method`. */
  readonly path: string;
  /** In the order of the configs; undefined where one has no such field. */
  readonly values: readonly (Leaf | undefined)[];
  readonly differs: boolean;
}

/** One row per leaf that any of them has, by path. */
export function configRows(configs: readonly Readonly<Record<string, unknown>>[]): readonly ConfigRow[] {
  const leaves = configs.map(configLeaves);
  const paths = new Set(leaves.flatMap((of) => [...of.keys()]));
  return [...paths].sort().map((path) => {
    const values = leaves.map((of) => of.get(path));
    return { path, values, differs: values.some((value) => value !== values[0]) };
  });
}
