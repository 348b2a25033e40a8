/** What is told of requests: an access log of GraphQL operations (never their variables), and numbers for GET /metrics. */

import type { ApolloServerPlugin } from '@apollo/server';
import type { RequestHandler } from 'express';
import type { OperationTypeNode } from 'graphql';
import type { RunEventHub } from '../events/hub.ts';
import type { Context } from '../graphql/context.ts';
import type { Logger } from '../log.ts';
import type { ServerMetrics } from '../metrics/server.ts';

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

/** GET /metrics. */
export function metricsRoute({ registry }: ServerMetrics): RequestHandler {
  return async (_request, response) => {
    response.type(registry.contentType).send(await registry.metrics());
  };
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

function methodLabel(method: string): string {
  return methods.has(method) ? method : 'other';
}

/** An operation as soon as it is known what is asked. */
export interface Operation extends Pick<Context, 'requestId' | 'viewer'> {
  readonly transport: 'http' | 'ws';
  /** Null when that could not be told: the document is none. */
  readonly type: OperationTypeNode | null;
  readonly name: string | null | undefined;
  /** By performance.now(); left out: now. */
  readonly began?: number;
}

/** Ends it: `codes` of the errors of its answer, none when it has gone well. Only the first call counts. */
export type EndOperation = (codes: readonly unknown[]) => void;

/** Notes an operation when it ends. */
export function createOperationObserver(metrics: ServerMetrics, log: Logger): (operation: Operation) => EndOperation {
  return ({ requestId, viewer, transport, type, name, began = performance.now() }) => {
    let ended = false;
    return (codes) => {
      if (ended) return;
      ended = true;
      const durationMs = performance.now() - began;
      const outcome = codes.length ? 'error' : 'ok';
      const labels = { type: type ?? '(none)', name: metrics.nameLabel(name) };
      metrics.operations.inc({ ...labels, outcome });
      if (type !== 'subscription') metrics.operationSeconds.observe(labels, durationMs / 1000);
      for (const code of codes) metrics.errors.inc({ code: String(code) });
      log.info(
        {
          ...{ requestId, transport, operationType: type, operationName: name ?? null, outcome },
          ...(codes.length ? { codes } : {}),
          ...{ durationMs: Math.round(durationMs * 10) / 10, viewer: viewer.name },
        },
        'operation',
      );
    };
  };
}

/** Operations over HTTP. Stands behind the plugin that presents errors, whose codes it tells. */
export function observeOperations(observe: (operation: Operation) => EndOperation): ApolloServerPlugin<Context> {
  return {
    requestDidStart: async ({ contextValue }) => {
      const began = performance.now();
      return {
        willSendResponse: async ({ operation, operationName, request, response: { body } }) => {
          const type = operation?.operation ?? null;
          const name = operationName ?? (type ? null : request.operationName);
          const errors = body.kind === 'single' ? (body.singleResult.errors ?? []) : [];
          const { requestId, viewer } = contextValue;
          const end = observe({ requestId, viewer, transport: 'http', type, name, began });
          end(errors.map(({ extensions }) => extensions?.code));
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
