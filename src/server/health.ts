import { Router as createRouter, type Router } from 'express';
import { version } from '../version.ts';
import type { Readiness } from './readiness.ts';

/** For whoever looks after the process, without credentials. GET /healthz: it lives. GET /readyz: it can work, or 503 with what keeps it from it. GET /version. */
export function healthRoutes(readiness: Readiness): Router {
  const router = createRouter();
  router.get('/healthz', (_request, response) => response.json({ status: 'ok' }));
  router.get('/version', (_request, response) => response.json({ name: 'rungraph', version }));
  router.get('/readyz', async (_request, response) => {
    const report = await readiness.report();
    response.status(report.status === 'ok' ? 200 : 503).json(report);
  });
  return router;
}
