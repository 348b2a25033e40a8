import { type Client, type ClientOptions, createClient } from 'graphql-ws';
import WebSocket from 'ws';
import type { AccessConfig } from '../../src/config.ts';
import { createListener } from '../../src/db/listener.ts';
import type { Limits } from '../../src/domain/limits.ts';
import { createRunEventHub, type RunEventHub } from '../../src/events/hub.ts';
import { createLogger } from '../../src/log.ts';
import { type RunningServer, startServer } from '../../src/server/server.ts';
import { type SocketLimits, socketLimits } from '../../src/server/socket.ts';
import { type TestContext, testContext } from './commandContext.ts';

export interface GraphqlError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
  readonly data: any;
  readonly errors: readonly GraphqlError[];
}

export interface ApiServer {
  readonly url: string;
  readonly context: TestContext;
  readonly hub: RunEventHub;
  /** Streams of run events that somebody reads. */
  openStreams(): number;
  /** What the server logged, newest last. */
  readonly logged: Readonly<Record<string, unknown>>[];
  /** Over HTTP; errors are part of the answer. */
  send(query: string, variables?: object, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Over HTTP; the data, or a failed test. */
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
  ask(query: string, variables?: object, headers?: Readonly<Record<string, string>>): Promise<any>;
  /** A graphql-ws client that does not reconnect by itself; disposed with the server. */
  connect(options?: Partial<ClientOptions>): Client;
  /** What clients of WebSockets hold now. */
  usage: RunningServer['usage'];
  stopServer(): Promise<void>;
  close(): Promise<void>;
}

/** Nobody is asked who he is. */
export const openAccess: AccessConfig = { authenticated: false, allowedHosts: [], corsOrigins: [], trustedProxies: [] };

export interface ApiServerOptions {
  readonly access?: Partial<AccessConfig>;
  readonly introspection?: boolean;
  /** Those that are not the usual ones. */
  readonly limits?: Partial<Limits>;
  readonly socketLimits?: Partial<SocketLimits>;
  /** Of another server, which closes it; left out: one of its own. */
  readonly context?: TestContext;
}

/** A server on a free port, over a database, queue and blob folder of its own. */
export async function apiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const context = options.context ?? (await testContext());
  const listener = createListener(context.url);
  const hub = createRunEventHub(context.db, listener, { pollMs: 500, heartbeatMs: 300 });
  const logged: Record<string, unknown>[] = [];
  const log = createLogger('server', 'info', { write: (line: string) => logged.push(JSON.parse(line)) });
  const open = new Set<AsyncIterator<unknown>>();
  const countingHub: RunEventHub = {
    ...hub,
    subscribe: (options) => {
      const stream = hub.subscribe(options);
      open.add(stream);
      return {
        next: async () => {
          try {
            const step = await stream.next();
            if (step.done) open.delete(stream);
            return step;
          } catch (error) {
            open.delete(stream); // what has thrown has ended
            throw error;
          }
        },
        return: async () => {
          const end = await stream.return!();
          open.delete(stream);
          return end;
        },
        [Symbol.asyncIterator]() {
          return this;
        },
      };
    },
  };
  const access = { ...openAccess, ...options.access };
  const config = {
    host: '127.0.0.1',
    port: 0,
    access,
    introspection: options.introspection,
    limits: options.limits ?? {},
  };
  const server = await startServer({
    ...{ config, commands: context, hub: countingHub, listener, log },
    socketLimits: { ...socketLimits, ...options.socketLimits },
  });
  // It is ready from the first request on.
  await listener.ready();
  const clients: Client[] = [];

  const send: ApiServer['send'] = async (query, variables = {}, more = {}) => {
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...more },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors = [] } = (await response.json()) as { data: unknown; errors?: GraphqlError[] };
    return { status: response.status, headers: response.headers, data, errors };
  };
  return {
    url: server.url,
    context,
    hub,
    openStreams: () => open.size,
    logged,
    send,
    ask: async (query, variables, headers) => {
      const { data, errors } = await send(query, variables, headers);
      if (errors.length) throw new Error(`${query}\n${JSON.stringify(errors, null, 2)}`);
      return data;
    },
    connect: (more) => {
      const url = `${server.url.replace('http', 'ws')}/graphql`;
      const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0, ...more });
      clients.push(client);
      return client;
    },
    usage: server.usage,
    stopServer: server.stop,
    close: async () => {
      for (const client of clients) await client.dispose();
      await server.stop();
      hub.close();
      await listener.close();
      if (!options.context) await context.close();
    },
  };
}
