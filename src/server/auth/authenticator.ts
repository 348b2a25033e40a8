/** From credentials to a viewer. */

import type { IncomingMessage } from 'node:http';
import { hashSecret } from '../../domain/secret.ts';
import { localViewer, type Viewer } from '../../domain/viewer.ts';
import type { Services } from '../../graphql/context.ts';
import { type ApiKey, findApiKey, touchApiKey } from '../../store/apiKey.ts';
import { findSession, isOpen, touchSession } from '../../store/session.ts';
import type { Client } from './client.ts';
import { readSessionCookie } from './cookie.ts';

/** Credentials that are none, or are no longer good. */
export class UnauthenticatedError extends Error {
  override readonly name = 'UnauthenticatedError';
}

export interface Authenticator {
  /**
   * Who sends a request: by its API key, else by its cookie; null when it carries neither.
   * @param authorization of a socket's first message, which counts before the header of that name
   * @throws UnauthenticatedError for a key that is not good. A session that has ended is as none
   */
  identify(request: Pick<IncomingMessage, 'headers'>, client: Client, authorization?: unknown): Promise<Viewer | null>;
  /** @throws UnauthenticatedError */
  identifyKey(secret: string): Promise<Viewer & { readonly keyId: string }>;
}

export function createAuthenticator({ commands: { db, now }, log }: Pick<Services, 'commands' | 'log'>): Authenticator {
  /** Who may come in may do so also while the disk of the database is full. */
  const noted = (touch: Promise<void>) =>
    touch.catch((error: unknown) => log.warn({ err: error }, 'the use of a key could not be noted'));

  async function identifyKey(secret: string): Promise<Viewer & { readonly keyId: string }> {
    const key = await findApiKey(db.prisma, { hash: hashSecret(secret) });
    if (!key) throw new UnauthenticatedError('There is no such API key');
    const problem = problemOf(key, now());
    if (problem !== null) throw new UnauthenticatedError(problem);
    await noted(touchApiKey(db.prisma, key, now()));
    return { name: key.name, scopes: key.scopes, keyId: key.id, sessionId: null };
  }

  async function identifySession(secret: string): Promise<Viewer | null> {
    const found = await findSession(db.prisma, hashSecret(secret));
    if (!found || !isOpen(found.session, now()) || problemOf(found.key, now()) !== null) return null;
    const { key, session } = found;
    await noted(touchSession(db.prisma, session, now()));
    await noted(touchApiKey(db.prisma, key, now()));
    return { name: key.name, scopes: key.scopes, keyId: key.id, sessionId: session.id };
  }

  return {
    identifyKey,
    identify: async (request, client, authorization) => {
      const given = authorization ?? request.headers.authorization;
      if (given !== undefined) return identifyKey(bearerOf(given));
      const secret = readSessionCookie(request, client);
      return secret === undefined ? null : identifySession(secret);
    },
  };
}

/** Of a server without authentication: credentials are not looked at. */
export const everybodyIsLocal: Pick<Authenticator, 'identify'> = { identify: async () => localViewer };

function problemOf({ name, revokedAt, expiresAt }: ApiKey, now: Date): string | null {
  if (revokedAt) return `The API key ${JSON.stringify(name)} is revoked`;
  if (expiresAt && expiresAt <= now)
    return `The API key ${JSON.stringify(name)} has expired at ${expiresAt.toISOString()}`;
  return null;
}

function bearerOf(authorization: unknown): string {
  const secret = typeof authorization === 'string' ? /^Bearer +([\x21-\x7e]+)$/i.exec(authorization)?.[1] : undefined;
  if (secret === undefined) throw new UnauthenticatedError('Credentials must read "Bearer" and an API key');
  return secret;
}
