/** Keys, sessions and sockets of a server that asks who one is. */

import { once } from 'node:events';
import WebSocket from 'ws';
import { createApiKey } from '../../src/commands/apiKey.ts';
import type { Scope } from '../../src/domain/viewer.ts';
import type { TestContext } from '../support/commandContext.ts';

export interface TestKey {
  readonly id: string;
  readonly secret: string;
  /** Header authorization. */
  readonly bearer: { readonly authorization: string };
}

/** A key with this scope, named after it. */
export async function keyWith(context: TestContext, scope: Scope, expiresAt: Date | null = null): Promise<TestKey> {
  const key = await createApiKey(context, { name: `a ${scope} key`, scopes: [scope], expiresAt });
  return { ...key, bearer: { authorization: `Bearer ${key.secret}` } };
}

export interface Login {
  readonly status: number;
  /** Header set-cookie. */
  readonly setCookie: string;
  /** Header cookie of the requests that follow. */
  readonly cookie: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
  readonly body: any;
}

/** POST /session, as the login page does. */
export async function logIn(url: string, key: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Login> {
  const response = await fetch(`${url}/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ key }),
  });
  const setCookie = response.headers.get('set-cookie') ?? '';
  return { status: response.status, setCookie, cookie: setCookie.split(';')[0]!, body: await response.json() };
}

export interface RawSocket {
  readonly socket: WebSocket;
  /** Messages so far, the acknowledgement included. */
  readonly messages: readonly { readonly type: string; readonly id?: string; readonly payload?: unknown }[];
  send(message: object): void;
  /** `open` once it is acknowledged, else how it was closed. */
  readonly admitted: Promise<'open' | { readonly code: number; readonly reason: string }>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

/** A socket that has sent connection_init with this payload. */
export function openSocket(
  url: string,
  { payload, headers }: { readonly payload?: object; readonly headers?: Readonly<Record<string, string>> },
): RawSocket {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
    headers: { ...headers },
  });
  const messages: { type: string; id?: string; payload?: unknown }[] = [];
  const closed = once(socket, 'close').then(([code, reason]) => ({ code: code as number, reason: String(reason) }));
  const acknowledged = new Promise<'open'>((resolve) => {
    socket.on('message', (data) => {
      messages.push(JSON.parse(String(data)));
      resolve('open');
    });
  });
  const send = (message: object) => socket.send(JSON.stringify(message));
  socket.on('open', () => send({ type: 'connection_init', ...(payload && { payload }) }));
  return { socket, messages, send, closed, admitted: Promise.race([acknowledged, closed]) };
}
