/** The leaves of a config by their paths: `itemTransform.size.height` -> 256. Lists are leaves. */

export type Leaf = string | number | boolean | null;

/** In the order of the config; an empty object has none. */
export function configLeaves(config: Readonly<Record<string, unknown>>): ReadonlyMap<string, Leaf> {
  const leaves = new Map<string, Leaf>();
  const walk = (value: unknown, path: string) => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [key, inner] of Object.entries(value)) walk(inner, path === '' ? key : `${path}.${key}`);
    } else leaves.set(path, leafOf(value));
  };
  walk(config, '');
  return leaves;
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
