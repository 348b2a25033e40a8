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
  checkKey(key);
  const inputHash = hashInput(input);
  const claimed = await tx.idempotencyKey.createMany({
    data: { key, operation, inputHash, resultId },
    skipDuplicates: true,
  });
  if (claimed.count) return null;
  const earlier = await tx.idempotencyKey.findUniqueOrThrow({ where: { key } });
  return resultOf(earlier, operation, inputHash);
}

/**
 * The id that an earlier, finished try with this key and input made, or null. For what is better known before a costly write is
 * worked out; only `findOrClaim` decides.
 * @throws UserInputError as `findOrClaim` does
 */
export async function findClaimed(
  db: Queryable,
  key: string | null | undefined,
  operation: string,
  input: object,
): Promise<string | null> {
  if (key === null || key === undefined) return null;
  checkKey(key);
  const earlier = await db.idempotencyKey.findUnique({ where: { key } });
  return earlier && resultOf(earlier, operation, hashInput(input));
}

interface Claim {
  readonly key: string;
  readonly operation: string;
  readonly inputHash: string;
  readonly resultId: string;
}

function resultOf(earlier: Claim, operation: string, inputHash: string): string {
  if (earlier.operation === operation && earlier.inputHash === inputHash) return earlier.resultId;
  const difference = earlier.operation === operation ? 'with other input' : `by ${earlier.operation}`;
  throw refuse('CONFLICT', `${JSON.stringify(earlier.key)} was already used ${difference}; take a fresh key`, [
    'idempotencyKey',
  ]);
}

function checkKey(key: string): void {
  if (key && key.length <= longestKey && !key.includes('\0')) return;
  throw refuse('INVALID', `must have 1 to ${longestKey} characters`, ['idempotencyKey']);
}

function hashInput(input: object): string {
  return createHash('sha256')
    .update(canonicalJson(input as JsonObject))
    .digest('hex');
}
