/** Who sends a request, for every route behind it. */

import type { RequestHandler, Response } from 'express';
import { allows, type Scope, type Viewer } from '../../domain/viewer.ts';
import type { RequestInfo } from '../../graphql/context.ts';
import { requestIdOf, sendError } from '../requests.ts';
import { type Authenticator, UnauthenticatedError } from './authenticator.ts';
import type { Client } from './client.ts';
import type { Origins } from './origins.ts';

/** Methods that change nothing. */
const safe = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Finds out who asks; the routes behind it decide by `requireScope` whether that is enough. A key that is not good is refused here,
 * and so is what is no GET with a session's cookie and does not say that it comes from a page of ours: browsers send cookies unasked.
 */
export function authenticate({ identify }: Pick<Authenticator, 'identify'>, origins: Origins): RequestHandler {
  return async (request, response, next) => {
    try {
      const client = clientOf(response);
      const viewer = await identify(request, client);
      if (viewer?.sessionId && !safe.has(request.method) && !origins.confirms(request, client)) {
        const message = 'A request with a session, other than GET, needs an Origin header of this server';
        return sendError(response, 403, message, 'FORBIDDEN');
      }
      response.locals.viewer = viewer;
    } catch (error) {
      if (!(error instanceof UnauthenticatedError)) throw error;
      return refuseUnauthenticated(response, error.message);
    }
    next();
  };
}

/** Who asks; null when the request carries no credentials. Stands behind `authenticate`. */
export function viewerOf(response: Response): Viewer | null {
  return response.locals.viewer as Viewer | null;
}

/** Where the request comes from. */
export function clientOf(response: Response): Client {
  return response.locals.client as Client;
}

/** Lets those through who have the scope. Stands behind `authenticate`. */
export function requireScope(scope: Scope): RequestHandler {
  return (_request, response, next) => {
    const viewer = viewerOf(response);
    if (!viewer) {
      return refuseUnauthenticated(
        response,
        'This needs an API key, as header "Authorization: Bearer KEY", or a session',
      );
    }
    if (!allows(viewer.scopes, scope)) {
      return sendError(
        response,
        403,
        `This needs the scope ${scope}; ${viewer.name} has ${viewer.scopes.join(', ')}`,
        'FORBIDDEN',
      );
    }
    next();
  };
}

/** What GraphQL and the audit log need of a request behind `requireScope`. */
export function requestInfo(response: Response): RequestInfo {
  return { requestId: requestIdOf(response), viewer: viewerOf(response)!, address: clientOf(response).address };
}

/** Answers in place of a refusal, and returns true, where the address was refused too often. */
export type LimitRefusal = () => boolean;

/** 401, with the scheme that is expected. Stands behind what limits refusals. */
export function refuseUnauthenticated(response: Response, message: string): void {
  if ((response.locals.limitRefusal as LimitRefusal)()) return;
  response.set('www-authenticate', 'Bearer realm="rungraph"');
  sendError(response, 401, message, 'UNAUTHENTICATED');
}
