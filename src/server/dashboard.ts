/** The built dashboard: its files, and one page for every one of its links. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import compression from 'compression';
import express, { type RequestHandler, type Response, type Router } from 'express';

const folder = fileURLToPath(new URL('../../client/dist', import.meta.url));

/** Small, and sent whole each time: after a return to an older version it would be older than what the browser has, and still the right one. */
const asItIs = { lastModified: false };

/** What the views of client/src/routes.ts begin with. */
const views = /^\/(?:$|(?:experiments|runs|sweeps|compare|ensembles|probes|datasets|machines)(?:\/|$))/;

/** `requireLogin` stands before the views; the files, which hold nothing of anybody, are for everyone. */
export function dashboardRoutes(requireLogin: RequestHandler): Router {
  const router = express.Router();
  // Not for all that passes here: downloads keep their length, and parts of them are told by it.
  const compressed = compression();
  // Their names have a hash of their content.
  router.use(
    '/assets',
    compressed,
    express.static(path.join(folder, 'assets'), { immutable: true, maxAge: '1y', index: false }),
  );
  for (const name of ['icon.svg', 'theme.js']) {
    router.get(`/${name}`, compressed, (_request, response) => response.sendFile(path.join(folder, name), asItIs));
  }
  router.get(views, requireLogin, compressed, (_request, response) => {
    response.set('cache-control', 'no-cache');
    sendPage(response, 'index.html');
  });
  return router;
}

/** Browsers that are led to nowhere are shown the dashboard, which says so and leads back; programs get the next handler's answer. */
export const answerNoSuchView: RequestHandler = (request, response, next) => {
  if (request.method === 'GET' && request.accepts(['json', 'html']) === 'html') {
    sendPage(response.status(404).set('cache-control', 'no-store'), 'index.html');
  } else next();
};

/** Answers with a page of the build, or says that there is none. */
export function sendPage(response: Response, name: 'index.html' | 'login.html'): void {
  if (existsSync(path.join(folder, name))) response.sendFile(path.join(folder, name), asItIs);
  else response.status(503).type('text').send('The dashboard has not been built: run npm run generate\n');
}
