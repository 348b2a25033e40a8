/** examples/road-to-the-top: every document and its variables are what the schema takes, and the same as the demo's full scale. */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { getVariableValues, Kind, type OperationDefinitionNode, parse, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import { ensembleMembers } from '../../src/bin/demo/presets.ts';
import { recipePreset } from '../../src/bin/demo/recipe.ts';
import { scales } from '../../src/bin/demo/scales.ts';
import { createSchema } from '../../src/graphql/schema.ts';

const folder = path.resolve('examples/road-to-the-top');
const files = readdirSync(folder);
const schema = createSchema();
const page = readFileSync(path.join(folder, 'README.md'), 'utf8');

const documentNames = files.filter((file) => file.endsWith('.graphql')).map((file) => path.basename(file, '.graphql'));
const variableNames = files.filter((file) => file.endsWith('.json')).map((file) => path.basename(file, '.json'));

// biome-ignore lint/suspicious/noExplicitAny: JSON is compared as a whole or looked into field by field
function readVariables(name: string): any {
  return JSON.parse(readFileSync(path.join(folder, `${name}.json`), 'utf8'));
}

function operationOf(name: string): OperationDefinitionNode {
  const document = parse(readFileSync(path.join(folder, `${name}.graphql`), 'utf8'));
  expect(validate(schema, document)).toEqual([]);
  const [definition] = document.definitions;
  if (document.definitions.length !== 1 || definition?.kind !== Kind.OPERATION_DEFINITION) {
    throw new Error(`${name} is not one operation`);
  }
  return definition;
}

describe('every document', () => {
  test.each(documentNames)('%s is an operation of the schema, with variables beside it', (name) => {
    const { variableDefinitions } = operationOf(name);
    const beside = variableNames.filter((variables) => variables === name || variables.startsWith(`${name}-`));
    expect(beside).not.toEqual([]);
    for (const variables of beside) {
      const values = readVariables(variables);
      expect(getVariableValues(schema, variableDefinitions ?? [], values).errors).toBeUndefined();
      const declared = (variableDefinitions ?? []).map(({ variable }) => variable.name.value);
      expect(Object.keys(values).sort()).toEqual(declared.sort());
    }
  });

  test('is there for every file of variables', () => {
    for (const name of variableNames) expect(documentNames.some((document) => name.startsWith(document))).toBe(true);
  });
});

describe('the page', () => {
  test('links to every file, and to none that is not there', () => {
    const linked = [...page.matchAll(/\]\(([^):#]+)\)/g)].map(([, target]) => target!);
    const here = linked.filter((target) => !target.startsWith('..'));
    expect([...new Set(here)].sort()).toEqual(files.filter((file) => file !== 'README.md').sort());
    for (const target of linked) expect(readFileSync(path.join(folder, target)).length).toBeGreaterThan(0);
  });

  test('sends files that are there, with values for all that they leave open', () => {
    const lines = [...page.matchAll(/^send ([\w-]+)(?: ([\w-]+))?/gm)];
    const sent = lines.map(([, document, variables]) => [document!, variables ?? document!] as const);
    for (const [document, variables] of sent) {
      expect(documentNames).toContain(document);
      expect(variables.startsWith(document)).toBe(true);
    }
    // The subscription is not for curl.
    expect([...sent.map(([, variables]) => variables), '08-watch'].sort()).toEqual([...variableNames].sort());
    for (const name of variableNames) {
      const open = JSON.stringify(readVariables(name)).match(/\b[A-Z]+_ID\b/g) ?? [];
      for (const placeholder of open) expect(page).toContain(`export ${placeholder}=`);
    }
  });
});

describe('no drift from the demo at scale full', () => {
  const full = recipePreset(scales.full, { pretrained: true });
  const experimentId = 'EXPERIMENT_ID';

  test('the memory probes', () => {
    const probes = ['04-probe-accumulation', '04-probe-architectures'].map((name) => readVariables(name).input);
    expect(probes).toEqual(
      full.probes.map(({ budgetMebibytes, ...rest }) => ({
        experimentId,
        ...rest,
        budget: { mebibytes: budgetMebibytes },
      })),
    );
  });

  test('the sweeps', () => {
    const names = ['07-train-convnext', '07-train-vit', '07-train-swinv2', '07-train-swin'];
    expect(names.map((name) => readVariables(name).input)).toEqual(
      full.sweeps.map((sweep) => ({ experimentId, ...sweep, config: full.config, skipIdentical: true })),
    );
  });

  test('the ensemble', () => {
    expect(readVariables('10-ensemble').input).toMatchObject({ experimentId, members: ensembleMembers });
  });
});
