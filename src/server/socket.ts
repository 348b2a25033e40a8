/** One WebSocket under the graphql-transport-ws protocol: keep-alive, back-pressure, and an end that frees everything at once. */

import { CloseCode, type Server as Protocol } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { Logger } from '../log.ts';
import { createBuckets } from './buckets.ts';

export interface SocketLimits {
  /** Milliseconds until a client must have introduced itself. */
  readonly initMs: number;
  /** Milliseconds between pings; who has shown no sign of life by the next one is cut off. */
  readonly keepAliveMs: number;
  /** Milliseconds in which a client has to take one of the messages that wait for it. */
  readonly stallMs: number;
  /** Bytes waiting for the client from which on nothing more is read from it. */
  readonly pauseBytes: number;
  /** Bytes waiting for the client at which it is given up. */
  readonly backlogBytes: number;
}

export const socketLimits: SocketLimits = {
  initMs: 3_000,
  keepAliveMs: 12_000,
  stallMs: 10_000,
  pauseBytes: 2 ** 20,
  backlogBytes: 16 * 2 ** 20,
};

/** Try Again Later: clients of the protocol connect again after it, and go on behind their cursor. */
export const stalledCode = 1013;

/** Unsupported Data, and Policy Violation: those of RFC 6455. */
const noTextCode = 1003;
const tooMuchCode = 1008;

/** What the protocol throws at messages that only a server sends. */
function isForeign(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Unexpected message of type ');
}

/**
 * Speaks the protocol on an open socket until it closes. An operation has one message on its way at most: the next is made
 * when the socket has taken it. A client that reads nothing is closed with 1013, and its operations end with that, not
 * with the closing handshake, which it may never answer.
 */
export function serveSocket<Extra>(
  socket: WebSocket,
  protocol: Protocol<Extra>,
  extra: Extra,
  log: Logger,
  limits: SocketLimits,
  messagesPerMinute: number,
): void {
  const messages = createBuckets(messagesPerMinute);
  let ended = false;
  let alive = true;
  let waiting = 0;
  let stalled: NodeJS.Timeout | undefined;
  // A socket of another protocol is closed before it is opened.
  let closed: ReturnType<typeof protocol.opened> = async () => {};

  const gone = new Promise<void>((resolve) => socket.once('close', resolve));
  const keepAlive = setInterval(() => {
    if (socket.isPaused) return; // Its pong could not be seen.
    if (!alive) return socket.terminate();
    alive = false;
    void write((taken) => socket.ping(undefined, undefined, taken));
  }, limits.keepAliveMs);

  function end(code: number, reason: string): void {
    if (ended) return;
    ended = true;
    clearInterval(keepAlive);
    clearTimeout(stalled);
    closed(code, reason).catch((error: unknown) => log.error({ err: error }, 'the operations of a socket did not end'));
  }

  function close(code: number, reason: string): void {
    socket.resume(); // the client's answer must be read
    socket.close(code, reason);
    end(code, reason);
  }

  function giveUp(): void {
    log.info({ backlogBytes: socket.bufferedAmount }, 'a client does not read its socket, which is closed');
    close(stalledCode, 'Try again later: messages were not read');
  }

  /** Writes a frame; settles when it was taken, or when the socket is gone: operations hold still until they are ended. */
  function write(frame: (taken: () => void) => void): Promise<void> {
    if (!ended && socket.bufferedAmount > limits.backlogBytes) giveUp();
    if (ended || socket.readyState !== WebSocket.OPEN) return gone;
    return new Promise((resolve) => {
      waiting++;
      stalled ??= setTimeout(giveUp, limits.stallMs);
      frame(() => {
        waiting--;
        clearTimeout(stalled);
        stalled = waiting && !ended ? setTimeout(giveUp, limits.stallMs) : undefined;
        if (socket.isPaused && socket.bufferedAmount <= limits.pauseBytes) {
          alive = true;
          socket.resume();
        }
        resolve();
      });
      if (!ended && socket.bufferedAmount > limits.pauseBytes) socket.pause();
    });
  }

  // ws tells of a broken frame or a reset here; it closes the socket itself, with the right code.
  socket.on('error', (error) => log.info({ err: error }, 'a socket was closed'));
  socket.on('pong', () => {
    alive = true;
  });
  socket.on('ping', (data) => {
    alive = true;
    if (messages.take('')) return close(tooMuchCode, 'Too many messages within a minute');
    void write((taken) => socket.pong(data, undefined, taken));
  });
  socket.on('close', (code, reason) => end(code, String(reason)));

  closed = protocol.opened(
    {
      protocol: socket.protocol,
      send: (data) => write((taken) => socket.send(data, taken)),
      close: (code = CloseCode.InternalServerError, reason = '') => close(code, reason),
      onMessage: (callback) =>
        socket.on('message', (data, isBinary) => {
          // A client that was told to go may talk on until it has gone.
          if (ended || socket.readyState !== WebSocket.OPEN) return;
          alive = true;
          if (messages.take('')) return close(tooMuchCode, 'Too many messages within a minute');
          if (isBinary) return close(noTextCode, 'Messages are text');
          callback(String(data)).catch((error: unknown) => {
            if (isForeign(error)) return close(CloseCode.BadRequest, 'Invalid message received');
            log.error({ err: error }, 'a message could not be handled');
            close(CloseCode.InternalServerError, 'Internal server error');
          });
        }),
    },
    extra,
  );
}
