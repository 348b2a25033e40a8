/** GraphQL over WebSocket, protocol graphql-transport-ws: subscriptions, and any other operation. */

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  type ExecutionArgs,
  type FormattedExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { type Context as Connection, handleProtocols, makeServer } from 'graphql-ws';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import { localViewer } from '../domain/viewer.ts';
import { checkScopes } from '../graphql/authorize.ts';
import { type Context, createContext, type Services } from '../graphql/context.ts';
import { presentErrors } from '../graphql/errors.ts';
import {
  checkOperation,
  maxMessageBytes,
  maxOperationsPerSocket,
  maxTokens,
  validationRules,
} from '../graphql/limits.ts';
import { subscribe } from '../graphql/subscribe.ts';
import { serveSocket, socketLimits } from './socket.ts';

/** Milliseconds a client gets to answer the closing handshake: of a socket that is closed, and of all when the server stops. */
const closeTimeout = 10_000;
const closeGracePeriod = 2_000;

/** What an upgrade leaves to the operations on its socket. */
export interface SocketExtra {
  readonly socket: WebSocket;
  readonly request: IncomingMessage;
}

export interface LiveServer {
  /** Open sockets, and operations that run on them. */
  usage(): { readonly sockets: number; readonly operations: number };
  /** Ends every operation and closes every socket with 1001. */
  close(): Promise<void>;
}

/** Serves upgrades of `http` at `path`. */
export function serveLive(
  http: Server,
  path: string,
  schema: GraphQLSchema,
  services: Services,
  limits = socketLimits,
): LiveServer {
  const { log } = services;
  // The option is newer than the types.
  const options: ServerOptions & { closeTimeout: number } = { noServer: true, closeTimeout };
  const sockets = new WebSocketServer({ ...options, maxPayload: maxMessageBytes, autoPong: false, handleProtocols });
  const connections = new Set<Connection<Record<string, unknown>, SocketExtra>>();
  const rules = [...specifiedRules, ...validationRules];
  const protocol = makeServer<Record<string, unknown>, SocketExtra>({
    schema,
    subscribe,
    onConnect: (connection) => void connections.add(connection),
    onDisconnect: (connection) => void connections.delete(connection),
    // The protocol's own checks do not run when this hook answers: parsing, validation and limits are all here.
    onSubscribe: (connection, _id, { query, operationName, variables }) => {
      if (Object.keys(connection.subscriptions).length > maxOperationsPerSocket) {
        return [new GraphQLError(`A socket may run ${maxOperationsPerSocket} operations at once`)];
      }
      try {
        const document = parse(query, { maxTokens });
        const errors = validate(schema, document, rules);
        if (errors.length) return errors.map((error) => withCode(error, 'GRAPHQL_VALIDATION_FAILED'));
        const { socket } = connection.extra.request;
        const request = { requestId: randomUUID(), viewer: localViewer, address: socket.remoteAddress ?? '' };
        const refusal =
          checkScopes(schema, document, operationName, request.viewer) ??
          checkOperation(schema, document, operationName, variables);
        if (refusal) return [refusal];
        const contextValue = createContext(services, request);
        return { schema, document, operationName, variableValues: variables, contextValue } satisfies ExecutionArgs;
      } catch (error) {
        if (error instanceof GraphQLError) return [withCode(error, 'GRAPHQL_PARSE_FAILED')];
        throw error;
      }
    },
    onNext: (_connection, _id, _payload, { contextValue }, result) =>
      result.errors
        ? { ...(result as FormattedExecutionResult), errors: presentErrors(result.errors, contextValue as Context) }
        : undefined,
    onError: (_connection, _id, _payload, errors) => presentErrors(errors, { requestId: randomUUID(), log }),
  });

  const onUpgrade = (request: IncomingMessage, stream: Duplex, head: Buffer): void => {
    const open = (socket: WebSocket) => serveSocket(socket, protocol, { socket, request }, log, limits);
    if (new URL(request.url ?? '/', 'http://localhost').pathname !== path) refuse(stream, '404 Not Found');
    else if (!isSameOrigin(request)) refuse(stream, '403 Forbidden');
    else sockets.handleUpgrade(request, stream, head, open);
  };
  http.on('upgrade', onUpgrade);

  return {
    usage: () => {
      const operations = [...connections].map(({ subscriptions }) => Object.keys(subscriptions).length);
      return { sockets: sockets.clients.size, operations: operations.reduce((sum, count) => sum + count, 0) };
    },
    close: async () => {
      http.off('upgrade', onUpgrade);
      for (const socket of sockets.clients) socket.close(1001, 'Going away');
      const stragglers = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate();
      }, closeGracePeriod);
      await new Promise<void>((resolve, reject) => sockets.close((error) => (error ? reject(error) : resolve())));
      clearTimeout(stragglers);
    },
  };
}

function withCode(error: GraphQLError, code: string): GraphQLError {
  const { message, nodes = null, source = null, positions = null, extensions } = error;
  return new GraphQLError(message, { nodes, source, positions, extensions: { code, ...extensions } });
}

/** A page of another site could open a socket with the visitor's rights: browsers tell where a page is from, other clients do not. */
function isSameOrigin({ headers }: IncomingMessage): boolean {
  if (headers.origin === undefined) return true;
  return URL.canParse(headers.origin) && new URL(headers.origin).host === headers.host;
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
