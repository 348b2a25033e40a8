import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { absenceMessage, absenceSeconds, isDatabaseAway } from '../domain/absence.ts';
import { allows } from '../domain/viewer.ts';
import { type Authenticator, UnauthenticatedError } from './auth/authenticator.ts';
import { createClientReader } from './auth/client.ts';
import type { Readiness } from './readiness.ts';

/** What a worker answers on its port: GET /healthz, /readyz and, with the scope READ, /metrics, as a server does. */
export function workerPort({
  readiness,
  registry,
  identify,
}: {
  readonly readiness: Readiness;
  readonly registry: Registry;
  readonly identify: Authenticator['identify'];
}): RequestListener {
  const readClient = createClientReader([]);
  const mayRead = async (request: IncomingMessage): Promise<boolean> => {
    try {
      return allows((await identify(request, readClient(request)))?.scopes ?? [], 'READ');
    } catch (error) {
      if (error instanceof UnauthenticatedError) return false;
      throw error;
    }
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    switch (request.url?.split('?')[0]) {
      case '/healthz':
        return sendJson(response, 200, { status: 'ok' });
      case '/readyz': {
        const report = await readiness.report();
        return sendJson(response, report.status === 'ok' ? 200 : 503, report);
      }
      case '/metrics':
        if (!(await mayRead(request))) {
          response.setHeader('www-authenticate', 'Bearer realm="rungraph"');
          return sendJson(response, 401, { errors: [{ message: 'This needs an API key with READ' }] });
        }
        response.setHeader('content-type', registry.contentType);
        response.end(await registry.metrics());
        return;
      default:
        sendJson(response, 404, { errors: [{ message: 'A worker has /healthz, /readyz and /metrics' }] });
    }
  };
  return (request, response) => {
    response.setHeader('x-content-type-options', 'nosniff');
    answer(request, response).catch((error: unknown) => {
      if (!isDatabaseAway(error)) return sendJson(response, 500, { errors: [{ message: 'Internal error' }] });
      response.setHeader('retry-after', String(absenceSeconds));
      sendJson(response, 503, { errors: [{ message: absenceMessage, extensions: { code: 'UNAVAILABLE' } }] });
    });
  };
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
