/** Who sends a request, for every route after it. */

import type { RequestHandler, Response } from 'express';
import { allows, localViewer, type Scope, type Viewer } from '../../domain/viewer.ts';
import { sendError } from '../requests.ts';

/** Finds out who asks; the routes after it decide by `requireScope` whether that is enough. */
export const authenticate: RequestHandler = (_request, response, next) => {
  response.locals.viewer = localViewer;
  next();
};

/** Who asks; null when the request carries no credentials. */
export function viewerOf(response: Response): Viewer | null {
  return (response.locals.viewer as Viewer | null | undefined) ?? null;
}

/** Lets those through who have the scope. Stands behind `authenticate`. */
export function requireScope(scope: Scope): RequestHandler {
  return (_request, response, next) => {
    const viewer = viewerOf(response);
    if (!viewer) return sendError(response, 401, 'This needs an API key');
    if (!allows(viewer.scopes, scope)) return sendError(response, 403, `This needs the scope ${scope}`);
    next();
  };
}
