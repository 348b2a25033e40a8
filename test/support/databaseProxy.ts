import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type Relay, startRelay } from './relay.ts';

export interface DatabaseProxy extends Relay {
  /** The database as it is reached through the proxy. */
  readonly url: string;
}

/** A relay before a database server with a unix socket, to take it away from one process alone. */
export async function databaseProxy(databaseUrl: string): Promise<DatabaseProxy> {
  const url = new URL(databaseUrl);
  const name = `.s.PGSQL.${url.port || 5432}`;
  const target = path.join(url.searchParams.get('host')!, name);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-proxy-'));
  const relay = await startRelay({ path: path.join(folder, name) }, { path: target });
  const { close } = relay;
  url.searchParams.set('host', folder);
  return Object.assign(relay, {
    url: url.href,
    close: async () => {
      await close();
      await rm(folder, { recursive: true, force: true });
    },
  });
}
