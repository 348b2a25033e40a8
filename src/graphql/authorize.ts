/** What a viewer's scopes allow: the same over HTTP and over WebSocket, decided once for the whole operation before it begins. */

import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLObjectType,
  type GraphQLSchema,
  getDirectiveValues,
  getOperationAST,
  Kind,
  type OperationTypeNode,
  type SelectionSetNode,
} from 'graphql';
import { allows, type Scope, scopes, type Viewer } from '../domain/viewer.ts';

/** What root fields need that have no directive @needs. */
const usual: Readonly<Record<OperationTypeNode, Scope>> = { query: 'READ', subscription: 'READ', mutation: 'WRITE' };

/** The error of a valid operation that the viewer may not do; null also when the document has no such operation. */
export function checkScopes(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  viewer: Viewer,
): GraphQLError | null {
  for (const [field, scope] of neededScopes(schema, document, operationName)) {
    if (!allows(viewer.scopes, scope)) return forbidden(`${field} needs the scope ${scope}`, viewer);
  }
  return null;
}

/** Root fields of the operation with the scope each needs; those that @skip leaves out count too. */
export function neededScopes(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
): Map<string, Scope> {
  const operation = getOperationAST(document, operationName);
  const root = operation && schema.getRootType(operation.operation);
  if (!operation || !root) return new Map();
  const names = rootFields(operation.selectionSet, document);
  return new Map([...names].map((name) => [name, scopeOf(schema, root, name) ?? usual[operation.operation]]));
}

/** Of directive @needs; undefined where there is none, introspection fields included. */
function scopeOf(schema: GraphQLSchema, root: GraphQLObjectType, name: string): Scope | undefined {
  const node = root.getFields()[name]?.astNode;
  const needs = schema.getDirective('needs');
  if (!node || !needs) return undefined;
  const scope = getDirectiveValues(needs, node)?.scope;
  return scopes.find((known) => known === scope);
}

function rootFields(selections: SelectionSetNode, document: DocumentNode): Set<string> {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const node of document.definitions)
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
  const fields = new Set<string>();
  const left = [selections];
  for (let set = left.pop(); set; set = left.pop()) {
    for (const node of set.selections) {
      switch (node.kind) {
        case Kind.FIELD:
          fields.add(node.name.value);
          break;
        case Kind.INLINE_FRAGMENT:
          left.push(node.selectionSet);
          break;
        case Kind.FRAGMENT_SPREAD: {
          const fragment = fragments.get(node.name.value);
          // once is enough
          if (fragment) left.push(fragment.selectionSet);
          fragments.delete(node.name.value);
        }
      }
    }
  }
  return fields;
}

function forbidden(what: string, viewer: Viewer): GraphQLError {
  const message = `${what}; ${viewer.name} has ${viewer.scopes.join(', ') || 'none'}`;
  return new GraphQLError(message, { extensions: { code: 'FORBIDDEN', http: { status: 403 } } });
}
