/** GraphQL over HTTP. */

import type { Server } from 'node:http';
import {
  ApolloServer,
  type ApolloServerPlugin,
  type GraphQLResponse,
  HeaderMap,
  type HTTPGraphQLHead,
} from '@apollo/server';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { ApolloServerPluginDrainHttpServer } from '@apollo/server/plugin/drainHttpServer';
import { GraphQLError, type GraphQLSchema, OperationTypeNode } from 'graphql';
import { absenceSeconds } from '../domain/absence.ts';
import { auditForbidden } from '../graphql/audit.ts';
import type { Context } from '../graphql/context.ts';
import type { Gate } from './gate.ts';
import { codesOf } from './observe.ts';

/** Milliseconds that requests in progress get when the server stops. */
const stopGracePeriod = 10_000;

export function createApollo(
  schema: GraphQLSchema,
  http: Server,
  gate: Gate,
  closeSockets: () => Promise<void>,
  plugins: readonly ApolloServerPlugin<Context>[],
): ApolloServer<Context> {
  return new ApolloServer<Context>({
    schema,
    dangerouslyDisableValidation: true, // the gate validates, for sockets too
    parseOptions: { maxTokens: gate.limits.tokens },
    csrfPrevention: true,
    introspection: true, // so says the gate
    allowBatchedHttpRequests: false,
    persistedQueries: false,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginDrainHttpServer({ httpServer: http, stopGracePeriodMillis: stopGracePeriod }),
      { serverWillStart: async () => ({ drainServer: closeSockets }) },
      operationLimits(schema, gate),
      errorPresentation(gate),
      absenceStatus,
      legacyStatus,
      ...plugins,
    ],
  });
}

/** What passes the gate tells its cost in the header x-graphql-cost; all else is answered here. */
function operationLimits(schema: GraphQLSchema, gate: Gate): ApolloServerPlugin<Context> {
  return {
    requestDidStart: async () => ({
      responseForOperation: async ({ document, operation, operationName, request, contextValue, response }) => {
        const { variables } = request;
        const refusals = gate.admit(contextValue, document, operationName, variables);
        if (typeof refusals !== 'number') {
          const what = { schema, document, operationName, variables };
          return refusalOf(await auditForbidden(contextValue, what, refusals), gate, contextValue);
        }
        if (operation?.operation === OperationTypeNode.SUBSCRIPTION) {
          return refusalOf([subscriptionsNeedSockets()], gate, contextValue);
        }
        response.http.headers.set('x-graphql-cost', String(refusals));
        return null;
      },
    }),
  };
}

function refusalOf(errors: readonly GraphQLError[], gate: Gate, context: Context): GraphQLResponse {
  const { status, headers } = (errors[0]?.extensions.http ?? {}) as Partial<HTTPGraphQLHead>;
  return {
    http: { status: status ?? 400, headers: new HeaderMap(headers) },
    body: { kind: 'single', singleResult: { errors: gate.present(errors, context) } },
  };
}

function subscriptionsNeedSockets(): GraphQLError {
  const message = 'Subscriptions run over WebSocket (graphql-transport-ws) at the same path';
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } });
}

/** Errors leave through `presentErrors`, which needs the request's id: `formatError` does not know it. */
function errorPresentation(gate: Gate): ApolloServerPlugin<Context> {
  return {
    requestDidStart: async () => ({
      willSendResponse: async ({ errors, response: { body }, contextValue }) => {
        if (errors?.length && body.kind === 'single') body.singleResult.errors = gate.present(errors, contextValue);
      },
    }),
  };
}

/** An answer without any data, for want of the database, has the status that other routes have. */
const absenceStatus: ApolloServerPlugin<Context> = {
  requestDidStart: async () => ({
    willSendResponse: async ({ response: { http, body } }) => {
      if (body.kind !== 'single' || body.singleResult.data) return;
      if (!codesOf(body.singleResult.errors).includes('UNAVAILABLE')) return;
      http.status = 503;
      http.headers.set('retry-after', String(absenceSeconds));
    },
  }),
};

/** GraphQL over HTTP: to a client that accepts only application/json, a well-formed request that is refused answers 200. */
const legacyStatus: ApolloServerPlugin<Context> = {
  requestDidStart: async () => ({
    willSendResponse: async ({ request, response: { http, body } }) => {
      const accept = request.http?.headers.get('accept') ?? '';
      const codes = body.kind === 'single' ? codesOf(body.singleResult.errors) : [];
      const legacy = accept.includes('application/json') && !accept.includes('graphql-response+json');
      if (legacy && http.status === 400 && codes.length && codes.every((code) => refusals.has(code))) http.status = 200;
    },
  }),
};

const refusals = new Set<unknown>(['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED', 'BAD_USER_INPUT']);
