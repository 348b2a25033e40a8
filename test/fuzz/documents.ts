/** Operations made of the schema: fields, arguments, fragments, aliases and directives, right and wrong. */

import {
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import type { Choice } from './random.ts';
import { asJson, asLiteral, inputOf, odd } from './values.ts';

export interface Operation {
  readonly type: 'query' | 'mutation' | 'subscription';
  readonly query: string;
  readonly variables: unknown;
  readonly operationName?: unknown;
}

export function operationOf(schema: GraphQLSchema, choice: Choice, ids: readonly string[]): Operation {
  const type = choice.of(['query', 'query', 'query', 'mutation', 'mutation', 'subscription'] as const);
  const root = schema.getRootType(type as never)!;
  const variables: Record<string, unknown> = {};
  const declared: string[] = [];
  const fragments: string[] = [];

  function field(node: GraphQLField<unknown, unknown>, depth: number): string {
    const args = node.args.flatMap((argument) => {
      const required = isNonNullType(argument.type) && argument.defaultValue === undefined;
      if (!required && choice.chance(0.6)) return [];
      const value = inputOf(argument.type, choice, ids);
      if (choice.chance(0.6)) {
        const name = `v${declared.length}`;
        const nullable = choice.chance(0.03) ? String(getNamedType(argument.type)) : String(argument.type);
        declared.push(`$${name}: ${nullable}`);
        if (choice.chance(0.98)) variables[name] = asJson(value);
        return [`${argument.name}: $${name}`];
      }
      return [`${argument.name}: ${asLiteral(value)}`];
    });
    const alias = choice.chance(0.08) ? `${choice.of(['a', 'b', '__a', 'id'])}${choice.below(50)}: ` : '';
    const directive = choice.chance(0.03)
      ? choice.of([' @include(if: true)', ' @skip(if: false)', ' @deprecated', ' @include', ' @nonsense'])
      : '';
    const named = getNamedType(node.type);
    const inside = isCompositeType(named) ? ` ${selections(named.name, depth + 1)}` : '';
    const given = args.length ? `(${args.join(', ')})` : '';
    return `${alias}${node.name}${given}${directive}${inside}`;
  }

  function selections(name: string, depth: number): string {
    const named = schema.getType(name)!;
    if (isAbstractType(named)) {
      const parts = choice.chance(0.3) ? schema.getPossibleTypes(named) : [choice.of(schema.getPossibleTypes(named))];
      return `{ __typename ${parts.map((part) => `... on ${part.name} ${selections(part.name, depth + 1)}`).join(' ')} }`;
    }
    const all = Object.values((named as GraphQLObjectType).getFields());
    const leaves = all.filter((node) => !isCompositeType(getNamedType(node.type)));
    const deep = choice.chance(0.02) ? 16 : 6;
    const pool = depth >= deep && leaves.length ? leaves : all;
    const count = depth === 0 ? 1 + choice.below(2) : 1 + choice.below(4);
    const chosen = Array.from({ length: count }, () => choice.of(pool)).filter(
      (node) => depth < deep || !isCompositeType(getNamedType(node.type)),
    );
    const body = chosen.length ? chosen.map((node) => field(node, depth)).join(' ') : '__typename';
    if (isObjectType(named) && depth > 0 && choice.chance(0.05)) {
      const fragment = `F${fragments.length}`;
      const cycle = choice.chance(0.05) ? ` ...${fragment}` : '';
      fragments.push(`fragment ${fragment} on ${choice.chance(0.97) ? name : 'Run'} { ${body}${cycle} }`);
      return `{ ...${fragment} ${choice.chance(0.2) ? `...${fragment}` : ''} }`;
    }
    return `{ ${body} }`;
  }

  const body = choice.chance(0.03) ? bomb(choice, fragments) : selections(root.name, 0);
  const name = choice.chance(0.3) ? choice.of(['A', 'constructor', 'x'.repeat(500)]) : '';
  const header = declared.length ? `(${declared.join(', ')})` : '';
  const second = choice.chance(0.02) ? ' query A { __typename }' : '';
  const keyword = type === 'query' && !name && !header && choice.chance(0.5) ? '' : `${type} ${name}${header} `;
  return {
    type,
    query: `${keyword}${body} ${fragments.join(' ')}${second}`,
    variables: choice.chance(0.03) ? asJson(odd(choice, ids)) : variables,
    ...(choice.chance(0.05) && {
      operationName: choice.of<unknown>(['A', '', null, 1, 'nonsense', ['A'], '__proto__']),
    }),
  };
}

/** What is small to write and large to answer, or to check. */
function bomb(choice: Choice, fragments: string[]): string {
  switch (choice.below(6)) {
    case 0: {
      for (let i = 0; i < 25; i++) fragments.push(`fragment B${i} on Query { ...B${i + 1} ...B${i + 1} }`);
      fragments.push('fragment B25 on Query { __typename }');
      return '{ ...B0 }';
    }
    case 1:
      return `{ ${Array.from({ length: 300 }, (_, i) => `a${i}: server { version }`).join(' ')} }`;
    case 2:
      return `{ experiments { nodes { ${'runs { nodes { experiment { '.repeat(20)} id ${'} } }'.repeat(20)} } } }`;
    case 3:
      return `{ __schema { types { ${'fields { type { '.repeat(6)} name ${'} }'.repeat(6)} } } }`;
    case 4:
      return `{ server ${'@include(if: true) '.repeat(200)} { version } }`;
    default:
      return `{ node(id: ${'['.repeat(400)}${']'.repeat(400)}) { id } }`;
  }
}
