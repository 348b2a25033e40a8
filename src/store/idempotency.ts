/** Retried writes answer with what their first try made. */

import { createHash } from 'node:crypto';
import { canonicalJson, type JsonObject } from '../domain/json.ts';
import { refuse } from '../errors.ts';
import type { Queryable } from './queryable.ts';

/** Longest key taken, in UTF-16 units. */
const longestKey = 200;

/**
 * Claims `key` for the object that the caller is about to make with `resultId`, in the caller's transaction (a claim that is
 * rolled back never was). Returns null when the caller shall go on (also without a key), or the id that an earlier try with
 * the same input made. A try at the same time is waited for. `input` is the write's input
 * (JSON) without the key.
 * @throws UserInputError CONFLICT on path ['idempotencyKey'] when the key was used with another operation or input.
 */
export async function findOrClaim(
  tx: Queryable,
  key: string | null | undefined,
  operation: string,
  input: object,
  resultId: string,
): Promise<string | null> {
  if (key === null || key === undefined) return null;
  if (!key || key.length > longestKey || key.includes('\0')) {
    throw refuse('INVALID', `must have 1 to ${longestKey} characters`, ['idempotencyKey']);
  }
  const inputHash = createHash('sha256')
    .update(canonicalJson(input as JsonObject))
    .digest('hex');
  const claimed = await tx.idempotencyKey.createMany({
    data: { key, operation, inputHash, resultId },
    skipDuplicates: true,
  });
  if (claimed.count) return null;
  const earlier = await tx.idempotencyKey.findUniqueOrThrow({ where: { key } });
  if (earlier.operation === operation && earlier.inputHash === inputHash) return earlier.resultId;
  const difference = earlier.operation === operation ? 'with other input' : `by ${earlier.operation}`;
  throw refuse('CONFLICT', `${JSON.stringify(key)} was already used ${difference}; take a fresh key`, [
    'idempotencyKey',
  ]);
}
