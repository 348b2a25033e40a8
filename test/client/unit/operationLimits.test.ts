import { type DocumentNode, Kind, type OperationDefinitionNode, parse, print, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import * as generated from '../../../client/src/generated/operations.ts';
import { defaultLimits } from '../../../src/domain/limits.ts';
import { costOf } from '../../../src/graphql/cost.ts';
import { documentLimits } from '../../../src/graphql/documentLimits.ts';
import { createSchema } from '../../../src/graphql/schema.ts';

/** Sizes of pages and series that pages ask for, where they are others than 100 and 1000. */
const sizes: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  ExperimentsPage: { first: 50 },
  Leaderboard: { first: 200 },
  LeaderboardUpdates: { first: 200 },
  DatasetProblems: { first: 1000 },
  RunPage: { maxPoints: 800, maxMemoryPoints: 500 },
  ScatterPoints: { first: 10_000 },
};

const schema = createSchema();
const limits = defaultLimits({ authentication: true });
const documents = Object.values(generated).flatMap((value) =>
  value instanceof generated.TypedDocumentString ? [String(value)] : [],
);
const operations = documents.flatMap((text): [name: string, text: string][] => {
  const operation = operationOf(parse(text));
  return operation ? [[operation.name!.value, text]] : [];
});

function operationOf({ definitions }: DocumentNode): OperationDefinitionNode | undefined {
  return definitions.find((node) => node.kind === Kind.OPERATION_DEFINITION);
}

/** A value for each variable that must have one, and for every size. */
function variablesOf({ name, variableDefinitions = [] }: OperationDefinitionNode): Record<string, unknown> {
  return Object.fromEntries(
    variableDefinitions.flatMap(({ variable, type }) => {
      const own = variable.name.value;
      const size = sizes[name!.value]?.[own];
      if (size !== undefined) return [[own, size]];
      if (own === 'first' || own === 'last') return [[own, 100]];
      if (/^max.*Points$/.test(own)) return [[own, 1000]];
      return type.kind === Kind.NON_NULL_TYPE ? [[own, madeUp(print(type.type))]] : [];
    }),
  );
}

/** Of lists as many as somebody may pick. */
function madeUp(type: string): unknown {
  if (type.startsWith('[')) return Array.from({ length: 12 }, (_, i) => `${i}`);
  if (type === 'Int') return 100;
  if (type === 'Boolean') return true;
  return type === 'ID' || type === 'String' ? 'x' : undefined;
}

describe('the operations of the dashboard', () => {
  test('are all here', () => {
    expect(operations.length).toBeGreaterThan(40);
    const names = new Set(operations.map(([name]) => name));
    for (const name of Object.keys(sizes)) expect(names).toContain(name);
  });

  test.for(operations)('%s stays within the limits of a server with keys', ([, text]) => {
    const document = parse(text, { maxTokens: limits.tokens });
    expect(validate(schema, document)).toEqual([]);
    expect(validate(schema, document, [documentLimits(limits)])).toEqual([]);
    const cost = costOf(schema, document, undefined, variablesOf(operationOf(document)!));
    // Without a cost: an input that is not made up here, of a write.
    expect(cost ?? 0).toBeLessThanOrEqual(limits.cost);
  });
});
