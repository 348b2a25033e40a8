/** What every request passes, whether it comes over HTTP or over a WebSocket: limits of one operation, and rates of a client. */

import type { RequestHandler, Response } from 'express';
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  getOperationAST,
  OperationTypeNode,
  specifiedRules,
  type ValidationRule,
  validate,
} from 'graphql';
import { defaultLimits, type Limits } from '../domain/limits.ts';
import type { Viewer } from '../domain/viewer.ts';
import { checkScopes } from '../graphql/authorize.ts';
import { countRootFields } from '../graphql/cost.ts';
import { presentErrors } from '../graphql/errors.ts';
import { checkOperation, type OperationPolicy, validationRules } from '../graphql/limits.ts';
import type { Logger } from '../log.ts';
import { networkOf } from './address.ts';
import { clientOf, type LimitRefusal, viewerOf } from './auth/authenticate.ts';
import { type Buckets, createBuckets, createPlaces, type Places } from './buckets.ts';
import { sendTryAgain } from './requests.ts';

export interface Sender {
  readonly viewer: Viewer | null;
  readonly address: string;
}

export interface Gate extends OperationPolicy {
  /** By client: HTTP requests and operations over sockets. */
  readonly requests: Buckets;
  /** By address: requests that were answered 401. */
  readonly refusals: Buckets;
  /** By address. */
  readonly connections: Buckets;
  /** By address. */
  readonly sockets: Places;
  /** By client. */
  readonly subscriptions: Places;
  /** Whether an operation is valid and may run now: its cost, or every reason why not. */
  admit(
    sender: Sender & { readonly viewer: Viewer },
    document: DocumentNode,
    operationName: string | null | undefined,
    variables: Readonly<Record<string, unknown>> | null | undefined,
  ): number | readonly GraphQLError[];
  /** Errors as their client may see them. */
  present(
    errors: readonly GraphQLError[],
    request: { readonly requestId: string; readonly log: Logger },
  ): GraphQLFormattedError[];
}

export interface GateOptions {
  /** Those that are not the usual ones. */
  readonly limits?: Partial<Limits>;
  /** Left out: true. Whoever gets here may read. */
  readonly introspection?: boolean | undefined;
  readonly authentication: boolean;
}

export function createGate(schema: GraphQLSchema, { introspection = true, ...options }: GateOptions): Gate {
  const limits = { ...defaultLimits(options), ...options.limits };
  const rules = [...specifiedRules, ...validationRules({ limits, introspection })];
  const costs = createBuckets(limits.costPerMinute);
  const writes = createBuckets(limits.writesPerMinute);
  return {
    limits,
    introspection,
    requests: createBuckets(limits.requestsPerMinute),
    refusals: createBuckets(limits.refusalsPerMinute),
    connections: createBuckets(limits.connectionsPerMinute),
    sockets: createPlaces(limits.socketsPerAddress),
    subscriptions: createPlaces(limits.subscriptionsPerClient),
    admit: (sender, document, operationName, variables) => {
      const invalid = validationErrors(schema, document, rules);
      if (invalid.length) return invalid;
      const forbidden = checkScopes(schema, document, operationName, sender.viewer);
      if (forbidden) return [forbidden];
      const cost = checkOperation(schema, limits, document, operationName, variables);
      if (typeof cost !== 'number') return [cost];
      const client = rateKeyOf(sender);
      const isMutation = getOperationAST(document, operationName)?.operation === OperationTypeNode.MUTATION;
      const wait =
        (isMutation && writes.take(client, countRootFields(document, operationName))) || costs.take(client, cost);
      return wait ? [rateLimited(wait)] : cost;
    },
    present: (errors, request) =>
      presentErrors(errors, request).map((error) =>
        introspection ? error : { ...error, message: withoutSuggestion(error.message) },
      ),
  };
}

function validationErrors(
  schema: GraphQLSchema,
  document: DocumentNode,
  rules: readonly ValidationRule[],
): readonly GraphQLError[] {
  try {
    return validate(schema, document, rules).map(invalidOperation);
  } catch (error) {
    // So does GraphQL's rule of subscriptions with one field when it meets @include without its argument.
    if (error instanceof GraphQLError) return [invalidOperation(error)];
    throw error;
  }
}

function invalidOperation({ message, nodes, extensions }: GraphQLError): GraphQLError {
  if (message === 'Validation aborted.') return tooMuchToCompare();
  const code = extensions.code ?? 'GRAPHQL_VALIDATION_FAILED';
  return new GraphQLError(message, {
    nodes: nodes ?? null,
    extensions: { ...extensions, code, http: { status: 400 } },
  });
}

/** GraphQL compares all fields of one name with each other, and gives up where they are too many. */
function tooMuchToCompare(): GraphQLError {
  return new GraphQLError('The operation asks for too many fields more than once; ask for each once', {
    extensions: { code: 'LIMIT_EXCEEDED', http: { status: 400 } },
  });
}

/** Answers 429 to clients that have asked for too much within a minute. Stands behind what tells who asks. */
export function limitRequests(gate: Gate): RequestHandler {
  return (_request, response, next) => {
    const { address } = clientOf(response);
    const wait = gate.requests.take(rateKeyOf({ viewer: viewerOf(response), address }));
    if (wait) sendRateLimited(response, wait);
    else next();
  };
}

/**
 * Answers 429 instead of 401 to addresses that were refused too often. Good keys of the same address pass: a broken script locks
 * nobody out, and keys of 256 bits cannot be guessed.
 */
export function limitRefusals(gate: Gate): RequestHandler {
  return (_request, response, next) => {
    const limitRefusal: LimitRefusal = () => {
      const wait = gate.refusals.take(networkOf(clientOf(response).address));
      if (wait) sendRateLimited(response, wait);
      return wait > 0;
    };
    response.locals.limitRefusal = limitRefusal;
    next();
  };
}

function sendRateLimited(response: Response, seconds: number): void {
  sendTryAgain(response, 429, seconds, tooMuch(seconds), 'RATE_LIMITED');
}

/** Whose rates a request counts for: the key's, or those of the address it comes from. */
export function rateKeyOf({ viewer, address }: Sender): string {
  return viewer?.keyId ? `key ${viewer.keyId}` : networkOf(address);
}

/** `seconds`: after which the same would be taken. */
export function rateLimited(seconds: number): GraphQLError {
  return new GraphQLError(tooMuch(seconds), {
    extensions: {
      code: 'RATE_LIMITED',
      retryAfter: seconds,
      http: { status: 429, headers: new Map([['retry-after', String(seconds)]]) },
    },
  });
}

function tooMuch(seconds: number): string {
  return `Too much within a minute; try again in ${seconds} s`;
}

/** GraphQL ends many messages with the names of the schema that may have been meant. */
function withoutSuggestion(message: string): string {
  return message.replace(/ ?Did you mean [^?]*\?/g, '');
}
