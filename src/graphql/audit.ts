/** Every mutation leaves an entry in the audit log, whatever becomes of it. */

import {
  type DocumentNode,
  defaultFieldResolver,
  GraphQLError,
  type GraphQLFieldResolver,
  type GraphQLSchema,
  getOperationAST,
  OperationTypeNode,
} from 'graphql';
import { type AuditResult, askerOf, audited, auditRefusal, idsIn } from '../commands/audit.ts';
import { idKind } from '../domain/ids.ts';
import { messageOf, UserInputError, type UserProblem } from '../errors.ts';
import type { Resolvers } from '../generated/graphql.ts';
import { auditCursor, listAuditEntries } from '../store/audit.ts';
import { neededScopes } from './authorize.ts';
import { connection, pageRequest } from './connection.ts';
import type { Context } from './context.ts';

export const auditResolvers: Resolvers = {
  Query: {
    auditLog: async (_, page, { db }) => connection(await listAuditEntries(db, pageRequest(page)), auditCursor),
  },
};

/** Wraps the resolver of each mutation, in place. */
export function auditMutations(schema: GraphQLSchema): void {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    field.resolve = auditing(field.name, field.resolve ?? defaultFieldResolver);
  }
}

/**
 * Notes a mutation that the viewer's scopes did not allow: nothing of it has happened. Other refusals and operations leave nothing.
 * @returns what to answer: the refusals, or why they could not be noted
 */
export async function auditForbidden(
  context: Context,
  { schema, document, operationName, variables }: RefusedOperation,
  refusals: readonly GraphQLError[],
): Promise<readonly GraphQLError[]> {
  const isMutation = getOperationAST(document, operationName)?.operation === OperationTypeNode.MUTATION;
  if (refusals[0]?.extensions.code !== 'FORBIDDEN' || !isMutation) return refusals;
  const ids = idsIn(variables);
  try {
    for (const operation of neededScopes(schema, document, operationName).keys()) {
      await auditRefusal(context.commands, askerOf(context), { operation, ids }, 'FORBIDDEN');
    }
    return refusals;
  } catch (error) {
    return [
      new GraphQLError(messageOf(error), { originalError: error as Error, extensions: { http: { status: 500 } } }),
    ];
  }
}

export interface RefusedOperation {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operationName: string | null | undefined;
  readonly variables: Readonly<Record<string, unknown>> | null | undefined;
}

type Resolver = GraphQLFieldResolver<unknown, Context>;

function auditing(operation: string, resolve: Resolver): Resolver {
  return async (source, args, context, info) => {
    let begun = false;
    const work = async () => {
      begun = true;
      return resolve(source, args, context, info);
    };
    try {
      const write = { operation, ids: idsIn(args) };
      return await audited(context.commands, askerOf(context), write, work, describe);
    } catch (error) {
      // That the log cannot take it is a refusal like another: data of the payload.
      if (begun || !(error instanceof UserInputError)) throw error;
      return { userErrors: error.problems };
    }
  };
}

/** Of a payload: the object that was written, or the refusals. */
function describe(result: unknown): AuditResult {
  if (result instanceof GraphQLError) return { outcome: 'REFUSED', codes: [codeOf(result)], ids: [] };
  const { userErrors = [], ...objects } = (result ?? {}) as { readonly userErrors?: readonly UserProblem[] };
  const codes = [...new Set(userErrors.map(({ code }) => code))];
  return { outcome: codes.length ? 'REFUSED' : 'SUCCEEDED', codes, ids: Object.values(objects).flatMap(idOf) };
}

function codeOf({ extensions: { code } }: GraphQLError): string {
  return typeof code === 'string' ? code : 'BAD_USER_INPUT';
}

/** The id of an object of ours, or the value itself where it is one. */
function idOf(value: unknown): string[] {
  const id = typeof value === 'object' && value !== null ? (value as { readonly id?: unknown }).id : value;
  return typeof id === 'string' && idKind(id) ? [id] : [];
}
