import { Router as createRouter, type Router } from 'express';
import type { Services } from '../graphql/context.ts';
import { readMigrations } from '../store/installation.ts';
import { version } from '../version.ts';

/**
 * GET /healthz: the process lives. GET /readyz: it can work, that is the database answers and has every migration; otherwise
 * 503 with the reason. GET /version.
 */
export function healthRoutes({ commands: { db }, log }: Services): Router {
  const router = createRouter();
  router.get('/healthz', (_request, response) => response.json({ status: 'ok' }));
  router.get('/version', (_request, response) => response.json({ name: 'rungraph', version }));
  router.get('/readyz', async (_request, response) => {
    const problem = await readMigrations(db.prisma).then(
      ({ missing }) => (missing.length ? `the database lacks the migrations ${missing.join(', ')}` : null),
      (error: unknown) => {
        log.warn({ err: error }, 'the database does not answer');
        return 'the database does not answer';
      },
    );
    response.status(problem ? 503 : 200).json(problem ? { status: 'unavailable', problem } : { status: 'ok' });
  });
  return router;
}
