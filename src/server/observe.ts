/** What is told of requests: an access log of GraphQL operations (never their variables), and numbers for GET /metrics. */

import type { ApolloServerPlugin } from '@apollo/server';
import type { RequestHandler } from 'express';
import { type GraphQLFormattedError, Kind, type OperationDefinitionNode, OperationTypeNode } from 'graphql';
import type { Viewer } from '../domain/viewer.ts';
import type { RunEventHub } from '../events/hub.ts';
import type { Context } from '../graphql/context.ts';
import type { Logger } from '../log.ts';
import { closeCodeLabel, type ServerMetrics } from '../metrics/server.ts';

/** nginx's number for a client that did not wait for its answer. */
const clientGone = 499;

/** Times every request under the path of its route. */
export function observeHttp({ httpRequests }: ServerMetrics): RequestHandler {
  return (request, response, next) => {
    const end = httpRequests.startTimer({ method: methodLabel(request.method) });
    response.once('close', () => {
      const path = request.route?.path as string | undefined;
      const route = (path === undefined ? request.baseUrl : request.baseUrl + path) || '(none)';
      end({ route, status: response.writableFinished ? response.statusCode : clientGone });
    });
    next();
  };
}

/** GET /metrics. @param sockets how many are open */
export function metricsRoute({ registry, sockets: gauge }: ServerMetrics, sockets: () => number): RequestHandler {
  return async (_request, response) => {
    gauge.set(sockets());
    response.type(registry.contentType).send(await registry.metrics());
  };
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

function methodLabel(method: string): string {
  return methods.has(method) ? method : 'other';
}

/** Characters of an operation's name that are told. */
const longestName = 100;

/** An operation as soon as it is known what is asked. */
export interface Operation extends Pick<Context, 'requestId'> {
  readonly viewer: Viewer | null;
  readonly transport: 'http' | 'ws';
  /** Null when that could not be told: the document is none, or names no operation. */
  readonly node: OperationDefinitionNode | null | undefined;
  readonly name: string | null | undefined;
  /** By performance.now(); left out: now. */
  readonly began?: number;
}

/** Ends it: `codes` of the errors of its answer, none when it has gone well. Only the first call counts. */
export type EndOperation = (codes: readonly unknown[]) => void;

export interface Observer {
  readonly begin: (operation: Operation) => EndOperation;
  /** Errors on the way of a subscription, which goes on. */
  readonly errors: (codes: readonly unknown[]) => void;
  readonly socketClosed: (code: number) => void;
}

export function createObserver(metrics: ServerMetrics, log: Logger): Observer {
  const errors = (codes: readonly unknown[]) => {
    for (const code of codes) metrics.errors.inc({ code: String(code) });
  };
  return {
    errors,
    socketClosed: (code) => metrics.socketCloses.inc({ code: closeCodeLabel(code) }),
    begin: ({ requestId, viewer, transport, node, name: given, began = performance.now() }) => {
      const name = given?.slice(0, longestName) ?? null;
      const type = node?.operation ?? null;
      const isSubscription = type === OperationTypeNode.SUBSCRIPTION;
      const running = { field: isSubscription ? fieldOf(node!) : '' };
      if (isSubscription) metrics.subscriptions.inc(running);
      let ended = false;
      return (codes) => {
        if (ended) return;
        ended = true;
        if (isSubscription) metrics.subscriptions.dec(running);
        const durationMs = performance.now() - began;
        const outcome = codes.length ? 'error' : 'ok';
        const labels = { type: type ?? '(none)', name: node ? metrics.nameLabel(name) : '(none)' };
        metrics.operations.inc({ ...labels, outcome });
        if (type && !isSubscription) metrics.operationSeconds.observe(labels, durationMs / 1000);
        errors(codes);
        log.info(
          {
            ...{ requestId, transport, operationType: type, operationName: name, outcome },
            ...(codes.length ? { codes } : {}),
            ...{ durationMs: Math.round(durationMs * 10) / 10, viewer: viewer?.name ?? null },
          },
          'operation',
        );
      };
    },
  };
}

/** The field that a valid subscription asks for. */
function fieldOf({ selectionSet }: OperationDefinitionNode): string {
  const [field] = selectionSet.selections;
  return field?.kind === Kind.FIELD ? field.name.value : '(fragment)';
}

export const codesOf = (errors: readonly GraphQLFormattedError[] = []) =>
  errors.map(({ extensions }) => extensions?.code);

/** Operations over HTTP. Stands behind the plugin that presents errors, whose codes it tells. */
export function observeOperations({ begin }: Observer): ApolloServerPlugin<Context> {
  return {
    requestDidStart: async ({ contextValue: { requestId, viewer } }) => {
      const began = performance.now();
      return {
        willSendResponse: async ({ operation: node, operationName, request, response: { body } }) => {
          // The name is only theirs to choose where there is such an operation.
          const name = operationName ?? (node ? null : request.operationName);
          const end = begin({ requestId, viewer, transport: 'http', node, name, began });
          end(body.kind === 'single' ? codesOf(body.singleResult.errors) : []);
        },
      };
    },
  };
}

/** A hub that counts what it hands out. */
export function countEvents(hub: RunEventHub, { events }: ServerMetrics): RunEventHub {
  return {
    ...hub,
    subscribe: (options) => {
      const stream = hub.subscribe(options);
      const counting: typeof stream = {
        next: async () => {
          const step = await stream.next();
          if (!step.done) events.inc(step.value.events.length);
          return step;
        },
        return: () => stream.return!(),
        throw: (error) => stream.throw!(error),
        [Symbol.asyncIterator]: () => counting,
      };
      return counting;
    },
  };
}
