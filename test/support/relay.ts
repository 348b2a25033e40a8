import { once } from 'node:events';
import net from 'node:net';

export interface Relay {
  readonly server: net.Server;
  /** Breaks every connection and lets no new one through, or lets them through again. */
  block(blocked: boolean): void;
  /** Breaks the connections there are; new ones are let through. */
  cut(): void;
  /** Connections that were not let through. */
  readonly refused: number;
  close(): Promise<void>;
}

/** Hands bytes on, both ways, between who connects to `at` and `target`: a network that can be taken away. */
export async function startRelay(at: net.ListenOptions, target: net.NetConnectOpts): Promise<Relay> {
  const sockets = new Set<net.Socket>();
  let blocked = false;
  let refused = 0;
  const pass = (from: net.Socket, to: net.Socket) => {
    sockets.add(from);
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
  };
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const server = net.createServer((client) => {
    if (blocked) {
      refused++;
      client.destroy();
      return;
    }
    const upstream = net.connect(target);
    pass(client, upstream);
    pass(upstream, client);
  });
  server.listen(at);
  await once(server, 'listening');
  return {
    server,
    cut,
    get refused() {
      return refused;
    },
    block(value) {
      blocked = value;
      if (blocked) cut();
    },
    async close() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The same before an HTTP server of this machine. */
export async function serverRelay(url: string): Promise<Relay & { readonly url: string }> {
  const { hostname, port } = new URL(url);
  const relay = await startRelay({ port: 0, host: '127.0.0.1' }, { port: Number(port), host: hostname });
  return Object.assign(relay, { url: `http://127.0.0.1:${(relay.server.address() as net.AddressInfo).port}` });
}
