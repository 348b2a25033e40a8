/** Reading what a request carries: in time, not too much of it, and as text that is what it says it is. */

import { isUtf8 } from 'node:buffer';
import express, { type RequestHandler } from 'express';
import { refuse } from '../errors.ts';
import { sendError } from './requests.ts';

/** A JSON body in UTF-8 of at most so many bytes, unpacked. */
export function jsonBody(maxBytes: number): RequestHandler {
  return express.json({
    limit: maxBytes,
    verify: (_request, _response, bytes, charset) => {
      if (!/^utf-?8$/i.test(charset)) throw refuse('INVALID', `the body must be UTF-8, not ${charset}`);
      if (!isUtf8(bytes)) throw refuse('INVALID', 'the body is not valid UTF-8');
    },
  });
}

/**
 * Ends requests whose body has not arrived whole after `ms`: who sends a byte now and then would keep a connection as long as they
 * like.
 */
export function bodyDeadline(ms: number): RequestHandler {
  return (request, response, next) => {
    if (request.headers['content-length'] === undefined && request.headers['transfer-encoding'] === undefined) {
      return next();
    }
    const timer = setTimeout(() => {
      if (request.complete) return;
      if (response.headersSent) return void request.destroy();
      response.set('connection', 'close');
      sendError(response, 408, `The request did not arrive within ${Math.round(ms / 1000)} s`);
      response.once('finish', () => request.destroy());
    }, ms);
    request.once('end', () => clearTimeout(timer));
    request.once('close', () => clearTimeout(timer));
    next();
  };
}

/** Leaves the paths below one out. */
export function exceptAt(prefix: string, handler: RequestHandler): RequestHandler {
  return (request, response, next) => {
    if (request.path === prefix || request.path.startsWith(`${prefix}/`)) next();
    else handler(request, response, next);
  };
}
