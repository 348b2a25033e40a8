import { readdirSync } from 'node:fs';
import { Router as createRouter, type Router } from 'express';
import type { Services } from '../graphql/context.ts';
import { readInstallation } from '../store/installation.ts';
import { version } from '../version.ts';

/** Names of the migrations this program knows. */
const migrations = readdirSync(new URL('../../prisma/migrations', import.meta.url), { withFileTypes: true })
  .flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
  .sort();

/**
 * GET /healthz: the process lives. GET /readyz: it can work, that is the database answers and has every migration; otherwise
 * 503 with the reason. GET /version.
 */
export function healthRoutes({ commands: { db }, log }: Services): Router {
  const router = createRouter();
  router.get('/healthz', (_request, response) => response.json({ status: 'ok' }));
  router.get('/version', (_request, response) => response.json({ name: 'rungraph', version }));
  router.get('/readyz', async (_request, response) => {
    const problem = await readInstallation(db.prisma).then(
      (installation) => missing(installation.migrations),
      (error: unknown) => {
        log.warn({ err: error }, 'the database does not answer');
        return 'the database does not answer';
      },
    );
    response.status(problem ? 503 : 200).json(problem ? { status: 'unavailable', problem } : { status: 'ok' });
  });
  return router;
}

function missing(applied: readonly string[]): string | null {
  const names = migrations.filter((name) => !applied.includes(name));
  return names.length ? `the database lacks the migrations ${names.join(', ')}` : null;
}
