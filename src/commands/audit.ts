/** The audit log of writes: an entry before the write begins, and what became of it after. */

import { isDatabaseAway } from '../domain/absence.ts';
import { idKind } from '../domain/ids.ts';
import type { Viewer } from '../domain/viewer.ts';
import { UserInputError } from '../errors.ts';
import { type AuditEntry, endAuditEntry, insertAuditEntry } from '../store/audit.ts';
import type { CommandContext } from './context.ts';
import { inTransaction } from './transaction.ts';

type Parts = Pick<CommandContext, 'db' | 'now' | 'newId'>;

/** Who asks for a write, and from where. */
export type Asker = Pick<AuditEntry, 'actor' | 'keyId' | 'requestId' | 'address'>;

/** A write as it is asked for: its name, and ids that it is about. */
export type AuditedWrite = Pick<AuditEntry, 'operation' | 'ids'>;

/** What became of it; `ids` come to those of the write. */
export type AuditResult = Pick<AuditEntry, 'outcome' | 'codes' | 'ids'>;

/** Ids that one entry names at most. */
const mostIds = 100;

export function askerOf(request: {
  readonly viewer: Viewer;
  readonly requestId: string;
  readonly address: string;
}): Asker {
  const { viewer, requestId, address } = request;
  return { actor: viewer.name, keyId: viewer.keyId, requestId, address };
}

/**
 * Does `work` between the two halves of an audit entry: without the first nothing is written, so no write is missing from the log;
 * an entry that stays STARTED is of a process that was killed before it knew, or could not write any more. Whatever `work` throws is
 * thrown on.
 * @throws UserInputError UNAVAILABLE when the disk of the database is full, before anything has begun
 * @param describe what the log says of a result; left out: that it succeeded
 */
export async function audited<T>(
  ctx: Parts,
  asker: Asker,
  write: AuditedWrite,
  work: () => Promise<T>,
  describe: (result: T) => AuditResult = () => ({ outcome: 'SUCCEEDED', codes: [], ids: [] }),
): Promise<T> {
  const entry = await begin(ctx, asker, write, 'STARTED', []);
  // What has become of the write stands, whether the log can be completed or not.
  const end = ({ outcome, codes, ids }: AuditResult) =>
    endAuditEntry(ctx.db.prisma, { id: entry.id, outcome, codes, ids: distinct([...entry.ids, ...ids]) }).catch(
      () => {},
    );
  let result: T;
  try {
    result = await work();
  } catch (error) {
    await end(describeError(error));
    throw error;
  }
  await end(describe(result));
  return result;
}

/** Notes a write that was refused before it began. */
export async function auditRefusal(ctx: Parts, asker: Asker, write: AuditedWrite, code: string): Promise<void> {
  await begin(ctx, asker, write, 'REFUSED', [code]);
}

async function begin(
  ctx: Parts,
  asker: Asker,
  { operation, ids }: AuditedWrite,
  outcome: AuditEntry['outcome'],
  codes: readonly string[],
): Promise<AuditEntry> {
  const entry = { id: ctx.newId('auditEntry'), at: ctx.now(), ...asker, operation, ids: distinct(ids), outcome, codes };
  await inTransaction(ctx, (tx) => insertAuditEntry(tx, entry));
  return entry;
}

function describeError(error: unknown): AuditResult {
  if (!(error instanceof UserInputError)) {
    return { outcome: 'FAILED', codes: [isDatabaseAway(error) ? 'UNAVAILABLE' : 'INTERNAL_SERVER_ERROR'], ids: [] };
  }
  return { outcome: 'REFUSED', codes: distinct(error.problems.map(({ code }) => code)), ids: [] };
}

/** Every text below a value that has the shape of an id. */
export function idsIn(value: unknown): string[] {
  const ids = new Set<string>();
  const left: unknown[] = [value];
  while (left.length && ids.size < mostIds) {
    const next = left.pop();
    if (typeof next === 'string' && idKind(next)) ids.add(next);
    // in the order in which they stand
    else if (typeof next === 'object' && next !== null) left.push(...Object.values(next).reverse());
  }
  return [...ids];
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)].slice(0, mostIds);
}
