/** Rules for arguments that the schema language cannot express. */

import { refuse } from '../errors.ts';

/** `{ id }` or `{ name }` when exactly one is given. */
export function idOrName(args: {
  readonly id?: string | null;
  readonly name?: string | null;
}): { id: string } | { name: string } {
  const { id, name } = args;
  if (typeof id === 'string' && typeof name !== 'string') return { id };
  if (typeof name === 'string' && typeof id !== 'string') return { name };
  throw refuse('INVALID', 'give exactly one of id and name');
}

/** A number between two bounds, refused by its argument's name. */
export function within(name: string, value: number, smallest: number, largest: number): number {
  if (value >= smallest && value <= largest) return value;
  throw refuse('LIMIT_EXCEEDED', `must be between ${smallest} and ${largest}, got ${value}`, [name]);
}

/** Steps asked for, both ends included. */
export function stepRange(args: {
  readonly afterStep?: number | null;
  readonly fromStep?: number | null;
  readonly toStep?: number | null;
}): { readonly from: number | undefined; readonly to: number | undefined } {
  const from = args.fromStep ?? undefined;
  const to = args.toStep ?? undefined;
  if (from !== undefined && to !== undefined && from > to) {
    throw refuse('INVALID', `must not be below fromStep (${from}), got ${to}`, ['toStep']);
  }
  if (args.afterStep == null) return { from, to };
  return { from: Math.max(args.afterStep + 1, from ?? args.afterStep + 1), to };
}
