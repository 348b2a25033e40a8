/** The one WebSocket of the page, and whether what is shown is up to date. */

import { createClient } from 'graphql-ws';
import { toLogin } from './login.ts';

export type ConnectionState =
  /** Nothing is subscribed to. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'live' }
  /** The socket is gone and is being opened again; `since`: milliseconds since the epoch. */
  | { readonly kind: 'stale'; readonly since: number };

let state: ConnectionState = { kind: 'idle' };
const listeners = new Set<() => void>();
const returned = new Set<() => void>();

export const connection = {
  get: () => state,
  listen(onChange: () => void): () => void {
    listeners.add(onChange);
    return () => listeners.delete(onChange);
  },
  /** Calls back whenever the socket is there again after it was lost: what was asked for over HTTP may be out of date. */
  onReturn(listener: () => void): () => void {
    returned.add(listener);
    return () => returned.delete(listener);
  },
};

function become(next: ConnectionState): void {
  const before = state;
  if (before.kind === next.kind) return;
  state = next;
  for (const listener of listeners) listener();
  if (before.kind === 'stale' && next.kind === 'live') for (const listener of returned) listener();
}

/** With what the server closes the socket of who is not logged in, or not any more. */
const unauthorized = 4401;

const url = new URL('/graphql', location.href);
url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';

/**
 * Opens the socket with the first subscription and closes it some seconds after the last. It does not reconnect by itself: each
 * subscription does, from where it stands (`subscribe`).
 */
export const socket = createClient({
  url: url.href,
  lazyCloseTimeout: 3_000,
  keepAlive: 10_000,
  connectionAckWaitTimeout: 10_000,
  retryAttempts: 0,
  on: {
    connected: () => become({ kind: 'live' }),
    closed: (event) => {
      const { code } = event as { readonly code?: number };
      if (code === unauthorized) toLogin();
      // 1000: nobody subscribes any more.
      become(code === 1000 ? { kind: 'idle' } : { kind: 'stale', since: Date.now() });
    },
  },
});
