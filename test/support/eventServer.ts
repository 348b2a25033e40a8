/** A server that can be stopped and started again on its port, with pool, LISTEN connection and hub of its own each time. */

import { openDatabase } from '../../src/db/database.ts';
import { createListener } from '../../src/db/listener.ts';
import { createRunEventHub, type RunEventHub } from '../../src/events/hub.ts';
import { createLogger } from '../../src/log.ts';
import { type RunningServer, startServer } from '../../src/server/server.ts';
import { type SocketLimits, socketLimits } from '../../src/server/socket.ts';
import { openAccess } from './apiServer.ts';
import type { TestContext } from './commandContext.ts';

export interface EventServer extends RunningServer {
  readonly hub: RunEventHub;
  /** Callbacks at the LISTEN connection. */
  listeners(): number;
  /** What it logged, newest last. */
  readonly logged: Readonly<Record<string, unknown>>[];
}

export interface EventServerOptions {
  /** 0: any free one. */
  readonly port?: number;
  readonly limits?: Partial<SocketLimits>;
}

export async function eventServer(
  context: TestContext,
  { port = 0, limits = {} }: EventServerOptions = {},
): Promise<EventServer> {
  const db = await openDatabase(context.url);
  const listener = createListener(context.url);
  let listeners = 0;
  const counting: typeof listener = {
    ...listener,
    listen(channel, callback) {
      listeners++;
      const stop = listener.listen(channel, callback);
      let stopped = false;
      return () => {
        if (!stopped) listeners--;
        stopped = true;
        stop();
      };
    },
  };
  const hub = createRunEventHub(db, counting, { pollMs: 200, heartbeatMs: 200 });
  const logged: Record<string, unknown>[] = [];
  const server = await startServer({
    config: { host: '127.0.0.1', port, access: openAccess },
    commands: { ...context, db },
    hub,
    listener: counting,
    log: createLogger('server', 'info', { write: (line: string) => logged.push(JSON.parse(line)) }),
    socketLimits: { ...socketLimits, ...limits },
  });
  return {
    ...server,
    hub,
    listeners: () => listeners,
    logged,
    stop: async () => {
      await server.stop();
      hub.close();
      await listener.close();
      await db.close();
    },
  };
}
