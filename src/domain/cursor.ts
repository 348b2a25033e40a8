/** Opaque cursors: a tuple of JSON scalars as base64url. They name a position, so they survive inserts and deletes. */

import { refuse, type UserInputError } from '../errors.ts';

type ScalarTypes = { readonly string: string; readonly number: number; readonly 'number?': number | null };
type Shape = readonly (keyof ScalarTypes)[];
type CursorOf<S extends Shape> = { [I in keyof S]: ScalarTypes[S[I]] };

export function encodeCursor(values: readonly (string | number | null)[]): string {
  return Buffer.from(JSON.stringify(values)).toString('base64url');
}

/** Reads a cursor of the given shape, e.g. `decodeCursor(after, 'number', 'string')`; refuses any other on path `after`. */
export function decodeCursor<const S extends Shape>(cursor: string, ...shape: S): CursorOf<S> {
  const values = parse(cursor);
  const fits =
    Array.isArray(values) &&
    values.length === shape.length &&
    shape.every((type, i) => typeof values[i] === type.replace('?', '') || (type.endsWith('?') && values[i] === null));
  if (!fits) throw malformedCursor(cursor);
  return values as unknown as CursorOf<S>;
}

export function malformedCursor(cursor: string): UserInputError {
  return refuse('INVALID', `${JSON.stringify(cursor)} is no cursor of this list; pass one that it returned`, ['after']);
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined;
  }
}
