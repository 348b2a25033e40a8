import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

export interface DatabaseProxy {
  /** The database as it is reached through the proxy. */
  readonly url: string;
  /** Breaks every connection and lets no new one through, or lets them through again. */
  block(blocked: boolean): void;
  /** Connections that were not let through. */
  readonly refused: number;
  close(): Promise<void>;
}

/** A relay before a database server with a unix socket, to take it away from one process alone. */
export async function databaseProxy(databaseUrl: string): Promise<DatabaseProxy> {
  const url = new URL(databaseUrl);
  const name = `.s.PGSQL.${url.port || 5432}`;
  const target = path.join(url.searchParams.get('host')!, name);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-proxy-'));
  const sockets = new Set<net.Socket>();
  let blocked = false;
  let refused = 0;
  const relay = (from: net.Socket, to: net.Socket) => {
    sockets.add(from);
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
  };
  const server = net.createServer((client) => {
    if (blocked) {
      refused++;
      client.destroy();
      return;
    }
    const upstream = net.connect(target);
    relay(client, upstream);
    relay(upstream, client);
  });
  await new Promise<void>((resolve) => server.listen(path.join(folder, name), resolve));
  url.searchParams.set('host', folder);
  return {
    url: url.href,
    get refused() {
      return refused;
    },
    block(value) {
      blocked = value;
      if (blocked) for (const socket of sockets) socket.destroy();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
