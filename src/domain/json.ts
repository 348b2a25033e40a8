/** JSON has no NaN or infinities: they travel as these strings, the way MLflow writes them. */

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };
export type JsonObject = { readonly [key: string]: JsonValue };

export type NonFinite = 'NaN' | 'Infinity' | '-Infinity';

export function encodeNumber(value: number): number | NonFinite {
  return Number.isFinite(value) ? value : (String(value) as NonFinite);
}

export function decodeNumber(value: number | string): number {
  return typeof value === 'number' ? value : Number(value);
}

/** JSON text with keys in code point order: equal values give equal text, so it can be hashed and compared. */
export function canonicalJson(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const object = value as JsonObject;
    return `{${Object.keys(object)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(object[key] ?? null)}`)
      .join(',')}}`;
  }
  return JSON.stringify(value);
}
