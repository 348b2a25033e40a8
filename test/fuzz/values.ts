/** Values for arguments and variables: most of the right type, some of any other. */

import { type GraphQLInputType, isEnumType, isInputObjectType, isListType, isNonNullType } from 'graphql';
import type { Choice } from './random.ts';

/** An enum's value stands for itself in a document; in variables it is text. */
class EnumName {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

type Value = unknown;

const texts = [
  ...[
    '',
    ' ',
    'a',
    'valid/error_rate',
    'convnext_atto',
    'vit*',
    'status = SUCCEEDED',
    'arch like vit* and (tag in (a, "b"))',
  ],
  ...[
    'x'.repeat(300),
    'x'.repeat(20_000),
    '((((((((((',
    'not not not a = 1',
    'valid/error_rate < 1e999',
    'accumulation = 99999999999999999999',
  ],
  ...[
    '\u0000',
    '\ud800',
    '\udc00x',
    '💥'.repeat(50),
    '\u202eabc',
    'ﬀ',
    '\r\n',
    '%',
    '_',
    '\\',
    "'; --",
    '%00',
    '../../etc',
    '/nowhere',
    'C:\\x',
  ],
  ...[
    'NaN',
    'Infinity',
    '-1',
    '1e308',
    '2026-11-23T04:00:00.000Z',
    '9999-99-99T99:99:99Z',
    'eyJhIjoxfQ==',
    'null',
    '__proto__',
    'constructor',
    'toString',
  ],
  ...['file:///nowhere', 'hf://a/b', 'hf://..', 'http://127.0.0.1:1/x'],
];

const numbers = [
  ...[0, 1, -1, 2, 3, 10, 50, 100, 101, 1000, 0.5, -0.5, 1e-300, 5e-324, 1e308, -1e308, 1e21],
  ...[2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 53 - 1, 2 ** 53, 2 ** 63, 2 ** 64, -0],
];

/** `ids`: of things that exist. */
export function inputOf(type: GraphQLInputType, choice: Choice, ids: readonly string[], depth = 0): Value {
  if (isNonNullType(type)) return choice.chance(0.01) ? null : inputOf(type.ofType, choice, ids, depth);
  if (choice.chance(0.04)) return odd(choice, ids);
  if (depth > 0 && choice.chance(0.5)) return undefined;
  if (isListType(type)) {
    const length = choice.chance(0.02) ? 500 : choice.below(4);
    return Array.from({ length }, () => inputOf(type.ofType, choice, ids, 0));
  }
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields()).map((field) => {
      const required = isNonNullType(field.type) && field.defaultValue === undefined;
      return [field.name, inputOf(field.type, choice, ids, required ? 0 : depth + 1)] as const;
    });
    const given = fields.filter(([, value]) => value !== undefined);
    if (choice.chance(0.03)) given.push([choice.of(['nonsense', '__proto__', 'toString']), 1]);
    return Object.fromEntries(given);
  }
  if (isEnumType(type)) return new EnumName(choice.chance(0.98) ? choice.of(type.getValues()).name : 'NONSENSE');
  switch (type.name) {
    case 'ID':
      return choice.chance(0.85) ? choice.of(ids) : choice.of(texts);
    case 'Int':
    case 'Long':
    case 'Bytes':
      return choice.chance(0.6) ? choice.below(60) : choice.of(numbers);
    case 'Float':
      return choice.chance(0.5) ? choice.below(1000) / 1000 : choice.of(numbers);
    case 'Boolean':
      return choice.chance(0.5);
    default:
      return choice.chance(0.2) ? choice.of(ids) : choice.of(texts);
  }
}

/** Something of no particular type. */
export function odd(choice: Choice, ids: readonly string[]): Value {
  switch (choice.below(8)) {
    case 0:
      return null;
    case 1:
      return choice.of(texts);
    case 2:
      return choice.of(numbers);
    case 3:
      return choice.chance(0.5);
    case 4:
      return [choice.of(ids), choice.of(numbers), []];
    case 5:
      return { [choice.of(texts)]: choice.of(numbers), constructor: { prototype: {} } };
    case 6: {
      let value: unknown = choice.of(texts);
      for (let i = choice.below(60); i > 0; i--) value = choice.chance(0.5) ? [value] : { a: value };
      return value;
    }
    default:
      return Array.from({ length: choice.below(300) }, () => choice.of(ids));
  }
}

/** JSON, with enum values as text; `__proto__` is a key like any other. */
export function asJson(value: Value): unknown {
  if (value instanceof EnumName) return value.name;
  if (Array.isArray(value)) return value.map(asJson);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, asJson(child)]));
  }
  return value;
}

/** As it stands in a GraphQL document. */
export function asLiteral(value: Value): string {
  if (value instanceof EnumName) return value.name;
  if (Array.isArray(value)) return `[${value.map(asLiteral).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).map(([key, child]) => `${key.replace(/\W/g, '') || 'x'}: ${asLiteral(child)}`);
    return `{${fields.join(', ')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}
