/** API keys: made, shown once, revoked. */

import { apiKeyPrefix, hashSecret, newSecret } from '../domain/secret.ts';
import type { Scope } from '../domain/viewer.ts';
import { missing, refuse, UserInputError, type UserProblem } from '../errors.ts';
import { accessChannel, notify } from '../events/waker.ts';
import { insertApiKey, revokeApiKeyRow } from '../store/apiKey.ts';
import type { CommandContext } from './context.ts';
import { nameProblems } from './problems.ts';

type Parts = Pick<CommandContext, 'db' | 'now' | 'newId'>;

export interface CreateApiKeyInput {
  /** For people; two keys may have the same. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Null: never. */
  readonly expiresAt?: Date | null | undefined;
}

/** Makes a key. Its secret is in the answer and nowhere else. */
export async function createApiKey(
  ctx: Parts,
  { name, scopes, expiresAt = null }: CreateApiKeyInput,
): Promise<{ readonly id: string; readonly secret: string }> {
  const createdAt = ctx.now();
  const problems: UserProblem[] = nameProblems({ name });
  if (!scopes.length) {
    problems.push({ code: 'INVALID', message: 'must hold READ, WRITE or ADMIN', path: ['scopes'] });
  }
  if (expiresAt && expiresAt <= createdAt) {
    problems.push({ code: 'INVALID', message: 'must be later than now', path: ['expiresAt'] });
  }
  if (problems.length) throw new UserInputError(problems);
  const id = ctx.newId('apiKey');
  const secret = newSecret(apiKeyPrefix);
  const unique = [...new Set(scopes)];
  await insertApiKey(ctx.db.prisma, { id, name, scopes: unique, createdAt, expiresAt, hash: hashSecret(secret) });
  return { id, secret };
}

/** From now on nobody may use it: its sessions end, and servers close the sockets that it has opened. Returns its id. */
export async function revokeApiKey(ctx: Parts, id: string): Promise<string> {
  if (!(await revokeApiKeyRow(ctx.db.prisma, id, ctx.now()))) {
    throw refuse('NOT_FOUND', `${missing('API key', id)} that is not revoked`, ['id']);
  }
  await notify(ctx.db, accessChannel, [id]);
  return id;
}
