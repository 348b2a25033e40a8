/** What one operation may ask for. The same limits hold over HTTP and over WebSocket. */

import { ApolloArmor } from '@escape.tech/graphql-armor';
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getArgumentValues,
  getNamedType,
  getNullableType,
  getOperationAST,
  getVariableValues,
  isAbstractType,
  isCompositeType,
  isListType,
  isObjectType,
  Kind,
  type SelectionSetNode,
  type ValidationContext,
  type ValidationRule,
} from 'graphql';
import { checkText } from './text.ts';

/** Lexical tokens of a document. GraphiQL's introspection has about 350. */
export const maxTokens = 2000;
/** Bytes of an HTTP body or a WebSocket message. */
export const maxMessageBytes = 1_000_000;
/** Operations running at once on one socket. */
export const maxOperationsPerSocket = 100;

const maxValues = 100_000;
/** What a list without a page size of its own is taken for. */
const assumedListLength = 10;

/**
 * Depth, aliases and directives by graphql-armor. Its token limit turns syntax errors into status 500, and its cost limit sees
 * neither variables nor default page sizes: tokens are limited by the parser, cost by `checkCost`.
 */
export const validationRules: ValidationRule[] = new ApolloArmor({
  maxDepth: { n: 14, ...reporting() },
  maxAliases: { n: 30, ...reporting() },
  maxDirectives: { n: 50, ...reporting() },
  maxTokens: { enabled: false },
  costLimit: { enabled: false },
  blockFieldSuggestion: { enabled: false },
}).protect().validationRules;

/** Armor words its refusals as syntax errors, which they are not. */
function reporting() {
  const report = (context: ValidationContext | null, { message }: GraphQLError) =>
    context?.reportError(
      new GraphQLError(message.replace(/^Syntax Error: /, ''), { extensions: { code: 'LIMIT_EXCEEDED' } }),
    );
  return { propagateOnRejection: false, onReject: [report] };
}

/** The error of a valid operation that is refused for what its arguments hold, or for what it could answer. */
export function checkOperation(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Readonly<Record<string, unknown>> | null | undefined,
): GraphQLError | null {
  return checkText(document, variables) ?? checkCost(schema, document, operationName, variables);
}

/** The error of an operation whose answer could hold too many values; null also when its variables do not fit. */
function checkCost(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Readonly<Record<string, unknown>> | null | undefined,
): GraphQLError | null {
  const operation = getOperationAST(document, operationName);
  const root = operation && schema.getRootType(operation.operation);
  if (!operation || !root) return null;
  const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variables ?? {});
  if (!coerced) return null;
  const cost = createCounter(schema, document, coerced)(operation.selectionSet, root);
  if (cost <= maxValues) return null;
  return new GraphQLError(
    `The answer could hold ${Math.round(cost)} values, more than the limit of ${maxValues}; ask for fewer fields or smaller pages`,
    { nodes: [operation], extensions: { code: 'LIMIT_EXCEEDED', http: { status: 400 } } },
  );
}

/** Counts values: one per field, times the page size of every connection and the assumed length of every other list around it. */
function createCounter(
  schema: GraphQLSchema,
  document: DocumentNode,
  variables: Readonly<Record<string, unknown>>,
): (selections: SelectionSetNode, parent: GraphQLObjectType) => number {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const node of document.definitions)
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
  /** By fragment and parent type: spreads of spreads would otherwise take exponential time to count. */
  const known = new Map<string, number>();

  function count({ selections }: SelectionSetNode, parent: GraphQLObjectType): number {
    let sum = 0;
    for (const node of selections) {
      switch (node.kind) {
        case Kind.FIELD:
          sum += countField(node, parent);
          break;
        case Kind.INLINE_FRAGMENT:
          sum += count(node.selectionSet, typeOf(node.typeCondition?.name.value, parent));
          break;
        case Kind.FRAGMENT_SPREAD:
          sum += countFragment(fragments.get(node.name.value)!, parent);
      }
    }
    return sum;
  }

  function countFragment(fragment: FragmentDefinitionNode, parent: GraphQLObjectType): number {
    const key = `${fragment.name.value} ${parent.name}`;
    const sum = known.get(key) ?? count(fragment.selectionSet, typeOf(fragment.typeCondition.name.value, parent));
    known.set(key, sum);
    return sum;
  }

  function countField(node: FieldNode, parent: GraphQLObjectType): number {
    const field = parent.getFields()[node.name.value];
    if (!field || !node.selectionSet) return 1; // __typename, introspection, and fields of interfaces count as one
    const type = getNamedType(field.type);
    if (!isCompositeType(type)) return 1;
    return 1 + lengthOf(field, node, parent) * count(node.selectionSet, representative(type.name));
  }

  function lengthOf(field: GraphQLField<unknown, unknown>, node: FieldNode, parent: GraphQLObjectType): number {
    if (field.args.some(({ name }) => name === 'first')) return pageSize(field, node);
    // The lists inside a connection hold the page that its `first` has been counted for.
    return isListType(getNullableType(field.type)) && !parent.name.endsWith('Connection') ? assumedListLength : 1;
  }

  function pageSize(field: GraphQLField<unknown, unknown>, node: FieldNode): number {
    try {
      return Math.max(1, Number(getArgumentValues(field, node, variables).first ?? assumedListLength));
    } catch {
      return 1; // The executor refuses these arguments with a better message.
    }
  }

  function typeOf(name: string | undefined, parent: GraphQLObjectType): GraphQLObjectType {
    return name === undefined || name === parent.name ? parent : representative(name);
  }

  /** The type itself, or one that implements the interface: enough to count the fields they share. */
  function representative(name: string): GraphQLObjectType {
    const type = schema.getType(name);
    if (isObjectType(type)) return type;
    if (isAbstractType(type)) return schema.getPossibleTypes(type)[0]!;
    throw new Error(`${name} has no fields`);
  }

  return count;
}
