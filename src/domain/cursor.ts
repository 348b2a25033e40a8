/** Opaque cursors: a tuple of JSON scalars as base64url. They name a position, so they survive inserts and deletes. */

import { refuse, type UserInputError } from '../errors.ts';

type ScalarTypes = {
  /** Without what PostgreSQL's text does not take. */
  readonly string: string;
  readonly 'string?': string | null;
  /** Finite. */
  readonly number: number;
  readonly 'number?': number | null;
  /** A whole number from 0 to 2^31 - 1. */
  readonly index: number;
};
type Shape = readonly (keyof ScalarTypes)[];
type CursorOf<S extends Shape> = { [I in keyof S]: ScalarTypes[S[I]] };

export function encodeCursor(values: readonly (string | number | null)[]): string {
  return Buffer.from(JSON.stringify(values)).toString('base64url');
}

/** Reads a cursor of the given shape, e.g. `decodeCursor(after, 'number', 'string')`; refuses any other on path `after`. */
export function decodeCursor<const S extends Shape>(cursor: string, ...shape: S): CursorOf<S> {
  const values = parse(cursor);
  const fits =
    Array.isArray(values) && values.length === shape.length && shape.every((type, i) => isOfType(values[i], type));
  if (!fits) throw malformedCursor(cursor);
  return values as unknown as CursorOf<S>;
}

function isOfType(value: unknown, type: keyof ScalarTypes): boolean {
  if (type === 'index') return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31;
  if (typeof value === 'string' && unstorable.test(value)) return false;
  if (typeof value === 'number' && !Number.isFinite(value)) return false;
  return typeof value === type.replace('?', '') || (type.endsWith('?') && value === null);
}

const unstorable = /[\0\p{Surrogate}]/u;

/** Whether a text is a moment as cursors write it, in milliseconds. */
export function isMoment(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text) && !Number.isNaN(Date.parse(text));
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
