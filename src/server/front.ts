/** The port: taken first, so that whoever asks while the rest starts is told so, and given up last. */

import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StartupError } from '../errors.ts';

/** Milliseconds within which the headers of a request must have arrived. */
const headersTime = 10_000;

export interface Front {
  readonly http: Server;
  readonly port: number;
  /** Without a slash at the end, e.g. `http://127.0.0.1:4000`. */
  readonly url: string;
  /** Hands requests to `handler` from now on. Before, /healthz answers 200 and all else 503. */
  serve(handler: RequestListener): void;
  /** For a start that has failed: connections are cut. */
  close(): Promise<void>;
}

/**
 * @param place.port 0: any free one
 * @param variable names the port in refusals
 * @throws StartupError when it cannot listen there
 */
export async function openFront(
  { host, port }: { readonly host: string; readonly port: number },
  variable = 'PORT',
): Promise<Front> {
  let handle: RequestListener = answerStarting;
  // Uploads take long, so requests as a whole have no deadline here: `bodyDeadline` is that of all others.
  const timeouts = { headersTimeout: headersTime, requestTimeout: 0, connectionsCheckingInterval: headersTime / 4 };
  const http = createServer(timeouts, (request, response) => handle(request, response));
  await listen(http, host, port, variable);
  const address = http.address() as AddressInfo;
  return {
    http,
    port: address.port,
    url: urlOf(address),
    serve(handler) {
      handle = handler;
    },
    close: async () => {
      const closed = new Promise((resolve) => http.close(resolve));
      http.closeAllConnections();
      await closed;
    },
  };
}

const answerStarting: RequestListener = (request, response) => {
  const lives = request.url === '/healthz';
  const problem = 'this process is starting';
  const body = lives ? { status: 'ok' } : { status: 'unavailable', checks: { starting: problem } };
  // Not kept alive: what stops the server later looks after connections that came once it served.
  response.writeHead(lives ? 200 : 503, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify(body));
};

function listen(http: Server, host: string, port: number, variable: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => reject(listenProblem(error, `${host}:${port}`, variable));
    http.once('error', onError);
    http.listen(port, host, () => {
      http.off('error', onError);
      resolve();
    });
  });
}

function listenProblem(error: NodeJS.ErrnoException, place: string, variable: string): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new StartupError(
        `${place} is in use. Stop the program that listens there, or set ${variable} to a free port`,
      );
    case 'EACCES':
      return new StartupError(`This user may not listen on ${place}. Set ${variable} to one above 1023`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new StartupError(`${place} is no address of this machine. Set HOST to one, e.g. 127.0.0.1 or 0.0.0.0`);
    default:
      return error;
  }
}

function urlOf({ address, family, port }: AddressInfo): string {
  if (address === '0.0.0.0' || address === '::') return `http://localhost:${port}`;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
