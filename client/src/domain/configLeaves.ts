/** The leaves of a config by their paths: `itemTransform.size.height` -> 256. Lists are leaves. */

export type Leaf = string | number | boolean | null;

/** In the order of the config; an empty object has none. */
export function configLeaves(config: Readonly<Record<string, unknown>>): ReadonlyMap<string, Leaf> {
  return new Map(leavesOf(config, () => false).map(([path, value]) => [path, leafOf(value)]));
}

/**
 * The same with their values as they are.
 * @param isWhole objects that count as one value
 */
export function leavesOf(
  config: Readonly<Record<string, unknown>>,
  isWhole: (value: Readonly<Record<string, unknown>>) => boolean,
): (readonly [path: string, value: unknown])[] {
  const walk = (value: unknown, path: string): (readonly [string, unknown])[] => {
    if (!isObject(value) || isWhole(value)) return [[path, value]];
    return Object.entries(value).flatMap(([key, inner]) => walk(inner, path === '' ? key : `${path}.${key}`));
  };
  return walk(config, '');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function leafOf(value: unknown): Leaf {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value === 'string') return value;
  return JSON.stringify(value) ?? null;
}

/** As tables show it. */
export function leafText(leaf: Leaf | undefined): string {
  if (leaf === undefined) return '';
  return String(leaf);
}
