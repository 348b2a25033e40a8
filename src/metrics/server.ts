/** What a server counts. */

import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { requestSeconds } from './registry.ts';

/** Names of operations that get series of their own. Clients choose names, so there is no end to them. */
const mostNames = 100;
export const otherNames = '(others)';
export const noName = '(anonymous)';

export type ServerMetrics = ReturnType<typeof createServerMetrics>;

export function createServerMetrics(registry: Registry) {
  const registers = [registry];
  const names = new Set<string>();
  return {
    registry,
    httpRequests: new Histogram({
      name: 'rungraph_http_request_duration_seconds',
      help: 'HTTP requests from their arrival to the end of the answer; status 499: the client went away.',
      ...{ labelNames: ['method', 'route', 'status'], buckets: requestSeconds, registers },
    }),
    operations: new Counter({
      name: 'rungraph_graphql_operations_total',
      help: 'GraphQL operations that have ended, by type, name and outcome (ok, error).',
      ...{ labelNames: ['type', 'name', 'outcome'], registers },
    }),
    operationSeconds: new Histogram({
      name: 'rungraph_graphql_operation_duration_seconds',
      help: 'GraphQL queries and mutations.',
      ...{ labelNames: ['type', 'name'], buckets: requestSeconds, registers },
    }),
    errors: new Counter({
      name: 'rungraph_graphql_errors_total',
      help: 'Errors in GraphQL answers by code; INTERNAL_SERVER_ERROR is a bug, UNAVAILABLE a database that is away.',
      ...{ labelNames: ['code'], registers },
    }),
    sockets: new Gauge({ name: 'rungraph_websocket_connections', help: 'Open WebSockets.', registers }),
    socketCloses: new Counter({
      name: 'rungraph_websocket_closes_total',
      help: 'Closed WebSockets by code; 1013: the client did not read its messages, or its key met no database.',
      ...{ labelNames: ['code'], registers },
    }),
    subscriptions: new Gauge({
      ...{ name: 'rungraph_graphql_subscriptions', help: 'Running subscriptions by field.', labelNames: ['field'] },
      registers,
    }),
    events: new Counter({
      ...{ name: 'rungraph_run_events_delivered_total', help: 'Run events handed to subscribers.', registers },
    }),
    /** The label of an operation's name. */
    nameLabel(name: string | null | undefined): string {
      if (!name) return noName;
      if (names.size < mostNames) names.add(name);
      return names.has(name) ? name : otherNames;
    },
  };
}

/** The label of a socket's close code: clients may send any of 3000 to 4999. */
export function closeCodeLabel(code: number): string {
  return code < 3000 || (code >= 4400 && code < 4500) ? String(code) : 'other';
}
