/** What one operation may ask for. The same limits hold over HTTP and over WebSocket. */

import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  NoSchemaIntrospectionCustomRule,
  type ValidationRule,
} from 'graphql';
import type { Limits } from '../domain/limits.ts';
import { costOf } from './cost.ts';
import { documentLimits } from './documentLimits.ts';
import { checkText } from './text.ts';

/** Besides those of GraphQL itself. The parser limits tokens, `checkOperation` the rest. */
export function validationRules({ limits, introspection }: OperationPolicy): ValidationRule[] {
  return [documentLimits(limits), ...(introspection ? [] : [NoSchemaIntrospectionCustomRule])];
}

export interface OperationPolicy {
  readonly limits: Limits;
  /** Whether clients may ask for the schema, and are told the names that they may have meant. */
  readonly introspection: boolean;
}

/**
 * The cost of a valid operation; or its error, when it is refused for what its arguments hold or for what it could answer. Zero when it
 * will not be executed: there is no such operation, or its variables do not fit.
 */
export function checkOperation(
  schema: GraphQLSchema,
  limits: Limits,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Readonly<Record<string, unknown>> | null | undefined,
): number | GraphQLError {
  const error = checkText(document, variables, limits.variableDepth);
  if (error) return error;
  const cost = costOf(schema, document, operationName, variables) ?? 0;
  return cost <= limits.cost ? cost : tooExpensive(cost, limits.cost);
}

function tooExpensive(cost: number, limit: number): GraphQLError {
  return new GraphQLError(
    `The answer could hold ${cost} values, more than the limit of ${limit}; ask for fewer fields or smaller pages`,
    { extensions: { code: 'LIMIT_EXCEEDED', cost, limit, http: { status: 400 } } },
  );
}
