/** A server that is told to stop while much is in flight. */

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type ClientRequest, get, type IncomingMessage, request } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import WebSocket from 'ws';
import { createLocalStore } from '../../src/blobs/localStore.ts';
import { appendEvents } from '../../src/store/event.ts';
import { experimentOf, testId, testRun } from '../support/catalogue.ts';
import { testDatabase } from '../support/database.ts';
import { type ServerProcess, startServerProcess } from '../support/serverProcess.ts';

const patience = { timeout: 60_000, interval: 20 };
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

test('answers, uploads and downloads in flight end, sockets close with 1001 after their last event, who does not read is cut off', async () => {
  const database = await testDatabase();
  const folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-drain-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
  const blobs = path.join(folder, 'blobs');
  const server: ServerProcess = await startServerProcess({
    ...{ DATABASE_URL: database.url, RUNGRAPH_HOME: path.join(folder, 'home'), RUNGRAPH_BLOBS: blobs },
  });
  cleanups.push(async () => {
    server.child.kill('SIGKILL');
    await server.finished;
  });

  // A file larger than what sockets hold, and a run that is being watched.
  const content = randomBytes(32 * 2 ** 20);
  const { hash: contentHash, size } = await createLocalStore(blobs).put(content);
  const runId = await testRun(database.prisma, await experimentOf(database.prisma, null), { status: 'RUNNING' });
  const artifactId = testId('artifact');
  await database.prisma.artifact.create({
    data: { id: artifactId, runId, kind: 'WEIGHTS', name: 'weights.safetensors', size: BigInt(size), contentHash },
  });
  const tell = (line: string) =>
    database.prisma.$transaction((tx) =>
      appendEvents(tx, runId, [{ kind: 'LOG', stream: 'stdout', line }], new Date()),
    );

  const download = await startDownload(`${server.url}/artifacts/${artifactId}`);
  const hung = await startDownload(`${server.url}/artifacts/${artifactId}`);
  const archive = randomBytes(100_000);
  const upload = request(`${server.url}/uploads`, {
    method: 'POST',
    headers: { 'content-type': 'application/zip', 'content-length': archive.length },
  });
  upload.write(archive.subarray(0, 50_000));
  const answered = once(upload, 'response') as Promise<[IncomingMessage]>;
  const socket = await watch(server, runId);
  await tell('first');
  await expect.poll(() => socket.lines, patience).toEqual(['first']);
  const locker = await database.pool.connect();
  await locker.query('begin');
  await locker.query('lock table dataset');
  const pending = server.ask('query Slow { datasets { nodes { id } } }');
  const waiting = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
  await expect.poll(async () => (await database.pool.query(waiting)).rows.length, patience).toBe(1);
  await tell('last');
  await expect.poll(() => socket.lines, patience).toEqual(['first', 'last']);

  server.child.kill('SIGTERM');
  expect(await socket.closed).toEqual({ code: 1001, lines: ['first', 'last'] });
  await expect.poll(server.ready, patience).toEqual({ status: 0, checks: {} }); // nobody takes new connections

  await locker.query('commit');
  locker.release();
  expect(await pending).toEqual({ datasets: { nodes: [] } });
  upload.end(archive.subarray(50_000));
  const [stored] = await answered;
  expect(stored.statusCode).toBe(201);
  expect(JSON.parse(String(Buffer.concat(await stored.toArray())))).toMatchObject({
    ...{ size: archive.length, contentHash: createHash('sha256').update(archive).digest('hex') },
  });
  const received = Buffer.concat(await download.response.toArray());
  expect(received.equals(content)).toBe(true);

  // All but one have what they came for: that one is cut off when its time is over.
  expect((await server.finished).status).toBe(0);
  await expect(hung.response.toArray()).rejects.toThrow(/aborted|reset/);
  const operations = server
    .output()
    .split('\n')
    .filter((line) => line.includes('"operationName":"Slow"'));
  expect(operations).toHaveLength(1);
});

/** A download whose first bytes have come and which reads no further. */
async function startDownload(url: string): Promise<{ request: ClientRequest; response: IncomingMessage }> {
  const asked = get(url);
  asked.on('error', () => {});
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  expect(response.statusCode).toBe(200);
  await once(response, 'readable');
  response.pause();
  return { request: asked, response };
}

async function watch(server: ServerProcess, runId: string) {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  await once(socket, 'open');
  const lines: string[] = [];
  socket.on('message', (data) => {
    const { payload } = JSON.parse(String(data)) as {
      payload?: { data?: { runEvents: { events: { line?: string }[] } } };
    };
    for (const { line } of payload?.data?.runEvents.events ?? []) if (line) lines.push(line);
  });
  const closed = once(socket, 'close').then(([code]) => ({ code: code as number, lines }));
  socket.send(JSON.stringify({ type: 'connection_init' }));
  await once(socket, 'message'); // connection_ack
  const query = `subscription { runEvents(runId: "${runId}") { events { ... on LogLine { line } } } }`;
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }));
  return { lines, closed };
}
