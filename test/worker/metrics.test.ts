import { afterAll, beforeAll, expect, test } from 'vitest';
import { cancelRun, startRun } from '../../src/commands/run.ts';
import { everybodyIsLocal } from '../../src/server/auth/authenticator.ts';
import { openFront } from '../../src/server/front.ts';
import { createReadiness, serviceChecks } from '../../src/server/readiness.ts';
import { workerPort } from '../../src/server/workerPort.ts';
import { silent, type TestContext, testContext } from '../support/commandContext.ts';
import { parseExposition, sampleOf } from '../support/exposition.ts';
import { endedRun, smallConfig, trainableExperiment } from '../support/runs.ts';
import { type TestWorker, testWorker } from '../support/worker.ts';

let ctx: TestContext;
let worker: TestWorker;
let url: string;
let close: () => Promise<void>;
let drain: () => void;
beforeAll(async () => {
  ctx = await testContext();
  worker = await testWorker(ctx);
  const readiness = createReadiness(serviceChecks(ctx, worker.listener), { log: silent });
  const front = await openFront({ host: '127.0.0.1', port: 0 });
  front.serve(workerPort({ readiness, registry: worker.metrics.registry, ...everybodyIsLocal }));
  ({ url, close } = front);
  drain = readiness.drain;
});
afterAll(async () => {
  await close();
  await worker.stop();
  await ctx.close();
});

const patience = { timeout: 60_000, interval: 50 };

async function scrape() {
  const response = await fetch(`${url}/metrics`);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const families = parseExposition(await response.text());
  return (name: string, labels: Record<string, string> = {}) => sampleOf(families, `rungraph_${name}`, labels);
}

test('a worker counts its jobs and attempts, and tells of its devices and the runs in hand as long as they are', async () => {
  const experimentId = await trainableExperiment(ctx);
  const start = (part: string) => startRun(ctx, { experimentId, config: { ...smallConfig, weightsUri: part } });
  await endedRun(ctx, await start('succeed'));
  await endedRun(ctx, await start('fail'));
  const run = await start('steady 123.5');
  const waiting = await start('succeed');
  await expect.poll(async () => (await scrape())('training_images_per_second', { run }), patience).toBe(123.5);
  await expect
    .poll(async () => (await scrape())('trainer_resident_memory_bytes', { run }), patience)
    .toBeGreaterThan(10_000_000);

  const now = await scrape();
  expect(now('attempts_total', { status: 'SUCCEEDED', code: '' })).toBe(1);
  expect(now('attempts_total', { status: 'FAILED', code: 'DIVERGED' })).toBe(1);
  expect(now('job_duration_seconds_count', { kind: 'run', outcome: 'done' })).toBe(2);
  expect(now('queue_jobs', { kind: 'run', state: 'active' })).toBe(1);
  expect(now('queue_jobs', { kind: 'run', state: 'created' })).toBe(1);
  const total = now('device_memory_total_bytes', { index: '0' })!;
  expect(total).toBeGreaterThan(2 ** 28);
  expect(now('device_memory_used_bytes', { index: '0' })).toBeLessThan(total);
  expect(now('info', { role: 'worker', instance: worker.id })).toBe(1);

  await cancelRun(ctx, run);
  await endedRun(ctx, waiting);
  const later = await scrape();
  expect(later('training_images_per_second', { run })).toBeUndefined();
  expect(later('trainer_resident_memory_bytes', { run })).toBeUndefined();
  expect(later('attempts_total', { status: 'CANCELED' })).toBe(1);
  await expect.poll(async () => (await scrape())('job_duration_seconds_count', { outcome: 'done' }), patience).toBe(4);
});

test('its port says that it lives and is ready, and nothing else', async () => {
  const ask = async (path: string) => {
    const response = await fetch(url + path);
    return { status: response.status, body: (await response.json()) as object };
  };
  expect(await ask('/healthz')).toEqual({ status: 200, body: { status: 'ok' } });
  await expect
    .poll(() => ask('/readyz'), patience)
    .toMatchObject({ status: 200, body: { checks: { listener: 'ok' } } });
  expect((await ask('/graphql')).status).toBe(404);
  drain();
  expect(await ask('/readyz')).toMatchObject({ status: 503, body: { status: 'unavailable' } });
});
