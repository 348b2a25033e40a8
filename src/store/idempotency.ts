/** Retried writes answer with what their first try made. */

import type { JsonValue } from '../domain/json.ts';
import type { Queryable } from './queryable.ts';

/**
 * Claims `key` for the object that the caller is about to make with `resultId`, in the caller's transaction.
 * Returns null when the caller shall go on (also without a key), or the id that an earlier try with the same input made.
 * @throws UserInputError CONFLICT on path ['idempotencyKey'] when the key was used with another operation or input.
 */
export declare function findOrClaim(
  tx: Queryable,
  key: string | null | undefined,
  operation: string,
  input: JsonValue,
  resultId: string,
): Promise<string | null>;
