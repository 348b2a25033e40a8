/** Who may use the server, from where, and as whom: the same for HTTP and for WebSocket. */

import type { IncomingMessage } from 'node:http';
import { Router as createRouter, type Router } from 'express';
import type { AccessConfig } from '../../config.ts';
import type { Listener } from '../../db/listener.ts';
import type { Viewer } from '../../domain/viewer.ts';
import type { Services } from '../../graphql/context.ts';
import { sendError } from '../requests.ts';
import { authenticate, clientOf } from './authenticate.ts';
import { createAuthenticator, everybodyIsLocal } from './authenticator.ts';
import { type Client, createClientReader } from './client.ts';
import { createHostCheck } from './hosts.ts';
import { loginPage } from './loginPage.ts';
import { createOpenSockets, type OpenSockets } from './openSockets.ts';
import { createOrigins } from './origins.ts';
import { sessionRoutes } from './sessionRoutes.ts';

export interface Access {
  /** Stands before everything that not everybody may use. Sets what `viewerOf` and `clientOf` tell; logging in and out. */
  readonly routes: Router;
  readClient(request: IncomingMessage): Client;
  /** Why a socket is not opened for this request; null when it is. */
  refuseUpgrade(request: IncomingMessage, client: Client): string | null;
  /**
   * Who opens a socket; null when it carries no credentials.
   * @throws UnauthenticatedError
   */
  identify(request: IncomingMessage, client: Client, authorization?: unknown): Promise<Viewer | null>;
  readonly openSockets: OpenSockets;
}

export function createAccess(config: AccessConfig, services: Services, listener: Listener): Access {
  const readClient = createClientReader(config.trustedProxies);
  const refuseHost = createHostCheck(config);
  const origins = createOrigins(config.corsOrigins);
  const authenticator = createAuthenticator(services);
  const { identify } = config.authenticated ? authenticator : everybodyIsLocal;
  const changes = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

  const routes = createRouter();
  routes.use((request, response, next) => {
    const client = readClient(request);
    response.locals.client = client;
    const problem = refuseHost(request, client);
    if (problem !== null) return sendError(response, 403, problem, 'FORBIDDEN');
    next();
  });
  routes.use(origins.cors);
  routes.use((request, response, next) => {
    if (changes.has(request.method) && !origins.allows(request, clientOf(response))) {
      return sendError(response, 403, refusedOrigin(request), 'FORBIDDEN');
    }
    next();
  });
  if (config.authenticated) routes.use(sessionRoutes(services, authenticator));
  routes.use(loginPage(config));
  routes.use(authenticate({ identify }, origins));

  return {
    routes,
    readClient,
    refuseUpgrade: (request, client) =>
      refuseHost(request, client) ?? (origins.allows(request, client) ? null : refusedOrigin(request)),
    identify,
    openSockets: createOpenSockets(services, listener),
  };
}

function refusedOrigin({ headers: { origin } }: IncomingMessage): string {
  return `Pages of ${origin ?? 'other sites'} may not use this server; RUNGRAPH_CORS_ORIGINS lists those that may`;
}
