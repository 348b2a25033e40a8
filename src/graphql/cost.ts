/** What an operation could cost at most: the number of values of its answer, and those that it brings along. */

import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getArgumentValues,
  getNamedType,
  getNullableType,
  getOperationAST,
  getVariableValues,
  introspectionTypes,
  isAbstractType,
  isCompositeType,
  isListType,
  isObjectType,
  Kind,
  SchemaMetaFieldDef,
  type SelectionSetNode,
  TypeMetaFieldDef,
} from 'graphql';

/** What a list without a page size of its own is taken for. */
const assumedListLength = 10;
/** What a list inside of what introspection tells of a type is taken for: a type has fields or values, not both, and few have arguments. */
const assumedIntrospectionLength = 2;
/** Arguments that say how much of a list is asked for. */
const sizes = ['first', 'last', 'maxPoints'];

/** Null when there is no such operation, or when its variables do not fit: it is not executed then. */
export function costOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Readonly<Record<string, unknown>> | null | undefined,
): number | null {
  const operation = getOperationAST(document, operationName);
  const root = operation && schema.getRootType(operation.operation);
  if (!operation || !root) return null;
  const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variables ?? {});
  if (!coerced) return null;
  return createCounter(schema, document, coerced)(operation.selectionSet, root) + countValues(coerced);
}

/** Root fields of an operation, each as often as it stands there: for mutations, what they do. */
export function countRootFields(document: DocumentNode, operationName: string | null | undefined): number {
  const operation = getOperationAST(document, operationName);
  const fragments = fragmentsOf(document);
  const count = ({ selections }: SelectionSetNode): number =>
    selections.reduce((sum, node) => {
      if (node.kind === Kind.FIELD) return sum + 1;
      if (node.kind === Kind.INLINE_FRAGMENT) return sum + count(node.selectionSet);
      return sum + count(fragments.get(node.name.value)!.selectionSet);
    }, 0);
  return operation ? count(operation.selectionSet) : 0;
}

function fragmentsOf({ definitions }: DocumentNode): Map<string, FragmentDefinitionNode> {
  return new Map(
    definitions.flatMap((node) => (node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node] as const] : [])),
  );
}

/**
 * Counts values: one per field, times the page size of every connection and the assumed length of every other list around it.
 * Elements of list arguments count, for each is looked for.
 */
function createCounter(
  schema: GraphQLSchema,
  document: DocumentNode,
  variables: Readonly<Record<string, unknown>>,
): (selections: SelectionSetNode, parent: GraphQLObjectType) => number {
  const fragments = fragmentsOf(document);
  /** By fragment, parent type and page: spreads of spreads would otherwise take exponential time to count. */
  const known = new Map<string, number>();

  /** `paged`: the parent is one page, whose lists hold what its size has been counted for. */
  function count({ selections }: SelectionSetNode, parent: GraphQLObjectType, paged: boolean): number {
    let sum = 0;
    for (const node of selections) {
      switch (node.kind) {
        case Kind.FIELD:
          sum += countField(node, parent, paged);
          break;
        case Kind.INLINE_FRAGMENT:
          sum += count(node.selectionSet, typeOf(node.typeCondition?.name.value, parent), paged);
          break;
        case Kind.FRAGMENT_SPREAD:
          sum += countFragment(fragments.get(node.name.value)!, parent, paged);
      }
    }
    return sum;
  }

  function countFragment(fragment: FragmentDefinitionNode, parent: GraphQLObjectType, paged: boolean): number {
    const key = `${fragment.name.value} ${parent.name} ${paged}`;
    const sum =
      known.get(key) ?? count(fragment.selectionSet, typeOf(fragment.typeCondition.name.value, parent), paged);
    known.set(key, sum);
    return sum;
  }

  function countField(node: FieldNode, parent: GraphQLObjectType, paged: boolean): number {
    const field = fieldOf(node, parent);
    if (!field) return 1; // __typename, and fields of interfaces
    const given = argumentsOf(field, node);
    const size = sizeIn(field, given);
    const length = lengthOf(field, parent, paged, given);
    const type = getNamedType(field.type);
    if (!isCompositeType(type) || !node.selectionSet) return length + countLists(given);
    const element = representative(type.name);
    const inside = count(node.selectionSet, element, size !== null);
    // A size is that of the list itself, unless it is that of the lists in its elements: `maxPoints` of each series.
    const isOwn = isListType(getNullableType(field.type)) && !hasLists(element);
    return 1 + (isOwn && size !== null ? 1 : length) * (size ?? 1) * inside + countLists(given);
  }

  function hasLists(type: GraphQLObjectType): boolean {
    return Object.values(type.getFields()).some((field) => isListType(getNullableType(field.type)));
  }

  function fieldOf(node: FieldNode, parent: GraphQLObjectType): GraphQLField<unknown, unknown> | undefined {
    const known = parent.getFields()[node.name.value];
    return known ?? (parent === schema.getQueryType() ? introspectionField(node.name.value) : undefined);
  }

  function introspectionField(name: string): GraphQLField<unknown, unknown> | undefined {
    return [SchemaMetaFieldDef, TypeMetaFieldDef].find((field) => field.name === name);
  }

  function lengthOf(
    field: GraphQLField<unknown, unknown>,
    parent: GraphQLObjectType,
    paged: boolean,
    given: Readonly<Record<string, unknown>>,
  ): number {
    if (!isListType(getNullableType(field.type)) || paged) return 1;
    if (introspectionTypes.includes(parent)) {
      return field.name === 'types' ? Object.keys(schema.getTypeMap()).length : assumedIntrospectionLength;
    }
    const lists = Object.values(given).filter(Array.isArray);
    return lists.length ? Math.max(1, ...lists.map((list) => list.length)) : assumedListLength;
  }

  function argumentsOf(field: GraphQLField<unknown, unknown>, node: FieldNode): Readonly<Record<string, unknown>> {
    try {
      return getArgumentValues(field, node, variables);
    } catch {
      return {}; // The executor refuses these arguments with a better message.
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

  return (selections, parent) => count(selections, parent, false);
}

/** How many entries a field is asked for; null where its arguments do not say. */
function sizeIn(field: GraphQLField<unknown, unknown>, given: Readonly<Record<string, unknown>>): number | null {
  if (!field.args.some(({ name }) => sizes.includes(name))) return null;
  const asked = sizes.flatMap((name) => (given[name] == null ? [] : [Number(given[name])]));
  return asked.length ? Math.max(1, ...asked) : assumedListLength;
}

function countLists(given: Readonly<Record<string, unknown>>): number {
  return Object.values(given).reduce<number>((sum, value) => sum + (Array.isArray(value) ? value.length : 0), 0);
}

/** Values in lists and objects, at any depth. */
function countValues(variables: Readonly<Record<string, unknown>>): number {
  let sum = 0;
  const left: unknown[] = Object.values(variables);
  while (left.length) {
    const value = left.pop();
    sum++;
    if (typeof value === 'object' && value !== null) for (const child of Object.values(value)) left.push(child);
  }
  return sum;
}
