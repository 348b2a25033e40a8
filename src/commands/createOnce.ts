import type { Transaction } from '../db/database.ts';
import type { IdKind } from '../domain/ids.ts';
import { findClaimed, findOrClaim } from '../store/idempotency.ts';
import type { CommandContext } from './context.ts';
import type { WakeUp } from './runStatus.ts';
import { inTransaction } from './transaction.ts';

/**
 * Creates an object in one transaction, once per idempotency key, and returns its id: a repeated key with the same input
 * answers with what its first try created. `create` gets the fresh id; the runs it returns are announced after the commit.
 * @param operation name of the mutation: a key belongs to one
 */
export async function createOnce(
  ctx: CommandContext,
  kind: IdKind,
  operation: string,
  input: { readonly idempotencyKey?: string | null | undefined },
  create: (tx: Transaction, id: string) => Promise<readonly WakeUp[]>,
): Promise<string> {
  const { idempotencyKey, ...request } = input;
  const fresh = ctx.newId(kind);
  const { id, wakes } = await inTransaction(ctx, async (tx) => {
    const earlier = await findOrClaim(tx, idempotencyKey, operation, request, fresh);
    return earlier === null ? { id: fresh, wakes: await create(tx, fresh) } : { id: earlier, wakes: [] };
  });
  for (const wake of wakes) ctx.waker.wake(wake);
  return id;
}

/**
 * As createOnce, for what takes long to work out: `prepare` does that before the transaction, whose `create` must check again what
 * may have changed meanwhile. A repeated key does not prepare again.
 */
export async function createPrepared<T>(
  ctx: CommandContext,
  kind: IdKind,
  operation: string,
  input: { readonly idempotencyKey?: string | null | undefined },
  prepare: () => Promise<T>,
  create: (tx: Transaction, id: string, prepared: T) => Promise<void>,
): Promise<string> {
  const { idempotencyKey, ...request } = input;
  const earlier = await findClaimed(ctx.db.prisma, idempotencyKey, operation, request);
  if (earlier !== null) return earlier;
  const prepared = await prepare();
  return createOnce(ctx, kind, operation, input, async (tx, id) => {
    await create(tx, id, prepared);
    return [];
  });
}
