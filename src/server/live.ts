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
import { useServer as serveSockets } from 'graphql-ws/use/ws';
import { type WebSocket, WebSocketServer } from 'ws';
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
import type { Logger } from '../log.ts';

/** Milliseconds a client gets to answer the closing handshake. */
const closeGracePeriod = 2_000;

export interface LiveServer {
  /** Ends every operation and closes every socket with 1001. */
  close(): Promise<void>;
}

/** Serves upgrades of `http` at `path`. */
export function serveLive(http: Server, path: string, schema: GraphQLSchema, services: Services): LiveServer {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes });
  const onUpgrade = upgradeHandler(sockets, path, services.log);
  http.on('upgrade', onUpgrade);

  const rules = [...specifiedRules, ...validationRules];
  const server = serveSockets(
    {
      schema,
      subscribe,
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
      onError: (_connection, _id, _payload, errors) =>
        presentErrors(errors, { requestId: randomUUID(), log: services.log }),
    },
    sockets,
  );

  return {
    close: async () => {
      http.off('upgrade', onUpgrade);
      const stragglers = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate();
      }, closeGracePeriod);
      await server.dispose();
      clearTimeout(stragglers);
    },
  };
}

function withCode(error: GraphQLError, code: string): GraphQLError {
  const { message, nodes = null, source = null, positions = null, extensions } = error;
  return new GraphQLError(message, { nodes, source, positions, extensions: { code, ...extensions } });
}

function upgradeHandler(sockets: WebSocketServer, path: string, log: Logger) {
  const onConnection = (client: WebSocket, request: IncomingMessage) => {
    sockets.emit('connection', client, request);
    // By then ws has closed it with the right code; graphql-ws would print a stack trace and close it again.
    client.removeAllListeners('error').on('error', (error) => log.info({ err: error }, 'a socket was closed'));
  };
  return (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (new URL(request.url ?? '/', 'http://localhost').pathname !== path) refuse(socket, '404 Not Found');
    else if (!isSameOrigin(request)) refuse(socket, '403 Forbidden');
    else sockets.handleUpgrade(request, socket, head, onConnection);
  };
}

/** A page of another site could open a socket with the visitor's rights: browsers tell where a page is from, other clients do not. */
function isSameOrigin({ headers }: IncomingMessage): boolean {
  if (headers.origin === undefined) return true;
  return URL.canParse(headers.origin) && new URL(headers.origin).host === headers.host;
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
