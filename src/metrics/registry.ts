/** Numbers of one process for Prometheus (text exposition format 0.0.4), and those that server and worker have in common. */

import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Database } from '../db/database.ts';
import { countJobs } from '../queue/jobCounts.ts';
import { version } from '../version.ts';

/**
 * The registry of a process, with what prom-client measures of Node itself. Every series carries `instance`, so that those of several
 * processes stay apart wherever they are put together.
 */
export function createRegistry(role: 'server' | 'worker', instance: string, db: Pick<Database, 'pool'>): Registry {
  const { pool } = db;
  const registry = new Registry();
  const registers = [registry];
  registry.setDefaultLabels({ instance });
  collectDefaultMetrics({ register: registry });
  new Gauge({
    ...{
      name: 'rungraph_info',
      help: 'Always 1; the labels say which program this is.',
      labelNames: ['role', 'version'],
    },
    registers,
  }).set({ role, version }, 1);
  new Gauge({
    ...{ name: 'rungraph_database_connections', help: 'Connections of the pool.', labelNames: ['state'], registers },
    collect() {
      this.set({ state: 'idle' }, pool.idleCount);
      this.set({ state: 'busy' }, pool.totalCount - pool.idleCount);
    },
  });
  new Gauge({
    ...{ name: 'rungraph_database_waiting', help: 'Queries that wait for a connection of the pool.', registers },
    collect() {
      this.set(pool.waitingCount);
    },
  });
  new Gauge({
    name: 'rungraph_queue_jobs',
    help: 'Jobs of the whole installation by kind and state: every process tells the same. None while the database is away.',
    ...{ labelNames: ['kind', 'state'], registers },
    async collect() {
      const counts = await countJobs(db).catch(() => []);
      this.reset();
      for (const { kind, state, count } of counts) this.set({ kind, state }, count);
    },
  });
  return registry;
}

/** Upper bounds in seconds: from a cached answer to a request that is given up. */
export const requestSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
