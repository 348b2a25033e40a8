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
