/** What every HTTP answer has in common: a request id, headers that keep browsers safe, and JSON for errors. */

import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import { absenceMessage, absenceSeconds, isDatabaseAway } from '../domain/absence.ts';
import { UserInputError } from '../errors.ts';
import { type Logger, withLogIds } from '../log.ts';

/** Everything from this server only. Not every browser takes 'self' for sockets too, so they are named by the host asked for. */
const contentSecurityPolicy = (host: string) => [
  "default-src 'self'",
  "base-uri 'none'",
  `connect-src 'self' ws://${host} wss://${host}`,
  "font-src 'self' data:",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "img-src 'self' data:",
  "object-src 'none'",
  "style-src 'self' 'unsafe-inline'",
];

/** Nothing of the machine that a page here could ask for. */
const permissionsPolicy = ['camera', 'display-capture', 'geolocation', 'microphone', 'payment', 'serial', 'usb']
  .map((feature) => `${feature}=()`)
  .join(', ');

/** The id that a request brings along (header x-request-id), if it may stand in a log, or a new one. */
export function requestIdFor({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,100}$/.test(given) ? given : randomUUID();
}

/** Gives the answer its id, header x-request-id, which everything logged on its way carries, and the security headers. */
export const prepareResponse: RequestHandler = (request, response, next) => {
  const host = /^[\w.:[\]-]+$/.exec(request.headers.host ?? '')?.[0] ?? 'localhost';
  const requestId = requestIdFor(request);
  response.locals.requestId = requestId;
  response.set({
    'content-security-policy': contentSecurityPolicy(host).join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': permissionsPolicy,
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'x-request-id': requestId,
  });
  withLogIds({ requestId }, next);
};

/** Tells browsers that came by https to stay with it. Others are not told: a server on loopback has no certificate. */
export function keepHttps(isSecure: (request: IncomingMessage) => boolean): RequestHandler {
  return (request, response, next) => {
    if (isSecure(request)) response.set('strict-transport-security', 'max-age=31536000');
    next();
  };
}

export function requestIdOf(response: Response): string {
  return response.locals.requestId as string;
}

export const answerNotFound: RequestHandler = (request, response) => {
  sendError(response, 404, `There is nothing at ${request.path}`);
};

interface Failure {
  readonly status?: number;
  readonly type?: string;
  readonly code?: string;
  /** Of a body that is too large: bytes that it may have. */
  readonly limit?: number;
}

/** Codes of streams whose reader did not wait for the end. */
const gone = new Set<string | undefined>(['ERR_STREAM_PREMATURE_CLOSE', 'ECONNABORTED', 'ECONNRESET', 'EPIPE']);

/** Errors of middleware and routes as JSON in the shape of GraphQL errors. Bugs are masked and logged; without the database 503. */
export function answerError(log: Logger): ErrorRequestHandler {
  return (error: Failure, request, response, _next) => {
    // The client has gone away in the middle of its request: nobody waits for an answer, and nothing is wrong with us.
    if (error === request.errored) return;
    if (response.headersSent) {
      // Too late for words: the connection is cut, so that nobody takes the part for the whole.
      if (!response.destroyed) response.destroy();
      if (!gone.has(error.code))
        log.error({ err: error, requestId: requestIdOf(response), path: request.path }, 'an answer broke off');
      return;
    }
    if (error instanceof UserInputError) return sendError(response, 400, error.message);
    if (error.type === 'entity.too.large') {
      const message = `The request body is larger than the limit of ${error.limit} bytes`;
      return sendError(response, 413, message, 'LIMIT_EXCEEDED');
    }
    if (error.type === 'entity.parse.failed') return sendError(response, 400, 'The request body is not valid JSON');
    const { status = 500 } = error;
    if (status >= 400 && status < 500) return sendError(response, status, 'The request could not be read');
    const requestId = requestIdOf(response);
    if (isDatabaseAway(error)) {
      log.warn({ err: error, requestId, path: request.path }, 'a request met no database');
      return sendTryAgain(response, 503, absenceSeconds, absenceMessage, 'UNAVAILABLE');
    }
    log.error({ err: error, requestId, path: request.path }, 'a request failed');
    sendError(response, 500, `Internal server error. The server's log has more about request ${requestId}`);
  };
}

/** With header Retry-After. @param seconds after which the same may be taken */
export function sendTryAgain(
  response: Response,
  status: 429 | 503,
  seconds: number,
  message: string,
  code: string,
): void {
  response.set('retry-after', String(seconds));
  sendError(response, status, message, code);
}

/** @param code as GraphQL's errors have it */
export function sendError(response: Response, status: number, message: string, code?: string): void {
  response.status(status).json({ errors: [code === undefined ? { message } : { message, extensions: { code } }] });
}
