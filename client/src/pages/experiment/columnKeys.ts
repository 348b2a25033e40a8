/** Which columns the tables of runs show, as their link says it: `seconds,metric:valid/loss,config:epochs`. */

export const plainColumns = ['architecture', 'tags', 'memory', 'seconds', 'throughput', 'status', 'created'] as const;

export type PlainColumn = (typeof plainColumns)[number];

export type ColumnKey =
  | { readonly kind: 'plain'; readonly name: PlainColumn }
  /** The best value of a metric. */
  | { readonly kind: 'metric'; readonly name: string }
  /** A leaf of the config, by its path: `itemTransform.method`. */
  | { readonly kind: 'config'; readonly name: string };

/**
 * What is shown when the link says nothing, as much as 1280 pixels hold: no architecture, which the names of runs begin with unless somebody
 * named them, and no images/s, which training time tells of.
 */
export const usualColumns: readonly ColumnKey[] = (['status', 'seconds', 'memory', 'tags', 'created'] as const).map(
  (name) => ({ kind: 'plain', name }),
);

/** More would be no table that one reads. */
export const mostColumns = 40;

/** Commas and per cents in names are escaped. Unknown words are passed over: links live longer than columns. */
export function parseColumns(text: string | null): readonly ColumnKey[] {
  if (text === null) return usualColumns;
  const keys = new Map<string, ColumnKey>();
  for (const word of text.split(',')) {
    const key = parseColumn(word);
    if (key) keys.set(columnId(key), key);
  }
  return [...keys.values()].slice(0, mostColumns);
}

function parseColumn(word: string): ColumnKey | null {
  const [, kind, escaped = ''] = /^(metric|config):(.+)$/su.exec(word) ?? [];
  if (kind !== 'metric' && kind !== 'config') {
    const name = plainColumns.find((plain) => plain === word);
    return name ? { kind: 'plain', name } : null;
  }
  try {
    return { kind, name: decodeURIComponent(escaped) };
  } catch {
    return null;
  }
}

/** Null for the usual ones, so that links stay short. */
export function formatColumns(columns: readonly ColumnKey[]): string | null {
  const text = columns.map(columnId).join(',');
  return text === usualColumns.map(columnId).join(',') ? null : text;
}

/** The word of a column in links; also its identity. */
export function columnId({ kind, name }: ColumnKey): string {
  return kind === 'plain' ? name : `${kind}:${name.replaceAll(/[%,]/g, encodeURIComponent)}`;
}

/** What of the runs has to be asked for. */
export function neededFor(columns: readonly ColumnKey[]): {
  readonly withConfig: boolean;
  readonly withMetrics: boolean;
  readonly metrics: readonly string[];
} {
  const metrics = columns.filter(({ kind }) => kind === 'metric').map(({ name }) => name);
  return { withConfig: columns.some(({ kind }) => kind === 'config'), withMetrics: metrics.length > 0, metrics };
}
