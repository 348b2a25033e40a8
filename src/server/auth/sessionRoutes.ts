/** Browsers log in with an API key once, and out again. */

import express, { Router as createRouter, type Router } from 'express';
import { askerOf, audited } from '../../commands/audit.ts';
import { closeSession, openSession } from '../../commands/session.ts';
import type { Services } from '../../graphql/context.ts';
import { networkOf } from '../address.ts';
import { createBuckets } from '../buckets.ts';
import { requestIdOf, sendError, sendTryAgain } from '../requests.ts';
import { clientOf, refuseUnauthenticated } from './authenticate.ts';
import { type Authenticator, UnauthenticatedError } from './authenticator.ts';
import { readSessionCookie, sessionCookie } from './cookie.ts';

/** Bytes of a login. */
const bodyLimit = 4_000;
/** Logins that an address may try. Keys cannot be guessed; this keeps the log short, and the database from being asked. */
const loginsPerMinute = 10;

/**
 * POST /session with `{"key": "rungraph_…"}` answers with a cookie and `{name, scopes, expiresAt}`; DELETE /session ends it.
 * Stands before `authenticate`: it takes credentials of its own.
 */
export function sessionRoutes({ commands, log }: Services, authenticator: Authenticator): Router {
  const router = createRouter();
  const attempts = createBuckets(loginsPerMinute);

  router.post('/session', express.json({ limit: bodyLimit }), async (request, response) => {
    const client = clientOf(response);
    const requestId = requestIdOf(response);
    const { address } = client;
    const wait = attempts.take(networkOf(address));
    if (wait > 0) return sendTryAgain(response, 429, wait, `Too many logins; try again in ${wait} s`, 'RATE_LIMITED');
    const { key } = (request.body ?? {}) as { readonly key?: unknown };
    if (typeof key !== 'string') return sendError(response, 400, 'Send {"key": "rungraph_…"} as application/json');
    try {
      const viewer = await authenticator.identifyKey(key.trim());
      const asker = askerOf({ viewer, requestId, address });
      const login = { operation: 'login', ids: [viewer.keyId] };
      const previous = readSessionCookie(request, client);
      const { secret, session } = await audited(commands, asker, login, () =>
        openSession(commands, viewer.keyId, previous),
      );
      const { name, scopes } = viewer;
      response.set({ 'set-cookie': sessionCookie(client, secret), 'cache-control': 'no-store' });
      response.json({ name, scopes, expiresAt: session.expiresAt });
    } catch (error) {
      if (!(error instanceof UnauthenticatedError)) throw error;
      log.warn({ requestId, address, reason: error.message }, 'a login was refused');
      refuseUnauthenticated(response, error.message);
    }
  });

  router.delete('/session', async (request, response) => {
    const client = clientOf(response);
    const { address } = client;
    const secret = readSessionCookie(request, client);
    const viewer = await authenticator.identify({ headers: { cookie: request.headers.cookie } }, client);
    if (secret !== undefined && viewer) {
      const asker = askerOf({ viewer, requestId: requestIdOf(response), address });
      const logout = { operation: 'logout', ids: viewer.keyId === null ? [] : [viewer.keyId] };
      await audited(commands, asker, logout, () => closeSession(commands, secret));
    }
    response.set('set-cookie', sessionCookie(client, null)).status(204).end();
  });

  return router;
}
