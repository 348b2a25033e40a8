import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import WebSocket from 'ws';
import { createListener } from '../../src/db/listener.ts';
import { createRunEventHub } from '../../src/events/hub.ts';
import { startServer } from '../../src/server/server.ts';
import { apiServer, openAccess } from '../support/apiServer.ts';
import { silent } from '../support/commandContext.ts';
import { eventually } from '../support/eventually.ts';

test('a port in use is named with what to do about it', async () => {
  const server = await apiServer();
  const { port } = new URL(server.url);
  const listener = createListener(server.context.url);
  const hub = createRunEventHub(server.context.db, listener);
  const config = { host: '127.0.0.1', port: Number(port), access: openAccess };
  await expect(startServer({ config, commands: server.context, hub, listener, log: silent })).rejects.toMatchObject({
    name: 'StartupError',
    message: `127.0.0.1:${port} is in use. Stop the program that listens there, or set PORT to a free port`,
  });
  const elsewhere = { host: '192.0.2.1', port: 0, access: { ...openAccess, authenticated: true } };
  await expect(
    startServer({ config: elsewhere, commands: server.context, hub, listener, log: silent }),
  ).rejects.toMatchObject({ name: 'StartupError', message: expect.stringContaining('Set HOST') });
  hub.close();
  await listener.close();
  await server.close();
});

test('stopping finishes requests in progress, closes sockets with 1001 and takes nothing new', async () => {
  const server = await apiServer();
  const { pool } = server.context.db;

  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  await once(socket, 'open');
  const closed = once(socket, 'close');
  const idleClosed = once(await connect(server.url), 'close');

  // A request that waits for a table which somebody has locked.
  const locker = await pool.connect();
  await locker.query('begin');
  await locker.query('lock table dataset');
  const pending = server.ask('{ datasets { nodes { id } } }');
  await eventually(async () => {
    const waiting = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    const { rows } = await pool.query(waiting);
    expect(rows.length).toBe(1);
  });

  const stopped = server.stopServer();
  expect((await closed)[0]).toBe(1001);
  await idleClosed;
  await expect(fetch(`${server.url}/healthz`)).rejects.toThrow('fetch failed');
  await locker.query('commit');
  locker.release();
  expect(await pending).toEqual({ datasets: { nodes: [] } });
  await stopped;
  await server.close();
});

test('a database that is away makes it unready, not dead', async () => {
  const server = await apiServer();
  await server.context.db.close();
  const [health, ready] = await Promise.all([fetch(`${server.url}/healthz`), fetch(`${server.url}/readyz`)]);
  expect(health.status).toBe(200);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({
    status: 'unavailable',
    checks: { database: 'PostgreSQL does not answer', blobs: 'ok' },
  });
  const { errors } = await server.send('{ workers { id } }');
  expect(errors[0]!.message).toContain('Internal server error');
  await server.close();
});

/** A connection that has had one answer and is kept alive. */
async function connect(url: string): Promise<Socket> {
  const { port } = new URL(url);
  const socket = createConnection(Number(port), '127.0.0.1');
  socket.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await once(socket, 'data');
  return socket;
}
