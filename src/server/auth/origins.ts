/** Which pages may use this server from a browser: its own, and those of RUNGRAPH_CORS_ORIGINS. */

import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import type { Client } from './client.ts';

/** What browsers may send along, and read. */
const requestHeaders = 'authorization, content-type, apollo-require-preflight, x-request-id';
const responseHeaders = 'x-request-id, content-disposition, retry-after, www-authenticate';
/** Seconds for which a browser need not ask again. */
const preflightAge = 600;

export interface Origins {
  /** Whether a request comes from a page that may use the server, or from no page at all. */
  allows(request: IncomingMessage, client: Client): boolean;
  /** Whether it says that it comes from such a page. */
  confirms(request: IncomingMessage, client: Client): boolean;
  /** Tells browsers what pages of the listed origins may do. Answers their preflight requests. */
  readonly cors: RequestHandler;
}

export function createOrigins(listed: readonly string[]): Origins {
  const confirms = ({ headers: { origin } }: IncomingMessage, { host }: Client): boolean => {
    if (origin === undefined) return false;
    return listed.includes(origin) || (URL.canParse(origin) && new URL(origin).host === host);
  };
  return {
    confirms,
    allows: (request, client) => {
      const { origin, 'sec-fetch-site': site } = request.headers;
      if (origin !== undefined) return confirms(request, client);
      return site === undefined || site === 'same-origin' || site === 'none';
    },
    cors: (request, response, next) => {
      if (!listed.length) return next();
      response.vary('Origin');
      const { origin } = request.headers;
      if (origin === undefined || !listed.includes(origin)) return next();
      response.set({
        'access-control-allow-origin': origin,
        'access-control-allow-credentials': 'true',
        'access-control-expose-headers': responseHeaders,
        // Said for every answer; a listed origin may read it.
        'cross-origin-resource-policy': 'cross-origin',
      });
      if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return next();
      response.set({
        'access-control-allow-methods': 'GET, HEAD, POST, DELETE',
        'access-control-allow-headers': requestHeaders,
        'access-control-max-age': String(preflightAge),
      });
      response.status(204).end();
    },
  };
}
