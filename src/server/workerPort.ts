import type { RequestListener, ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import type { Readiness } from './readiness.ts';

/** What a worker answers on its port: GET /healthz, /readyz and /metrics, as a server does. */
export function workerPort({
  readiness,
  registry,
}: {
  readonly readiness: Readiness;
  readonly registry: Registry;
}): RequestListener {
  const answer = async (url: string | undefined, response: ServerResponse): Promise<void> => {
    switch (url?.split('?')[0]) {
      case '/healthz':
        return sendJson(response, 200, { status: 'ok' });
      case '/readyz': {
        const report = await readiness.report();
        return sendJson(response, report.status === 'ok' ? 200 : 503, report);
      }
      case '/metrics':
        response.setHeader('content-type', registry.contentType);
        response.end(await registry.metrics());
        return;
      default:
        sendJson(response, 404, { errors: [{ message: 'A worker has /healthz, /readyz and /metrics' }] });
    }
  };
  return (request, response) => {
    response.setHeader('x-content-type-options', 'nosniff');
    answer(request.url, response).catch(() => sendJson(response, 500, { errors: [{ message: 'Internal error' }] }));
  };
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
