/** GraphQL over WebSocket, protocol graphql-transport-ws: subscriptions, and any other operation. */

import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  type ExecutionArgs,
  execute,
  type FormattedExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  OperationTypeNode,
  parse,
} from 'graphql';
import { type Context as Connection, handleProtocols, makeServer } from 'graphql-ws';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import type { Viewer } from '../domain/viewer.ts';
import { auditForbidden } from '../graphql/audit.ts';
import { type Context, createContext, type Services } from '../graphql/context.ts';
import { subscribe } from '../graphql/subscribe.ts';
import { withLogIds } from '../log.ts';
import { networkOf } from './address.ts';
import type { Access } from './auth/access.ts';
import type { Client } from './auth/client.ts';
import { logInSocket } from './auth/socketLogin.ts';
import { type Gate, rateKeyOf, rateLimited, type Sender } from './gate.ts';
import { codesOf, type EndOperation, type Observer } from './observe.ts';
import { endingWith, type OperationArgs } from './operation.ts';
import { requestIdFor } from './requests.ts';
import { serveSocket, socketLimits } from './socket.ts';

/** Milliseconds a client gets to answer the closing handshake: of a socket that is closed, and of all when the server stops. */
const closeTimeout = 10_000;
const closeGracePeriod = 2_000;
/** Seconds after which a client with too many sockets may try again. */
const busySeconds = 10;

/** What an upgrade leaves to the operations on its socket. */
export interface SocketExtra {
  readonly socket: WebSocket;
  readonly request: IncomingMessage;
  readonly client: Client;
  /** Whose credentials were good; null until then. */
  viewer: Viewer | null;
  /** Those in progress: also those whose client has said that it no longer wants their result. */
  readonly operations: Set<() => void>;
  /** Notes the end of an operation that is let in, by the client's id for it. */
  readonly observed: Map<string, EndOperation>;
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
  gate: Gate,
  access: Access,
  observer: Observer,
  limits = socketLimits,
): LiveServer {
  const { log } = services;
  // The option is newer than the types.
  const options: ServerOptions & { closeTimeout: number } = { noServer: true, closeTimeout };
  const sockets = new WebSocketServer({
    ...options,
    maxPayload: gate.limits.messageBytes,
    autoPong: false,
    handleProtocols,
  });
  const connections = new Set<Connection<Record<string, unknown>, SocketExtra>>();
  const protocol = makeServer<Record<string, unknown>, SocketExtra>({
    schema,
    connectionInitWaitTimeout: limits.initMs,
    execute: async (args) =>
      endingWith((args as OperationArgs).release, async () => withIds(args, () => execute(args))),
    subscribe: async (args) =>
      endingWith((args as OperationArgs).release, () => withIds(args, () => subscribe(args as OperationArgs))),
    onConnect: async (connection) => {
      const { extra, connectionParams } = connection;
      extra.viewer = await logInSocket(access, extra, connectionParams);
      if (extra.viewer) connections.add(connection);
      return extra.viewer !== null;
    },
    onDisconnect: (connection) => void connections.delete(connection),
    onClose: (_connection, code = 1006) => observer.socketClosed(code),
    // The protocol's own checks do not run when this hook answers: parsing, validation and limits are all here.
    onSubscribe: (connection, id, { query, operationName, variables }) => {
      const { viewer, client, request, observed } = connection.extra;
      const sender = { viewer: viewer!, address: client.address };
      const wait = gate.requests.take(rateKeyOf(sender));
      if (wait) return [rateLimited(wait)];
      try {
        const document = parse(query, { maxTokens: gate.limits.tokens });
        const requestId = requestIdFor(request);
        const contextValue = createContext(services, { ...sender, requestId });
        const refusals = gate.admit(sender, document, operationName, variables);
        if (typeof refusals !== 'number') {
          const what = { schema, document, operationName, variables };
          return auditForbidden(contextValue, what, refusals);
        }
        const operation = getOperationAST(document, operationName);
        if (!operation) return [unknownOperation(operationName)];
        const release = begin(connection.extra, sender, operation.operation);
        if (release instanceof GraphQLError) return [release];
        const name = operation.name?.value;
        observed.set(id, observer.begin({ requestId, viewer, transport: 'ws', node: operation, name }));
        const args = { schema, document, operationName, variableValues: variables, contextValue };
        return { ...args, release } satisfies OperationArgs;
      } catch (error) {
        if (error instanceof GraphQLError) return [withCode(error, 'GRAPHQL_PARSE_FAILED')];
        throw error;
      }
    },
    onNext: ({ extra }, id, _payload, { contextValue, document, operationName }, result) => {
      if (!result.errors) return undefined;
      const errors = gate.present(result.errors, contextValue as Context);
      const isStream = getOperationAST(document, operationName)?.operation === OperationTypeNode.SUBSCRIPTION;
      if (isStream) observer.errors(codesOf(errors));
      else extra.observed.get(id)?.(codesOf(errors));
      return { ...(result as FormattedExecutionResult), errors };
    },
    onError: ({ extra }, id, { operationName: name }, errors) => {
      const { request, observed, viewer } = extra;
      const requestId = requestIdFor(request);
      const presented = gate.present(errors, { requestId, log });
      const end = observed.get(id) ?? observer.begin({ requestId, viewer, transport: 'ws', node: null, name });
      observed.delete(id);
      end(codesOf(presented));
      return presented;
    },
    onComplete: ({ extra }, id) => {
      extra.observed.get(id)?.([]);
      extra.observed.delete(id);
    },
  });

  /** Takes the places of an operation; what it returns gives them back. */
  function begin(extra: SocketExtra, sender: Sender, type: OperationTypeNode): (() => void) | GraphQLError {
    const { operationsPerSocket, subscriptionsPerClient } = gate.limits;
    if (extra.operations.size >= operationsPerSocket) {
      return tooMany(`A socket may run ${operationsPerSocket} operations at once`);
    }
    const leave = type === OperationTypeNode.SUBSCRIPTION ? gate.subscriptions.take(rateKeyOf(sender)) : () => {};
    if (!leave) return tooMany(`A client may have ${subscriptionsPerClient} subscriptions at once; end one first`);
    const release = () => {
      extra.operations.delete(release);
      leave();
    };
    extra.operations.add(release);
    return release;
  }

  function refusalOf(request: IncomingMessage, client: Client): string | null {
    if ((request.url ?? '').split('?')[0] !== path) return '404 Not Found';
    return access.refuseUpgrade(request, client) === null ? null : '403 Forbidden';
  }

  const onUpgrade = (request: IncomingMessage, stream: Duplex, head: Buffer): void => {
    // What is refused has no other listener, and an error that nobody hears ends the process.
    stream.on('error', (error) => log.info({ err: error }, 'an upgrade broke off'));
    const client = access.readClient(request);
    const network = networkOf(client.address);
    const refusal = refusalOf(request, client);
    const wait = refusal === null ? gate.connections.take(network) : 0;
    const leave = refusal === null && !wait ? gate.sockets.take(network) : null;
    if (!leave) {
      refuse(stream, refusal ?? '429 Too Many Requests', refusal === null ? wait || busySeconds : 0);
      return;
    }
    stream.once('close', leave);
    sockets.handleUpgrade(request, stream, head, (socket) =>
      serveSocket(
        socket,
        protocol,
        { socket, request, client, viewer: null, operations: new Set<() => void>(), observed: new Map() },
        log,
        limits,
        gate.limits.messagesPerMinute,
      ),
    );
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

/** What an operation logs carries its request's id. */
function withIds<T>({ contextValue }: ExecutionArgs, work: () => T): T {
  return withLogIds({ requestId: (contextValue as Context).requestId }, work);
}

function tooMany(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'LIMIT_EXCEEDED' } });
}

function unknownOperation(name: string | null | undefined): GraphQLError {
  const message = name
    ? `Unknown operation named ${JSON.stringify(name.slice(0, 100))}.`
    : 'Must provide operation name if query contains multiple operations.';
  return new GraphQLError(message, { extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } });
}

function withCode(error: GraphQLError, code: string): GraphQLError {
  const { message, nodes = null, source = null, positions = null, extensions } = error;
  return new GraphQLError(message, { nodes, source, positions, extensions: { code, ...extensions } });
}

/** `retryAfter`: seconds; 0: it would be refused again. */
function refuse(socket: Duplex, status: string, retryAfter: number): void {
  const retry = retryAfter === 0 ? '' : `retry-after: ${retryAfter}\r\n`;
  socket.end(`HTTP/1.1 ${status}\r\n${retry}connection: close\r\ncontent-length: 0\r\n\r\n`);
}
