/** The schema's own scalars. Input is taken strictly: nothing is rounded, parsed out of strings or cut. */

import { GraphQLError, Kind, type ValueNode, valueFromASTUntyped } from 'graphql';

/** Without name and description: those are the SDL's. */
interface ScalarFunctions<T, Json> {
  serialize(value: unknown): Json;
  parseValue(value: unknown): T;
  parseLiteral(node: ValueNode, variables?: Record<string, unknown> | null): T;
}

/** Integers in a range that JSON numbers carry exactly. */
function integerScalar(name: string, smallest: number): ScalarFunctions<number, number> {
  const parse = (value: unknown): number => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= smallest) return value;
    throw new GraphQLError(
      `${name} must be an integer from ${smallest} to ${Number.MAX_SAFE_INTEGER}, got ${show(value)}`,
    );
  };
  return {
    serialize: (value) => {
      if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
      throw new TypeError(`${name} cannot carry ${show(value)}`);
    },
    parseValue: parse,
    parseLiteral: (node) => parse(node.kind === Kind.INT ? Number(node.value) : valueFromASTUntyped(node)),
  };
}

const dateTime: ScalarFunctions<Date, string> = {
  serialize: (value) => {
    if (value instanceof Date) return value.toISOString();
    throw new TypeError(`DateTime cannot carry ${show(value)}`);
  },
  parseValue: parseDateTime,
  parseLiteral: (node) => parseDateTime(valueFromASTUntyped(node)),
};

function parseDateTime(value: unknown): Date {
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/.test(value)) {
    const date = new Date(value);
    if (!Number.isNaN(date.getTime())) return date;
  }
  throw new GraphQLError(`DateTime must look like 2026-11-23T04:00:00.000Z, got ${show(value)}`);
}

const jsonObject: ScalarFunctions<Record<string, unknown>, Record<string, unknown>> = {
  serialize: asObject(TypeError),
  parseValue: asObject(GraphQLError),
  parseLiteral: (node, variables) => asObject(GraphQLError)(valueFromASTUntyped(node, variables)),
};

function asObject(Failure: new (message: string) => Error): (value: unknown) => Record<string, unknown> {
  return (value) => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    throw new Failure(`JSONObject must be an object, got ${show(value)}`);
  };
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 100);
}

export const scalarResolvers = {
  Bytes: integerScalar('Bytes', 0),
  DateTime: dateTime,
  JSONObject: jsonObject,
  Long: integerScalar('Long', Number.MIN_SAFE_INTEGER),
};
