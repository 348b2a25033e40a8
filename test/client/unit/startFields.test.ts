import { describe, expect, test } from 'vitest';
import { draftOfConfig, recipe, requestOf } from '../../../client/src/pages/start/draft.ts';
import { allFields, findField, readField, typedValue } from '../../../client/src/pages/start/fields.ts';
import { SweepGrid, type SweepPreprocessing } from '../../../src/domain/sweepGrid.ts';
import { parseTrainingConfig } from '../../../src/domain/trainingConfig.ts';

const size = { height: 224, width: 224 };
const itemTransform = { size: { height: 480, width: 480 }, method: 'SQUISH' };
const { config: defaults } = parseTrainingConfig({ architecture: 'convnext_tiny_in22k', size, itemTransform });

/** Paths of everything in a config, with dots. */
function leaves(value: unknown, at: readonly string[] = []): string[] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [at.join('.')];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...at, key]));
}

describe('fields of the recipe', () => {
  test('every field of a config stands in the form, and nothing else', () => {
    const own = leaves(defaults).filter((key) => !/^(architecture|size|itemTransform)\b/.test(key));
    expect(allFields.map(({ key }) => key).sort()).toEqual(own.sort());
  });

  test('defaults are those of the server', () => {
    const { values } = draftOfConfig(defaults as unknown as Record<string, unknown>);
    expect(recipe.values).toEqual(values);
  });

  test('a field that may have several values is one that a sweep varies', () => {
    const lists = { architectures: ['convnext_tiny_in22k'], preprocessings: [{ itemTransform, size }] };
    for (const { key, several } of allFields) {
      if (key.includes('.')) continue;
      // A list of two is an axis where the field can be varied.
      const cells = new SweepGrid({ ...lists, config: { [key]: ['1', '2'] } }).cells();
      expect([key, several]).toEqual([key, cells.length === 2 && key !== 'weightsUri']);
    }
  });

  test('what is typed is read as the API takes it, and a value of the API is typed back', () => {
    const cases: [string, string, unknown[]][] = [
      ['epochs', '3, 12', [3, 12]],
      ['baseLearningRate', '1e-3, .01', [0.001, 0.01]],
      ['memoryBudget', '6 GiB', [6 * 2 ** 30]],
      ['pretrained', 'true, false', [true, false]],
      ['precision', 'FP16', ['FP16']],
      ['labels', 'a, b\nc\n', ['a, b', 'c']],
      ['weightsUri', ' hf://a/b,c ', ['hf://a/b,c']],
      ['seed', '', []],
    ];
    for (const [key, text, values] of cases) expect(readField(findField(key)!, text).values).toEqual(values);
    expect(typedValue(findField('memoryBudget')!, 6 * 2 ** 30)).toBe('6 GiB');
    expect(typedValue(findField('labels')!, ['x', 'y'])).toBe('x\ny');
  });

  test('what is no value is said', () => {
    expect(readField(findField('epochs')!, '3, 1.5').problem).toBe('1.5 is no whole number');
    expect(readField(findField('epochs')!, '3000000000').problem).toMatch(/no whole number/);
    expect(readField(findField('baseLearningRate')!, 'fast').problem).toBe('fast is no number');
    expect(readField(findField('memoryBudget')!, '6').problem).toMatch(/6 GiB/);
    expect(readField(findField('precision')!, 'FP8').problem).toMatch(/FP8/);
  });
});

describe('bounds', () => {
  /** What is typed by those who try, at the bounds of any field among it. */
  const numbers = [-1, 0, 0.0001, 0.5, 1, 2, 3, 64, 65, 100, 101, 10_080, 10_081, 65_536, 65_537, 100_000, 100_001];
  const edges = [...numbers, 2 ** 26 - 1, 2 ** 26, 2 ** 31 - 1];
  const refuses = (key: string, value: number) => {
    const nested = key.split('.').reduceRight<unknown>((inner, part) => ({ [part]: inner }), value);
    const { problems = [] } = parseTrainingConfig({
      ...{ architecture: 'convnext_tiny_in22k', size, itemTransform },
      ...(nested as object),
    });
    // Not what must fit another field.
    return problems.some(
      ({ path, message }) => path.join('.') === key && !/effectiveBatchSize|micro-batch/.test(message),
    );
  };

  test('are those of the server: what it refuses by itself is refused while one types', () => {
    const fields = allFields.filter(({ kind }) => kind === 'whole' || kind === 'number' || kind === 'bytes');
    expect(fields.length).toBeGreaterThan(10);
    for (const field of fields) {
      const tried = edges.filter((value) => field.kind !== 'whole' || Number.isInteger(value));
      for (const value of tried.filter((one) => field.kind !== 'bytes' || one >= 1)) {
        const text = field.kind === 'bytes' ? `${value} B` : String(value);
        const { problem } = readField(field, text);
        expect([field.key, value, problem !== undefined]).toEqual([field.key, value, refuses(field.key, value)]);
      }
    }
  });

  test('are said with what was typed', () => {
    const problemOf = (key: string, text: string) => readField(findField(key)!, text).problem;
    expect(problemOf('baseLearningRate', '0.01, -1')).toBe('-1 is too small: it must be more than 0');
    expect(problemOf('effectiveBatchSize', '1')).toBe('1 is too small: it must be 2 or more');
    expect(problemOf('validFraction', '1')).toBe('1 is too large: it must be less than 1');
    expect(problemOf('memoryBudget', '1 MiB')).toBe('1 MiB is too small: it must be 64 MiB or more');
  });

  test('all of them are told at once', () => {
    const values = { ...recipe.values, epochs: '0', baseLearningRate: '-1', weightDecay: '2' };
    const { problems } = requestOf('exp_1', { ...recipe, architectures: [], values });
    expect(problems.map(({ path }) => path.at(-1)).sort()).toEqual([
      ...['architectures', 'baseLearningRate', 'epochs', 'weightDecay'],
    ]);
  });
});

describe('what the form asks for', () => {
  const one = { ...recipe, architectures: ['convnext_atto'] };
  const withValues = (values: Record<string, string>) => ({ ...one, values: { ...recipe.values, ...values } });

  test('one of everything is a run, and its config is the recipe', () => {
    const { run, sweep, problems } = requestOf('exp_1', one);
    expect(problems).toEqual([]);
    expect(run).toEqual({
      experimentId: 'exp_1',
      config: { architecture: 'convnext_atto', size, itemTransform },
    });
    const [cell] = new SweepGrid({
      architectures: sweep.architectures as string[],
      preprocessings: sweep.preprocessings as SweepPreprocessing[],
      config: sweep.config as Record<string, unknown>,
    }).cells();
    expect(cell?.config).toEqual(parseTrainingConfig(run!.config).config);
  });

  test('a list of values makes a sweep of them', () => {
    const { run, sweep } = requestOf(
      'exp_1',
      withValues({ baseLearningRate: '0.01, 0.003', 'predict.ttaPasses': '8' }),
    );
    expect(run).toBeNull();
    expect(sweep.config).toEqual({ baseLearningRate: [0.01, 0.003], predict: { ttaPasses: 8 } });
  });

  test('values that are the same for every run do not make a sweep', () => {
    const draft = withValues({ labels: 'a\nb', 'checkpoints.keepLast': '0', 'predict.test': 'false' });
    const { run, sweep } = requestOf('exp_1', { ...draft, name: ' my run ', tags: 'a, b' });
    const config = { labels: ['a', 'b'], checkpoints: { keepLast: 0 }, predict: { test: false } };
    expect(run).toMatchObject({ name: ' my run ', tags: ['a', 'b'], config });
    expect(sweep).toMatchObject({ name: ' my run ', tags: ['a', 'b'], config });
  });

  test('a run is called as the plan calls it: by its preprocessing, where that has a name', () => {
    const draft = withValues({});
    const [first] = draft.preprocessings;
    const called = { ...draft, preprocessings: [{ ...first!, name: 'quick' }] };
    expect(requestOf('exp_1', called).run).toMatchObject({ name: `${draft.architectures[0]} quick` });
    expect(requestOf('exp_1', { ...called, name: 'mine' }).run).toMatchObject({ name: 'mine' });
    expect(requestOf('exp_1', draft).run).not.toHaveProperty('name');
  });

  test('what cannot be sent is a problem of its field', () => {
    const { problems } = requestOf('exp_1', {
      ...withValues({ epochs: 'many' }),
      architectures: [],
      preprocessings: [{ name: '', method: 'CROP', itemSize: '480', size: 'big' }],
    });
    expect(problems.map(({ path }) => path.join('.')).sort()).toEqual([
      'architectures',
      'config.epochs',
      'preprocessings.0.size',
    ]);
  });

  test('a stored config comes back from its draft', () => {
    const { config } = parseTrainingConfig({
      architecture: 'vit_tiny_patch16_224',
      size: { height: 224, width: 160 },
      itemTransform: { size: { height: 320, width: 240 }, method: 'PAD' },
      labels: ['a', 'b'],
      memoryBudget: 3 * 2 ** 30,
      seed: 7,
      schedule: 'FIT_ONE_CYCLE',
      autoAccumulation: true,
      predict: { valid: false, ttaBeta: 0.5 },
      checkpoints: { keepEvery: 3 },
    });
    const { run } = requestOf('exp_1', draftOfConfig(config as unknown as Record<string, unknown>));
    expect(parseTrainingConfig(run!.config).config).toEqual(config);
  });
});
