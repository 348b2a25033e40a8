/** Objects with unique names, on a home where an earlier demo may have made them. */

import { createHash } from 'node:crypto';
import { accepted, type UserError } from './client.ts';

/** Asks with `name`, then with `name 2`, `name 3` … while the name is taken. */
export async function withFreeName<T>(
  name: string,
  what: string,
  ask: (name: string) => Promise<{ value: T | null; userErrors: readonly UserError[] }>,
): Promise<T> {
  for (let number = 1; ; number++) {
    const { value, userErrors } = await ask(numbered(name, number));
    if (!userErrors.some(({ code }) => code === 'ALREADY_EXISTS')) return accepted(what, value, userErrors);
  }
}

/** Looks at `name`, `name 2`, `name 3` … for the first that `fits`, as far as there are any. */
export async function findNamed<T>(
  name: string,
  find: (name: string) => Promise<T | null>,
  fits: (found: T) => boolean,
): Promise<T | undefined> {
  for (let number = 1; ; number++) {
    const found = await find(numbered(name, number));
    if (!found) return undefined;
    if (fits(found)) return found;
  }
}

/** An idempotency key that is the same for the same content: a demo that is started again is answered with what it made. */
export function keyOf(content: unknown): string {
  return `demo ${createHash('sha256').update(JSON.stringify(content)).digest('hex')}`;
}

function numbered(name: string, number: number): string {
  return number === 1 ? name : `${name} ${number}`;
}
