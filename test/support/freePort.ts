import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * A port of this machine that nobody listens on, for who must know it before. Below those that the system gives to whoever asks for any: no
 * other test's server or connection comes upon it while a server on it is stopped and started again.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    // Above those that browsers refuse.
    const port = 11_000 + Math.floor(Math.random() * 19_000);
    const holder = createServer();
    try {
      await once(holder.listen(port, '127.0.0.1'), 'listening');
      await once(holder.close(), 'close');
      return port;
    } catch {
      // taken
    }
  }
}
