import { readFileSync } from 'node:fs';
import { buildSchema, parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import * as operations from '../../src/bin/demo/operations.ts';
import * as training from '../../src/bin/demo/trainingOperations.ts';

const schema = buildSchema(readFileSync('schema.graphql', 'utf8'));

test.each(Object.entries({ ...operations, ...training }))('%s is a document of the schema', (_, { text }) => {
  expect(validate(schema, parse(text)).map((error) => error.message)).toEqual([]);
});
