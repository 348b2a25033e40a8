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
 * like. Uploads have a limit of their own.
 */
export function bodyDeadline(ms: number): RequestHandler {
  return (request, response, next) => {
    const { 'content-length': length, 'transfer-encoding': chunked } = request.headers;
    if (length === undefined && chunked === undefined) return next();
    const timer = setTimeout(() => {
      if (request.complete) return;
      if (response.headersSent) return void request.destroy();
      response.set('connection', 'close');
      response.once('finish', () => request.destroy());
      sendError(response, 408, `The request did not arrive within ${ms / 1000} s`);
    }, ms);
    request.once('close', () => clearTimeout(timer));
    next();
  };
}

/** The handler for all paths but `path` and those below it. */
export function exceptAt(path: string, handler: RequestHandler): RequestHandler {
  return (request, response, next) =>
    `${request.path}/`.startsWith(`${path}/`) ? next() : handler(request, response, next);
}
