import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRegistry } from '../../src/metrics/registry.ts';
import { closeCodeLabel, createServerMetrics, noName, otherNames } from '../../src/metrics/server.ts';
import { createWorkerMetrics } from '../../src/metrics/worker.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { eventually } from '../support/eventually.ts';
import { parseExposition, sampleOf } from '../support/exposition.ts';
import { attemptAt, epoch, leaves, queuedRun } from './fixtures.ts';
import { type Batch, follow, typesOf } from './follow.ts';

let server: ApiServer;
beforeAll(async () => {
  server = await apiServer();
});
afterAll(() => server.close());

async function scrape(of: ApiServer = server) {
  const response = await fetch(`${of.url}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  return parseExposition(await response.text());
}

describe('GET /metrics', () => {
  test('counts HTTP requests by route and status, and operations by type, name and outcome', async () => {
    await server.ask('query Names { experiments { nodes { name } } }');
    await server.ask('query Names { experiments { nodes { name } } }');
    await server.ask('{ __typename }');
    await server.ask(
      'mutation Make($name: String!) { createExperiment(input: { name: $name }) { experiment { id } } }',
      {
        name: 'counted',
      },
    );
    expect((await server.send('query Wrong { nothing }')).errors).toHaveLength(1);
    await fetch(`${server.url}/artifacts/art_1`);
    await fetch(`${server.url}/artifacts/art_2`);
    await fetch(`${server.url}/no/such/place/${'x'.repeat(100)}`);

    const families = await scrape();
    const operations = (labels: Record<string, string>) =>
      sampleOf(families, 'rungraph_graphql_operations_total', labels);
    expect(operations({ type: 'query', name: 'Names', outcome: 'ok' })).toBe(2);
    expect(operations({ type: 'query', name: noName, outcome: 'ok' })).toBe(1);
    expect(operations({ type: 'mutation', name: 'Make', outcome: 'ok' })).toBe(1);
    expect(operations({ outcome: 'error' })).toBe(1);
    expect(sampleOf(families, 'rungraph_graphql_errors_total', { code: 'GRAPHQL_VALIDATION_FAILED' })).toBe(1);
    const seconds = (suffix: string, labels: Record<string, string>) =>
      sampleOf(families, `rungraph_graphql_operation_duration_seconds_${suffix}`, labels);
    expect(seconds('count', { type: 'query', name: 'Names' })).toBe(2);
    expect(seconds('bucket', { type: 'query', name: 'Names', le: '+Inf' })).toBe(2);
    expect(seconds('sum', { type: 'query', name: 'Names' })).toBeGreaterThan(0);

    const requests = (labels: Record<string, string>) =>
      sampleOf(families, 'rungraph_http_request_duration_seconds_count', labels);
    expect(requests({ method: 'POST', route: '/graphql', status: '200' })).toBe(4);
    expect(requests({ method: 'GET', route: '/artifacts/:id', status: '404' })).toBe(2);
    expect(requests({ method: 'GET', route: '(none)', status: '404' })).toBe(1);
    // Every series says of which process it is.
    const { port } = new URL(server.url);
    for (const { samples } of families.values())
      for (const { labels } of [...samples.values()].flat()) expect(labels.instance).toMatch(new RegExp(`:${port}$`));
  });

  test('tells of the process, the pool and the queue', async () => {
    const families = await scrape();
    expect(sampleOf(families, 'rungraph_info', { role: 'server' })).toBe(1);
    expect(sampleOf(families, 'process_resident_memory_bytes')).toBeGreaterThan(1e7);
    expect(sampleOf(families, 'nodejs_eventloop_lag_seconds')).toBeGreaterThanOrEqual(0);
    const { pool } = server.context.db;
    expect(sampleOf(families, 'rungraph_database_connections')).toBe(pool.totalCount);
    expect(sampleOf(families, 'rungraph_database_waiting')).toBe(0);
    await server.context.db.prisma.$transaction((tx) =>
      server.context.queue.enqueue(tx, 'run', { runId: 'run_1' }, { runId: 'run_2' }),
    );
    expect(sampleOf(await scrape(), 'rungraph_queue_jobs', { kind: 'run', state: 'created' })).toBe(2);
  });

  test('counts sockets, running subscriptions and the events they were given, until the socket closes', async () => {
    const { context } = server;
    const { createExperiment } = await server.ask(
      'mutation ($input: CreateExperimentInput!) { createExperiment(input: $input) { experiment { id } } }',
      { input: { name: 'watched', datasetId: await leaves(context, 'leaves of metrics') } },
    );
    const runId = await queuedRun(context, createExperiment.experiment.id);
    const client = server.connect();
    const watched = follow<Batch>(
      client,
      'subscription Watch($id: ID!) { runEvents(runId: $id) { cursor events { __typename cursor } } }',
      { id: runId },
    );
    const attempt = await attemptAt(context, runId);
    await attempt.tell([epoch(0, 0.5), epoch(1, 0.25)]);
    const types = ['RunStatusChanged', 'RunStatusChanged', 'EpochCompleted', 'EpochCompleted'];
    await watched.until((batches) => typesOf(batches).length >= 2 && typesOf(batches).includes('EpochCompleted'));
    await eventually(async () => {
      const families = await scrape();
      expect(sampleOf(families, 'rungraph_websocket_connections')).toBe(1);
      expect(sampleOf(families, 'rungraph_graphql_subscriptions', { field: 'runEvents' })).toBe(1);
      expect(sampleOf(families, 'rungraph_run_events_delivered_total')).toBe(typesOf(watched.values).length);
      expect(typesOf(watched.values).filter((type) => type === 'EpochCompleted')).toHaveLength(2);
    });
    expect(new Set(typesOf(watched.values))).toEqual(new Set(types));
    await client.dispose();
    await eventually(async () => {
      const families = await scrape();
      expect(sampleOf(families, 'rungraph_websocket_connections')).toBe(0);
      expect(sampleOf(families, 'rungraph_graphql_subscriptions', { field: 'runEvents' })).toBe(0);
      expect(sampleOf(families, 'rungraph_websocket_closes_total', { code: '1000' })).toBe(1);
      const ended = { type: 'subscription', name: 'Watch', outcome: 'ok' };
      expect(sampleOf(families, 'rungraph_graphql_operations_total', ended)).toBe(1);
    });
  });

  test('is there while the database is away', async () => {
    const alone = await apiServer();
    await alone.context.db.close();
    const families = await scrape(alone);
    expect(sampleOf(families, 'rungraph_queue_jobs')).toBeUndefined();
    expect(sampleOf(families, 'rungraph_info')).toBe(1);
    await alone.close();
  });
});

test('labels that clients choose are bounded', () => {
  const metrics = createServerMetrics(createRegistry('server', 'here:1', server.context.db));
  const labels = Array.from({ length: 1000 }, (_, i) => metrics.nameLabel(`Name${i}`));
  expect(new Set(labels).size).toBe(101);
  expect(labels.at(-1)).toBe(otherNames);
  expect(metrics.nameLabel('Name5')).toBe('Name5');
  const codes = new Set(Array.from({ length: 5000 }, (_, code) => closeCodeLabel(code)));
  expect([...codes].filter((code) => Number(code) >= 3000).length).toBeLessThanOrEqual(100);
});

test('the README lists every metric of ours with its labels', async () => {
  const server = createRegistry('server', 'here:1', {
    pool: { totalCount: 0, idleCount: 0, waitingCount: 0 },
  } as never);
  createServerMetrics(server);
  const worker = createRegistry('worker', 'wrk_1', { pool: { totalCount: 0, idleCount: 0, waitingCount: 0 } } as never);
  createWorkerMetrics(worker);
  const families = [...server.getMetricsAsArray(), ...worker.getMetricsAsArray()].filter(({ name }) =>
    name.startsWith('rungraph_'),
  );
  const rows = new Map(
    families.map(({ name, help, type, ...rest }) => {
      const { labelNames = [] } = rest as { labelNames?: string[] }; // missing in the types
      const labels = labelNames.filter((label) => label !== 'le').map((label) => `\`${label}\``);
      return [name, `| \`${name}\` | ${type} | ${labels.join(', ')} | ${help} |`];
    }),
  );
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  expect(readme.match(/^\| `rungraph_\w+` .*$/gm)).toEqual([...rows.values()]);
});
