import { afterAll, beforeAll, expect, test } from 'vitest';
import { beginAttempt, settleAttempt } from '../../src/commands/attempt.ts';
import { startRun } from '../../src/commands/run.ts';
import { registerWorker } from '../../src/commands/worker.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { experimentOf } from '../support/catalogue.ts';
import { leaves, smallConfig, testWorker } from './fixtures.ts';
import { type Batch, eventsOf, follow } from './follow.ts';

let server: ApiServer;
let experimentId: string;
beforeAll(async () => {
  server = await apiServer();
  experimentId = await experimentOf(server.context.db.prisma, await leaves(server.context, 'leaves'));
});
afterAll(() => server.close());

const failure = { code: 'DIVERGED', message: 'the loss became NaN', retryable: false } as const;
const events = `subscription ($id: ID!, $after: String) {
  runEvents(runId: $id, after: $after) { cursor events { ... on RunStatusChanged { status } } }
}`;
const retry = `mutation ($id: ID!) {
  retryRun(id: $id) { run { status failure { code } finishedAt } userErrors { code message path } }
}`;
const statusesOf = (batches: readonly Batch[]) =>
  (eventsOf(batches) as unknown as { status?: string }[]).flatMap(({ status }) => status ?? []);

/** An attempt at the run that fails. */
async function fail(runId: string): Promise<void> {
  const ctx = server.context;
  const workerId = await registerWorker(ctx, { ...testWorker, devices: [] });
  const { attempt } = (await beginAttempt(ctx, { runId, workerId, redelivered: false }))!;
  await settleAttempt(ctx, { runId, attempt }, { status: 'FAILED', failure });
}

test('a run that is tried again: streams that have ended stay ended, new ones tell the rest', async () => {
  const runId = await startRun(server.context, { experimentId, config: { ...smallConfig, pretrained: false } });
  const client = server.connect();
  const first = follow<Batch>(client, events, { id: runId });
  await fail(runId);
  await first.ended;
  expect(statusesOf(first.values)).toEqual(['QUEUED', 'RUNNING', 'FAILED']);

  const { retryRun } = await server.ask(retry, { id: runId });
  expect(retryRun).toEqual({ run: { status: 'QUEUED', failure: null, finishedAt: null }, userErrors: [] });
  const cursor = first.values.at(-1)!.cursor;
  const rest = follow<Batch>(client, events, { id: runId, after: cursor });
  const all = follow<Batch>(client, events, { id: runId });
  await all.until((batches) => statusesOf(batches).length === 4);
  await fail(runId);
  await Promise.all([rest.ended, all.ended]);
  expect(statusesOf(rest.values)).toEqual(['QUEUED', 'RUNNING', 'FAILED']);
  expect(statusesOf(all.values)).toEqual(['QUEUED', 'RUNNING', 'FAILED', 'QUEUED', 'RUNNING', 'FAILED']);
  expect(statusesOf(first.values)).toHaveLength(3);
});

test('a refusal names the run', async () => {
  const { retryRun } = await server.ask(retry, { id: 'run_gone' });
  expect(retryRun).toEqual({
    run: null,
    userErrors: [{ code: 'NOT_FOUND', message: expect.stringContaining('run_gone'), path: ['id'] }],
  });
});
