/** API keys on the command line of whoever owns the database: there the first key comes from. */

import os from 'node:os';
import Table from 'cli-table3';
import { createApiKey, revokeApiKey } from '../../commands/apiKey.ts';
import { audited } from '../../commands/audit.ts';
import type { Config } from '../../config.ts';
import { openDatabase } from '../../db/database.ts';
import { migrate } from '../../db/migrate.ts';
import { newId } from '../../domain/ids.ts';
import { StartupError, UserInputError } from '../../errors.ts';
import { type ApiKey, listApiKeys } from '../../store/apiKey.ts';
import { Closers } from '../closers.ts';
import { provideDatabase } from '../services.ts';
import { type KeysCommand, keysUsage, parseKeysCommand } from './options.ts';

export async function keys(args: readonly string[], config: Config): Promise<number> {
  const command = parseKeysCommand(args);
  if (command.kind === 'help') {
    process.stdout.write(keysUsage);
    return 0;
  }
  const closers = new Closers();
  try {
    const url = await provideDatabase(config, closers);
    await migrate(url);
    const db = await openDatabase(url, { maxConnections: 2 });
    closers.add(db.close);
    await run(command, { db, now: () => new Date(), newId });
    return 0;
  } catch (error) {
    if (error instanceof UserInputError) throw new StartupError(`keys ${command.kind}: ${error.message}`);
    throw error;
  } finally {
    await closers.close();
  }
}

async function run(
  command: Exclude<KeysCommand, { kind: 'help' }>,
  ctx: Parameters<typeof createApiKey>[0],
): Promise<void> {
  switch (command.kind) {
    case 'create': {
      const { name, scopes, lifetime } = command;
      const expiresAt = lifetime === null ? null : new Date(ctx.now().getTime() + lifetime);
      const { id, secret } = await audited(
        ctx,
        shell(),
        { operation: 'createApiKey', ids: [] },
        () => createApiKey(ctx, { name, scopes, expiresAt }),
        (made) => ({ outcome: 'SUCCEEDED', codes: [], ids: [made.id] }),
      );
      process.stderr.write(`${id} ${JSON.stringify(name)} with ${scopes.join(', ')}; this is its only appearance:\n`);
      process.stdout.write(`${secret}\n`);
      return;
    }
    case 'revoke':
      await audited(ctx, shell(), { operation: 'revokeApiKey', ids: [command.id] }, () =>
        revokeApiKey(ctx, command.id),
      );
      process.stdout.write(`${command.id} is revoked\n`);
      return;
    case 'list': {
      const found = await listApiKeys(ctx.db.prisma, { revoked: true });
      process.stdout.write(found.length ? `${tableOf(found, ctx.now())}\n` : 'There is no API key yet\n');
    }
  }
}

/** Who writes: the user of this machine. */
function shell() {
  return { actor: 'command line', keyId: null, requestId: null, address: os.hostname() };
}

function tableOf(found: readonly ApiKey[], now: Date): string {
  const table = new Table({
    head: ['id', 'name', 'scopes', 'made', 'last used', 'state'],
    style: { head: [], border: [] },
  });
  for (const key of found) {
    const { id, name, scopes, createdAt, lastUsedAt } = key;
    table.push([
      id,
      name,
      scopes.join(', '),
      minute(createdAt),
      lastUsedAt ? minute(lastUsedAt) : 'never',
      stateOf(key, now),
    ]);
  }
  return table.toString();
}

function stateOf({ revokedAt, expiresAt }: ApiKey, now: Date): string {
  if (revokedAt) return `revoked ${minute(revokedAt)}`;
  if (!expiresAt) return 'valid';
  return expiresAt > now ? `valid until ${minute(expiresAt)}` : `expired ${minute(expiresAt)}`;
}

/** UTC, without seconds. */
function minute(time: Date): string {
  return time.toISOString().slice(0, 16).replace('T', ' ');
}
