import { describe, expect, test } from 'vitest';
import { changesBetween, recipe, requestOf, undo } from '../../../client/src/pages/start/draft.ts';
import { linkOf, readDraft } from '../../../client/src/pages/start/link.ts';
import { placeProblems, problemText } from '../../../client/src/pages/start/problems.ts';
import { SweepGrid, type SweepPreprocessing } from '../../../src/domain/sweepGrid.ts';
import { parseTrainingConfig } from '../../../src/domain/trainingConfig.ts';

const draft = {
  ...recipe,
  architectures: ['convnext_atto', 'no_such'],
  preprocessings: [
    { name: '', method: 'CROP', itemSize: '480', size: '224' },
    { name: 'tiny', method: 'PAD', itemSize: '64', size: '8' },
  ],
  values: { ...recipe.values, epochs: '3, 0', accumulation: '3', 'predict.ttaPasses': '99' },
} as const;

describe('refusals are shown at the fields that they concern', () => {
  test('those of a sweep, as the server words them', () => {
    const { sweep } = requestOf('exp_1', draft);
    const grid = new SweepGrid({
      architectures: sweep.architectures as string[],
      preprocessings: sweep.preprocessings as SweepPreprocessing[],
      // The form would not send what is out of bounds.
      config: { ...sweep.config, epochs: [3, 0], predict: { ttaPasses: 99 } },
    });
    const { fields, others } = placeProblems(
      grid.cells().flatMap(({ problems }) => problems),
      draft,
    );
    expect(others).toEqual([]);
    expect(Object.keys(fields).sort()).toEqual([
      'accumulation',
      'architectures',
      'epochs',
      'predict.ttaPasses',
      'preprocessings.1.size',
    ]);
    expect(fields.architectures).toMatch(/no_such/);
    // Which of the two values is wrong.
    expect(fields.epochs).toBe('0: must be at least 1, got 0.');
    expect(fields.accumulation).toMatch(/^Must divide “Batch size” \(64\)/);
  });

  test('those of a run', () => {
    const config = {
      architecture: 'no_such',
      size: { height: 0, width: 4 },
      itemTransform: { size: { height: -1, width: 3 } },
      checkpoints: { keepLast: 0, keepBest: true },
      predict: { ttaBeta: 2 },
      weightDecay: 5,
    };
    const { problems = [] } = parseTrainingConfig(config, ['config']);
    const { fields, others } = placeProblems(problems, recipe);
    expect(others).toEqual([]);
    expect(Object.keys(fields).sort()).toEqual([
      'architectures',
      'checkpoints.keepLast',
      'predict.ttaBeta',
      'preprocessings.0.itemSize',
      'preprocessings.0.size',
      'weightDecay',
    ]);
  });

  test('what concerns no field stands above the form, each once', () => {
    const experiment = { path: ['experimentId'], message: 'experiment "x" has no data set to train on' };
    const odd = { path: ['config', 'future'], message: 'is unknown' };
    const quota = { path: [], message: 'The quota is used up' };
    const { fields, others } = placeProblems([experiment, experiment, odd, quota], recipe);
    expect(fields).toEqual({});
    expect(others).toEqual([
      'Experiment "x" has no data set to train on.',
      'future: is unknown.',
      'The quota is used up.',
    ]);
  });

  test('labels, names, tags and whole lists', () => {
    const at = (...path: string[]) => ({ path, message: path.join('.') });
    const { fields, others } = placeProblems(
      [
        at('name'),
        at('tags', '3'),
        at('preprocessings'),
        at('preprocessings', '1', 'name'),
        at('config', 'labels', '0'),
      ],
      recipe,
    );
    expect(others).toEqual([]);
    expect(Object.keys(fields)).toEqual(['name', 'tags', 'preprocessings', 'preprocessings.1.name', 'labels']);
  });
});

test('away from its field a problem says what it is about', () => {
  const text = (message: string, ...path: string[]) => problemText({ path, message });
  expect(text('must be at least 1, got 0', 'config', 'epochs', '1')).toBe('Epochs: must be at least 1, got 0.');
  expect(text('must be at most 1', 'config', 'predict', '0', 'ttaBeta')).toBe(
    'Weight of the plain pass: must be at most 1.',
  );
  expect(text('is unknown', 'config', 'future')).toBe('future: is unknown.');
  expect(text('convnext_atto takes sides of …', 'preprocessings', '0', 'size')).toBe('convnext_atto takes sides of …');
});

describe('the link of the form', () => {
  test('tells the whole draft, hostile names included', () => {
    const odd = {
      ...draft,
      preprocessings: [{ name: 'a,b:c~2c & <b> 🦀 ‮', method: 'CROP', itemSize: '4:8,0', size: '' }],
      name: 'x=1&y',
      tags: 'a, b',
      skipIdentical: false,
    } as const;
    const search = new URLSearchParams();
    for (const [key, value] of Object.entries(linkOf(recipe, odd))) if (value !== null) search.set(key, value);
    const reread = new URLSearchParams(search.toString());
    expect(readDraft(recipe, (key) => reread.get(key))).toEqual(odd);
  });

  test('says nothing of what is as it was', () => {
    expect(Object.values(linkOf(draft, draft)).every((value) => value === null)).toBe(true);
    expect(readDraft(draft, () => null)).toEqual(draft);
  });

  test('an emptied list stays empty', () => {
    const none = { ...draft, architectures: [], preprocessings: [] };
    const link = linkOf(draft, none);
    expect(readDraft(draft, (key) => link[key] ?? null)).toEqual(none);
  });
});

test('what was changed is told in words, and can be taken back', () => {
  const changed = { ...recipe, values: { ...recipe.values, epochs: '3', precision: 'FP16', minScale: '' } };
  expect(changesBetween(recipe, changed).map(({ label, before, after }) => [label, before, after])).toEqual([
    ['Epochs', '12', '3'],
    ['Precision', 'Automatic', 'FP16'],
  ]);
  expect(changesBetween(recipe, undo('epochs', recipe, changed)).map(({ key }) => key)).toEqual(['precision']);
  const other = { ...recipe, architectures: ['convnext_atto'] };
  expect(undo('architectures', recipe, other)).toEqual(recipe);
});
