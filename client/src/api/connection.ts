/** The one WebSocket of the page, and whether what is shown is up to date. */

import { createClient } from 'graphql-ws';
import { toLogin } from './login.ts';

export type ConnectionState =
  /** Nothing is subscribed to. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'live' }
  /** The socket is gone, or the server does not answer, and is being tried again; `since`: milliseconds since the epoch. */
  | { readonly kind: 'stale'; readonly since: number };

let state: ConnectionState = { kind: 'idle' };
const listeners = new Set<() => void>();
const returned = new Set<() => void>();

/** How many subscriptions want the socket. */
let holders = 0;
let open = false;
/** Since when the socket is gone, and since when HTTP is not answered: milliseconds since the epoch. */
let lostAt: number | null = null;
let unansweredAt: number | null = null;

export const connection = {
  get: () => state,
  listen(onChange: () => void): () => void {
    listeners.add(onChange);
    return () => listeners.delete(onChange);
  },
  /** Calls back whenever the server is there again after it was lost: what was asked for over HTTP may be out of date. */
  onReturn(listener: () => void): () => void {
    returned.add(listener);
    return () => returned.delete(listener);
  },
  /** Wants the socket, until the function that it gives is called: only so long does it matter that it is gone. */
  hold(): () => void {
    holders++;
    update();
    return () => {
      holders--;
      if (holders === 0) lostAt = null;
      update();
    };
  },
  /** Takes down whether the server answered a request. Where it did not it is asked for until it does, so that pages without a socket come back too. */
  heard(answered: boolean): void {
    unansweredAt = answered ? null : (unansweredAt ?? Date.now());
    update();
    if (!answered && !asking) void askAgain();
  },
};

/** Milliseconds between two questions whether the server is there again. */
const pause = 2_000;

let asking = false;

async function askAgain(): Promise<void> {
  asking = true;
  while (unansweredAt !== null) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    if (unansweredAt !== null && (await isThere())) connection.heard(true);
  }
  asking = false;
}

/** A process that starts is alive (/healthz), and not there yet. */
function isThere(): Promise<boolean> {
  return fetch('/version').then(
    ({ ok }) => ok,
    () => false,
  );
}

function update(): void {
  const gone = [lostAt, unansweredAt].filter((at) => at !== null);
  if (gone.length) become({ kind: 'stale', since: Math.min(...gone) });
  else become({ kind: open ? 'live' : 'idle' });
}

function become(next: ConnectionState): void {
  const before = state;
  if (before.kind === next.kind) return;
  state = next;
  for (const listener of listeners) listener();
  if (before.kind === 'stale') for (const listener of returned) listener();
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
    connected: () => {
      open = true;
      lostAt = null;
      unansweredAt = null;
      update();
    },
    closed: (event) => {
      const { code } = event as { readonly code?: number };
      if (code === unauthorized) toLogin();
      open = false;
      // 1000: nobody subscribes any more.
      if (code !== 1000 && holders > 0) lostAt ??= Date.now();
      update();
    },
  },
});
