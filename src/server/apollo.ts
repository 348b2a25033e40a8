/** GraphQL over HTTP. */

import type { Server } from 'node:http';
import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { ApolloServerPluginDrainHttpServer } from '@apollo/server/plugin/drainHttpServer';
import type { GraphQLSchema } from 'graphql';
import { checkScopes } from '../graphql/authorize.ts';
import type { Context } from '../graphql/context.ts';
import { presentErrors } from '../graphql/errors.ts';
import { checkOperation, maxTokens, validationRules } from '../graphql/limits.ts';

/** Milliseconds that requests in progress get when the server stops. */
const stopGracePeriod = 10_000;

export function createApollo(
  schema: GraphQLSchema,
  http: Server,
  closeSockets: () => Promise<void>,
  plugins: readonly ApolloServerPlugin<Context>[],
): ApolloServer<Context> {
  return new ApolloServer<Context>({
    schema,
    validationRules,
    parseOptions: { maxTokens },
    csrfPrevention: true,
    introspection: true,
    // GraphQL's own rule takes exponential time on small documents; depth and cost are limited here.
    maxRecursiveSelections: true,
    allowBatchedHttpRequests: false,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginDrainHttpServer({ httpServer: http, stopGracePeriodMillis: stopGracePeriod }),
      { serverWillStart: async () => ({ drainServer: closeSockets }) },
      operationLimits(schema),
      errorPresentation,
      legacyStatus,
      ...plugins,
    ],
  });
}

function operationLimits(schema: GraphQLSchema): ApolloServerPlugin<Context> {
  return {
    requestDidStart: async () => ({
      didResolveOperation: async ({ document, operationName, request, contextValue }) => {
        const error =
          checkScopes(schema, document, operationName, contextValue.viewer) ??
          checkOperation(schema, document, operationName, request.variables);
        if (error) throw error;
      },
    }),
  };
}

/** Errors leave through `presentErrors`, which needs the request's id: `formatError` does not know it. */
const errorPresentation: ApolloServerPlugin<Context> = {
  requestDidStart: async () => ({
    willSendResponse: async ({ errors, response: { body }, contextValue }) => {
      if (errors?.length && body.kind === 'single') body.singleResult.errors = presentErrors(errors, contextValue);
    },
  }),
};

/** GraphQL over HTTP: to a client that accepts only application/json, a well-formed request that is refused answers 200. */
const legacyStatus: ApolloServerPlugin<Context> = {
  requestDidStart: async () => ({
    willSendResponse: async ({ request, response: { http, body } }) => {
      const accept = request.http?.headers.get('accept') ?? '';
      const codes = body.kind === 'single' ? (body.singleResult.errors ?? []).map((e) => e.extensions?.code) : [];
      const legacy = accept.includes('application/json') && !accept.includes('graphql-response+json');
      if (legacy && http.status === 400 && codes.length && codes.every((code) => refusals.has(code))) http.status = 200;
    },
  }),
};

const refusals = new Set<unknown>(['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED', 'BAD_USER_INPUT']);
