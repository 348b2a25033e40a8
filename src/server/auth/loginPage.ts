/** The page to log in with, for the dashboard and GraphiQL. */

import { Router as createRouter, type RequestHandler, type Router } from 'express';
import type { AccessConfig } from '../../config.ts';
import { sendPage } from '../dashboard.ts';
import { viewerOf } from './authenticate.ts';

/** GET /login, a page of client/; without authentication there is nothing to log in to. Stands before `authenticate`. */
export function loginPage({ authenticated }: AccessConfig): Router {
  const router = createRouter();
  router.get('/login', (_request, response) => {
    if (!authenticated) return response.redirect('/');
    response.set('cache-control', 'no-store');
    sendPage(response, 'login.html');
  });
  return router;
}

/** Leads browsers without a session to the page, and from there back. Stands behind `authenticate`. */
export const requireLogin: RequestHandler = (request, response, next) => {
  if (viewerOf(response)) next();
  else response.set('cache-control', 'no-store').redirect(`/login?next=${encodeURIComponent(request.originalUrl)}`);
};
