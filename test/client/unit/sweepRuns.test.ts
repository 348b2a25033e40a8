import { expect, test } from 'vitest';
import type { SweepRunFragment } from '../../../client/src/generated/operations.ts';
import { readSorting, scoreOf, sortRuns } from '../../../client/src/pages/sweep/runRows.ts';

const objective = { metric: 'valid/error_rate', direction: 'ASC' } as const;

function run(name: string, error: number | null): SweepRunFragment {
  const value = { value: error, nonFinite: null };
  const metrics = error === null ? [] : [{ name: 'valid/error_rate', min: value, max: value, last: value }];
  return {
    id: name,
    name,
    status: 'SUCCEEDED',
    sweep: null,
    failure: null,
    progress: null,
    metrics,
    trainSeconds: null,
    peakMemory: null,
    imagesPerSecond: null,
  };
}

test('runs are sorted by score, those without one last in either direction', () => {
  const runs = [run('run 10', 0.3), run('run 2', null), run('run 9', 0.1)];
  const names = (text: string) => sortRuns(runs, readSorting(text), objective).map(({ name }) => name);
  expect(names('score:ASC')).toEqual(['run 9', 'run 10', 'run 2']);
  expect(names('score:DESC')).toEqual(['run 10', 'run 9', 'run 2']);
  expect(names('name:ASC')).toEqual(['run 2', 'run 9', 'run 10']);
  // What a link says wrongly leaves them in the order of the sweep.
  for (const odd of ['', 'score', 'score:UP', ':ASC', 'other:ASC']) {
    expect(names(odd)).toEqual(['run 10', 'run 2', 'run 9']);
  }
});

test('a run that never had a finite value has what it had last', () => {
  const nan = { value: null, nonFinite: 'NAN' } as const;
  const metrics = [{ name: 'valid/error_rate', min: null, max: null, last: nan }];
  expect(scoreOf({ metrics }, objective)).toEqual(nan);
  expect(scoreOf({ metrics: [] }, objective)).toBeNull();
});
