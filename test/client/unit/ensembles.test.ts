import { describe, expect, test } from 'vitest';
import type { EnsembleRunFragment } from '../../../client/src/generated/operations.ts';
import {
  type BuilderState,
  memberInputs,
  parseState,
  parseWeight,
  serializeState,
  stateSearch,
} from '../../../client/src/pages/ensembles/builderState.ts';
import { distance, labelShares } from '../../../client/src/pages/ensembles/distribution.ts';
import {
  membersOf,
  sharesOf,
  sliderEnd,
  withoutMember,
  withWeight,
} from '../../../client/src/pages/ensembles/members.ts';
import { emptyForm, optimizeInput } from '../../../client/src/pages/ensembles/optimizeForm.ts';
import { problemAt, problemsElsewhere, sortProblems } from '../../../client/src/pages/ensembles/problems.ts';
import { bestMember, comparison, predictionsOn } from '../../../client/src/pages/ensembles/scores.ts';
import { labelledSplits, mainSplit, predictedSplits } from '../../../client/src/pages/ensembles/splits.ts';

const stateOf = (search: string): BuilderState => {
  const params = new URLSearchParams(search);
  return parseState((key) => params.get(key));
};

describe("the builder's link", () => {
  test('says all of its state, and is read again', () => {
    const state: BuilderState = {
      rules: [
        { filter: 'status = SUCCEEDED and name = "two  spaces, and: signs & ?"', weight: 1 },
        { filter: '', weight: 0.5 },
        { filter: 'arch like vit*', weight: 2 },
      ],
      picks: [
        { runId: 'run_a', weight: 1 },
        { runId: 'run_b', weight: 0 },
        { runId: 'run_c', weight: 1e-7 },
      ],
      method: 'RANK_MEAN',
    };
    expect(stateOf(stateSearch(state))).toEqual(state);
    expect(serializeState(state).runs).toBe('run_a,run_b:0,run_c:1e-7');
  });

  test('is empty for an empty ensemble, and an empty link is one', () => {
    const empty = { rules: [], picks: [], method: 'MEAN' };
    expect(stateOf('')).toEqual(empty);
    expect(stateSearch(empty as unknown as BuilderState)).toBe('');
  });

  test('preselects runs by their ids alone', () => {
    expect(stateOf('?runs=run_a,run_b').picks).toEqual([
      { runId: 'run_a', weight: 1 },
      { runId: 'run_b', weight: 1 },
    ]);
  });

  test('is read as far as it makes sense', () => {
    expect(stateOf('?runs=,run_a:x,%20,:2,run_b:-1,run_a:3,run_c:1e99&method=NONE&where=2%0A%0Ax a = b')).toEqual({
      rules: [{ filter: 'a = b', weight: 1 }],
      picks: [
        { runId: 'run_a', weight: 3 },
        { runId: 'run_b', weight: 1 },
        { runId: 'run_c', weight: 1e9 },
      ],
      method: 'MEAN',
    });
  });

  test('a line break in a rule does not make two of it', () => {
    const state: BuilderState = { rules: [{ filter: 'a = b\n9 c = d', weight: 1 }], picks: [], method: 'MEAN' };
    expect(stateOf(stateSearch(state)).rules).toEqual([{ filter: 'a = b 9 c = d', weight: 1 }]);
  });

  test('what is sent: rules that say something, then picks, which have the last word', () => {
    const state = stateOf('?runs=run_a:0&where=1 %0A2 arch like vit* ');
    expect(memberInputs(state)).toEqual([
      { filter: 'arch like vit*', weight: 2 },
      { runId: 'run_a', weight: 0 },
    ]);
  });

  test('weights', () => {
    expect(['2', ' 0.25 ', '', undefined, 'x', '-1', 'Infinity', '1e12', '0'].map(parseWeight)).toEqual([
      2, 0.25, 1, 1, 1, 1, 1e9, 1e9, 0,
    ]);
  });
});

describe('members', () => {
  const rules = [
    { filter: 'all', weight: 1 },
    { filter: 'vit', weight: 2 },
  ];
  const matches = [['a', 'b', 'c'], ['b']];
  const members = membersOf(rules, matches, [
    { runId: 'd', weight: 4 },
    { runId: 'c', weight: 0 },
  ]);

  test('later rules override earlier ones, picks override rules, and shares are of what remains', () => {
    expect(members).toEqual([
      { runId: 'a', weight: 1, share: 1 / 7, rule: { index: 0, weight: 1 }, picked: false },
      { runId: 'b', weight: 2, share: 2 / 7, rule: { index: 1, weight: 2 }, picked: false },
      { runId: 'c', weight: 0, share: 0, rule: { index: 0, weight: 1 }, picked: true },
      { runId: 'd', weight: 4, share: 4 / 7, rule: null, picked: true },
    ]);
  });

  test('keep their places whatever they weigh', () => {
    const heavy = membersOf(rules, matches, [{ runId: 'c', weight: 100 }]);
    expect(heavy.map(({ runId }) => runId)).toEqual(['a', 'b', 'c']);
  });

  test('there may be none, and all may weigh nothing', () => {
    expect(membersOf([], [], [])).toEqual([]);
    expect(sharesOf([0, 0])).toEqual([0, 0]);
    expect(membersOf(rules, [], []).length).toBe(0);
  });

  test('a weight as a rule says it is no pick', () => {
    const [a, , c, d] = members;
    const picks = [
      { runId: 'd', weight: 4 },
      { runId: 'c', weight: 0 },
    ];
    expect(withWeight(picks, a!, 3)).toEqual([...picks, { runId: 'a', weight: 3 }]);
    expect(withWeight(picks, c!, 1)).toEqual([{ runId: 'd', weight: 4 }]);
    expect(withWeight(picks, d!, 5)).toEqual([{ runId: 'd', weight: 5 }, picks[1]]);
  });

  test('what a rule matches is left out by a weight of 0, what was picked by not picking it', () => {
    const [a, , , d] = members;
    expect(withoutMember([], a!)).toEqual([{ runId: 'a', weight: 0 }]);
    expect(withoutMember([{ runId: 'd', weight: 4 }], d!)).toEqual([]);
  });

  test('the slider reaches every weight and seldom changes its end', () => {
    expect([[], [0.5], [4], [4.1], [10], [11], [21], [41], [1000]].map(sliderEnd)).toEqual([
      4, 4, 4, 10, 10, 20, 40, 100, 1000,
    ]);
  });
});

describe('distributions of labels', () => {
  const training = [
    { label: 'rust', count: 6 },
    { label: 'spot', count: 3 },
    { label: 'mildew', count: 1 },
  ];

  test('are shares, largest first, with every label that is known', () => {
    const counts = [
      { label: 'spot', count: 3 },
      { label: 'rust', count: 1 },
    ];
    expect(labelShares(counts, training)).toEqual([
      { label: 'spot', count: 3, share: 0.75, expected: 0.3 },
      { label: 'rust', count: 1, share: 0.25, expected: 0.6 },
      { label: 'mildew', count: 0, share: 0, expected: 0.1 },
    ]);
  });

  test('their distance is what would have to change', () => {
    const counts = [
      { label: 'spot', count: 3 },
      { label: 'rust', count: 1 },
    ];
    expect(distance(labelShares(counts, training))).toBeCloseTo(0.45, 12);
    expect(distance(labelShares(training, training))).toBe(0);
    expect(distance(labelShares([{ label: 'new', count: 5 }], training))).toBeCloseTo(1, 12);
  });

  test('without training images or predictions there is nothing to compare', () => {
    expect(labelShares([{ label: 'a', count: 2 }], [])).toEqual([{ label: 'a', count: 2, share: 1, expected: null }]);
    expect(distance(labelShares([{ label: 'a', count: 2 }], []))).toBeNull();
    expect(distance(labelShares([], training))).toBeNull();
  });
});

describe('scores', () => {
  type Set = EnsembleRunFragment['predictions'][number];
  const set = (split: Set['split'], kind: Set['kind'], errorRate: number | null, logLoss = 1): Set => ({
    ...{ split, kind, rowCount: 10 },
    score: errorRate === null ? null : { errorRate, logLoss },
  });
  const run = (id: string, ...predictions: Set[]): EnsembleRunFragment => ({
    ...{ id, name: id, architecture: 'vit', status: 'SUCCEEDED', predictions },
  });

  test('a run counts with its predictions under test-time augmentation, else plain, else uploaded ones', () => {
    const all = run('a', set('VALID', 'UPLOADED', 0.3), set('VALID', 'PLAIN', 0.2), set('VALID', 'TTA', 0.1));
    expect(predictionsOn(all, 'VALID')?.kind).toBe('TTA');
    expect(predictionsOn(run('b', set('VALID', 'UPLOADED', 0.3), set('VALID', 'PLAIN', 0.2)), 'VALID')?.kind).toBe(
      'PLAIN',
    );
    expect(predictionsOn(all, 'HOLDOUT')).toBeUndefined();
  });

  test('the best member has the smallest error rate, then the smallest log loss', () => {
    const runs = [
      run('worse', set('VALID', 'PLAIN', 0.2, 0.1)),
      run('unsure', set('VALID', 'PLAIN', 0.1, 0.9)),
      run('best', set('VALID', 'PLAIN', 0.1, 0.4)),
      run('unlabelled', set('VALID', 'PLAIN', null)),
      run('elsewhere', set('HOLDOUT', 'PLAIN', 0)),
    ];
    expect(bestMember(runs, 'VALID')?.run.id).toBe('best');
    expect(bestMember(runs, 'TEST')).toBeNull();
  });

  test('are compared in points', () => {
    expect(comparison(0.0375, 0.05)).toBe('1.25 points better than');
    expect(comparison(0.05, 0.0375)).toBe('1.25 points worse than');
    expect(comparison(0.05, 0.05)).toBe('as good as');
  });

  test('splits of a data set: the hold-out first, and TEST only where there are images of it', () => {
    expect(predictedSplits(null)).toEqual(['TEST', 'VALID']);
    expect(predictedSplits({ testCount: 3, holdoutCount: 2 })).toEqual(['TEST', 'HOLDOUT', 'VALID']);
    expect(mainSplit({ testCount: 0, holdoutCount: 2 })).toBe('HOLDOUT');
    expect(predictedSplits({ testCount: 0, holdoutCount: 0 })).toEqual(['VALID']);
    expect(labelledSplits({ testCount: 0, holdoutCount: 0 })).toEqual(['VALID']);
  });
});

describe('refusals', () => {
  test('go to the rule or run that they are about', () => {
    const { rules, picks, others } = sortProblems(
      [
        { message: 'matches nothing', path: ['members', '1', 'filter'] },
        { message: 'has no predictions', path: ['members', '2', 'runId'] },
        { message: 'is too heavy', path: ['members', '2', 'weight'] },
        { message: 'do not go together', path: ['members'] },
        { message: 'The server does not answer', path: [] },
      ],
      2,
    );
    expect([...rules]).toEqual([[1, 'Matches nothing.']]);
    expect([...picks]).toEqual([[0, 'Has no predictions. Is too heavy.']]);
    expect(others).toEqual(['Do not go together.', 'The server does not answer.']);
  });

  test('of a form stand at its fields', () => {
    const problems = [
      { message: 'must not be empty', path: ['name'] },
      { message: 'no', path: ['members', '0'] },
    ];
    expect(problemAt(problems, 'name')).toBe('Must not be empty.');
    expect(problemAt(problems, 'split')).toBeUndefined();
    expect(problemsElsewhere(problems, ['name'])).toEqual(['No.']);
  });
});

describe('the form of an automatic selection', () => {
  test('sends what is filled in, and leaves the rest to the server', () => {
    expect(optimizeInput('exp_1', { ...emptyForm, name: 'best' }, ['run_a'])).toEqual({
      input: { experimentId: 'exp_1', name: 'best', metric: 'ERROR_RATE' },
      problems: [],
    });
    const filled = {
      ...emptyForm,
      split: 'VALID',
      candidates: 'members',
      initialMembers: ' 2 ',
      maxPicks: '30',
    } as const;
    expect(optimizeInput('exp_1', filled, ['run_a']).input).toEqual({
      ...{ experimentId: 'exp_1', name: '', metric: 'ERROR_RATE', split: 'VALID', runIds: ['run_a'] },
      ...{ initialMembers: 2, maxPicks: 30 },
    });
    const filtered = { ...emptyForm, candidates: 'filter', filter: 'arch like vit*' } as const;
    expect(optimizeInput('exp_1', filtered, ['run_a']).input).toMatchObject({ filter: 'arch like vit*' });
    expect(optimizeInput('exp_1', filtered, ['run_a']).input).not.toHaveProperty('runIds');
  });

  test('names fields that are no whole numbers', () => {
    const { problems } = optimizeInput('exp_1', { ...emptyForm, maxPicks: '1.5', maxMembers: 'x' }, []);
    expect(problems.map(({ path }) => path)).toEqual([['maxPicks'], ['maxMembers']]);
  });
});
