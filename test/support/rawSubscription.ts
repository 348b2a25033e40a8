/** One subscription over a socket of its own, spoken by hand: the test decides when it reads and how it leaves. */

import WebSocket from 'ws';

export interface RawSubscription {
  readonly socket: WebSocket;
  /** Settles with the close code, once nothing more comes; with 0 when no connection came about. */
  readonly closed: Promise<number>;
  /** Tells the server that no more is wanted; the socket stays open. */
  complete(): void;
}

export interface RawHandlers<T> {
  /** A value of the one field that was asked for. */
  next(value: T): void;
  complete?(): void;
  /** The operation was refused, or has failed. */
  error?(errors: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[]): void;
}

/** @param url of the server, `http://…` */
export function subscribeRaw<T>(url: string, query: string, variables: object, on: RawHandlers<T>): RawSubscription {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  const send = (message: object) => socket.send(JSON.stringify(message));
  socket.on('open', () => send({ type: 'connection_init' }));
  socket.on('message', (data) => {
    const { type, payload } = JSON.parse(String(data));
    if (type === 'connection_ack') send({ id: '1', type: 'subscribe', payload: { query, variables } });
    else if (type === 'next' && payload.errors) on.error?.(payload.errors);
    else if (type === 'next') on.next(Object.values(payload.data)[0] as T);
    else if (type === 'error') on.error?.(payload);
    else if (type === 'complete') on.complete?.();
  });
  const closed = new Promise<number>((resolve) => {
    let opened = false;
    socket.on('open', () => {
      opened = true;
    });
    socket.on('error', () => {});
    socket.on('close', (code) => resolve(opened ? code : 0));
  });
  return { socket, closed, complete: () => send({ id: '1', type: 'complete' }) };
}
