import { readFileSync } from 'node:fs';
import {
  buildSchema,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isIntrospectionType,
  isObjectType,
  lexicographicSortSchema,
  printSchema,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { scalarResolvers } from '../../src/graphql/scalars.ts';
import { createSchema } from '../../src/graphql/schema.ts';

const schema = createSchema();
const types = Object.values(schema.getTypeMap()).filter((type) => !isIntrospectionType(type));

describe('schema', () => {
  test('describes every type, and every operation', () => {
    const silent = types.filter(({ description }) => !description).map(({ name }) => name);
    expect(silent).toEqual([]);
  });

  test('every payload carries userErrors beside a nullable object', () => {
    const payloads = types.filter(isObjectType).filter(({ name }) => name.endsWith('Payload'));
    expect(payloads.length).toBeGreaterThan(5);
    for (const payload of payloads) {
      const { userErrors, ...objects } = payload.getFields();
      expect(String(userErrors?.type)).toBe('[UserError!]!');
      expect(Object.values(objects).length).toBeGreaterThan(0);
      expect(Object.values(objects).filter(({ type }) => String(type).endsWith('!'))).toEqual([]);
    }
  });

  test('every write that makes something takes an idempotency key', () => {
    const inputs = types
      .filter(isInputObjectType)
      .filter(({ name }) => /^(Import|Create|Start|ProbeMemory)\w*Input$/.test(name))
      // Its secret is shown once: a second answer could not have it.
      .filter(({ name }) => name !== 'CreateApiKeyInput');
    expect(inputs.length).toBe(7);
    for (const input of inputs) expect(input.getFields()).toHaveProperty('idempotencyKey');
  });

  test('directive @needs stands on root fields only, whose descriptions tell the scope too', () => {
    const fields = types
      .filter(isObjectType)
      .flatMap((type) => Object.values(type.getFields()).map((field) => ({ type: type.name, field })));
    const marked = fields.filter(({ field }) => field.astNode?.directives?.some(({ name }) => name.value === 'needs'));
    expect(marked.map(({ field }) => field.name).sort()).toEqual(['auditLog', 'createApiKey', 'revokeApiKey']);
    for (const { type, field } of marked) {
      expect(['Query', 'Mutation', 'Subscription']).toContain(type);
      expect(field.description).toContain('Needs ADMIN.');
    }
  });

  test('schema.graphql in the repository is this schema', () => {
    const stored = readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8');
    const sorted = (of: GraphQLSchema) => printSchema(lexicographicSortSchema(of));
    expect(sorted(buildSchema(stored))).toBe(sorted(schema));
  });

  test('has a value for every kind of event', () => {
    const kinds = types.filter(isEnumType).find(({ name }) => name === 'RunEventKind')!;
    const events = schema.getPossibleTypes(schema.getType('RunEvent') as Parameters<typeof schema.getPossibleTypes>[0]);
    expect(events.length).toBe(kinds.getValues().length);
  });
});

describe('scalars', () => {
  const { Bytes, DateTime, JSONObject, Long } = scalarResolvers;

  test('integers are taken and given exactly, or not at all', () => {
    expect(Bytes.parseValue(2 ** 53 - 1)).toBe(2 ** 53 - 1);
    expect(Long.parseValue(-5)).toBe(-5);
    for (const wrong of [-1, 1.5, 2 ** 53, '12', null, true, Number.NaN]) {
      expect(() => Bytes.parseValue(wrong)).toThrow('Bytes must be an integer from 0');
    }
    for (const wrong of [1.5, Number.POSITIVE_INFINITY, '3'])
      expect(() => Long.serialize(wrong)).toThrow('Long cannot');
  });

  test('moments are ISO 8601 with a zone', () => {
    expect(DateTime.serialize(new Date(0))).toBe('1970-01-01T00:00:00.000Z');
    expect(DateTime.parseValue('2026-11-23T05:00:00+01:00')).toEqual(new Date('2026-11-23T04:00:00Z'));
    for (const wrong of ['2026-11-23', 'tomorrow', 0, '2026-13-01T00:00:00Z']) {
      expect(() => DateTime.parseValue(wrong)).toThrow('DateTime must look like');
    }
    expect(() => DateTime.serialize('2026-11-23T04:00:00.000Z')).toThrow('DateTime cannot carry');
  });

  test('JSON objects are objects', () => {
    expect(JSONObject.serialize({ a: [1] })).toEqual({ a: [1] });
    for (const wrong of [[], 'x', null, 1]) expect(() => JSONObject.parseValue(wrong)).toThrow('must be an object');
  });
});
