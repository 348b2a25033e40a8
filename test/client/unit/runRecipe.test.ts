import { readFileSync } from 'node:fs';
import { buildSchema, parse, validate } from 'graphql';
import { getVariableValues } from 'graphql/execution/values.js';
import { Kind } from 'graphql/language/kinds.js';
import { describe, expect, it } from 'vitest';
import { failureWords } from '../../../client/src/pages/run/failures.ts';
import { graphiqlLink, recipeGroups, startRunOperation } from '../../../client/src/pages/run/recipe.ts';
import { parseTrainingConfig } from '../../../src/domain/trainingConfig.ts';

const schema = buildSchema(readFileSync(new URL('../../../schema.graphql', import.meta.url), 'utf8'));

/** As it is stored on a run: complete, with every default and the seed that was drawn. */
const config = {
  ...parseTrainingConfig({
    architecture: 'convnext_atto',
    itemTransform: { size: { height: 96, width: 128 }, method: 'SQUISH' },
    size: { height: 64, width: 32 },
    labels: ['<b>leaf</b>', 'تبقع'],
  }).config!,
  seed: 42,
};
const run = { name: 'a "run"\n', tags: ['<b>'], experiment: { id: 'exp_1' }, config };

describe('copy as mutation', () => {
  const { document, variables } = startRunOperation(run);

  it('is a valid operation of the schema, with variables that fit it', () => {
    const parsed = parse(document);
    expect(validate(schema, parsed)).toEqual([]);
    const [operation] = parsed.definitions;
    if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('no operation');
    const { errors, coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
    expect(errors).toBeUndefined();
    expect(coerced?.input).toMatchObject({ experimentId: 'exp_1', name: run.name, tags: ['<b>'] });
  });

  it('has the config that the server would store again', () => {
    const { input } = JSON.parse(JSON.stringify(variables)) as { input: { config: unknown } };
    expect(parseTrainingConfig(input.config)).toEqual({ config });
  });

  it('opens in GraphiQL as it stands', () => {
    const { searchParams } = new URL(graphiqlLink({ document, variables }), 'http://server');
    expect(searchParams.get('query')).toBe(document);
    expect(JSON.parse(searchParams.get('variables')!)).toEqual(variables);
  });
});

describe('the config as a table', () => {
  it('shows every field, each once', () => {
    const paths = recipeGroups(config).flatMap(({ rows }) => rows.map(({ path }) => path));
    expect(new Set(paths).size).toBe(paths.length);
    const tops = new Set(paths.map((path) => path.split('.')[0]));
    expect(tops).toEqual(new Set(Object.keys(config)));
    expect(paths).not.toContain('itemTransform.size.height');
  });

  it('has words for every field that there is today', () => {
    expect(recipeGroups(config).map(({ title }) => title)).not.toContain('Other');
  });

  it('calls fields as the form does that starts a run', () => {
    const rows = recipeGroups(config).flatMap((group) => group.rows);
    const labelOf = (path: string) => rows.find((row) => row.path === path)?.label;
    expect(labelOf('effectiveBatchSize')).toBe('Batch size');
    expect(labelOf('predict.holdout')).toBe('Hold-out images');
    expect(labelOf('maxSeconds')).toMatch(/^Time limit/);
  });

  it('writes sizes as height by width, and what is not given as a dash', () => {
    const shown = new Map(recipeGroups(config).flatMap(({ rows }) => rows.map(({ path, value }) => [path, value])));
    expect(shown.get('itemTransform.size')).toBe('96 × 128');
    expect(shown.get('size')).toBe('64 × 32');
    expect(shown.get('splitSeed')).toBe('–');
    expect(shown.get('labels')).toBe('<b>leaf</b>, تبقع');
    expect(shown.get('pretrained')).toBe('yes');
  });

  it('shows fields of a newer server under their own names', () => {
    const [group] = recipeGroups({ novel: { inner: 3 } });
    expect(group).toEqual({ title: 'Other', rows: [{ path: 'novel.inner', label: 'novel.inner', value: '3' }] });
  });
});

describe('failures in words', () => {
  it('tell of each kind what happened and what to do', () => {
    const type = schema.getType('RunFailureCode')!;
    if (!('getValues' in type)) throw new Error('not an enum');
    expect(Object.keys(failureWords).sort()).toEqual(
      type
        .getValues()
        .map(({ name }) => name)
        .sort(),
    );
    for (const { title, meaning, remedies } of Object.values(failureWords)) {
      expect(title).not.toBe('');
      expect(meaning).toMatch(/\.$/);
      expect(remedies.length).toBeGreaterThan(0);
    }
  });
});
