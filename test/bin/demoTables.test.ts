import { describe, expect, test } from 'vitest';
import type { LeaderboardEntry } from '../../src/bin/demo/operations.ts';
import { leaderboardTable, probeTable } from '../../src/bin/demo/tables.ts';
import { recommendationLines } from '../../src/bin/demo/text.ts';
import type { ProbeTarget } from '../../src/bin/demo/trainingOperations.ts';

function entry(rank: number, name: string, comparable: boolean): LeaderboardEntry {
  return {
    rank,
    node: {
      run: null,
      ensemble: { name },
      value: { value: 0.25, nonFinite: null },
      predictionValue: { value: 0.25, nonFinite: null },
      comparable,
      trainSeconds: null,
      imagesPerSecond: null,
      peakMemory: null,
    },
  };
}

describe('the leaderboard table', () => {
  const lineOf = (table: string, name: string) => table.split('\n').find((line) => line.includes(name));

  test('marks entries scored on other images and says what the mark means', () => {
    const drawn = leaderboardTable([entry(1, 'first', true), entry(2, 'second', false)], 'valid/error_rate');
    expect(lineOf(drawn, 'first')).toMatch(/25\.0 % │/);
    expect(lineOf(drawn, 'second')).toMatch(/25\.0 % \* │/);
    expect(drawn).toMatch(/\n\* scored on other validation images than the entry above: not comparable$/);
  });

  test('does not take the score of an ensemble for a best epoch; the model that a run leaves has its own', () => {
    const of = (name: string) => entry(1, name, true).node;
    const config = { itemTransform: { size: { height: 128, width: 96 }, method: 'CROP' } } as const;
    const more = { size: { height: 80, width: 64 }, effectiveBatchSize: 8, accumulation: 2 };
    const run = { id: 'run_1', name: 'a run', architecture: 'vit', config: { ...config, ...more } };
    const worse = { value: 0.5, nonFinite: null };
    const drawn = leaderboardTable(
      [
        { rank: 1, node: of('mixed') },
        { rank: 2, node: { ...of(''), ensemble: null, run, predictionValue: worse } },
        { rank: 3, node: { ...of(''), ensemble: null, run: { ...run, name: 'in training' }, predictionValue: null } },
      ],
      'valid/error_rate',
    );
    expect(drawn).toMatch(/best epoch │ final model/);
    expect(lineOf(drawn, 'mixed')).toMatch(/│ +- │ +25\.0 % │/);
    expect(lineOf(drawn, 'a run')).toMatch(/│ +25\.0 % │ +50\.0 % │/);
    expect(lineOf(drawn, 'in training')).toMatch(/│ +25\.0 % │ +- │/);
  });

  test('has no note where all are comparable', () => {
    const drawn = leaderboardTable([entry(1, 'first', true), entry(2, 'second', true)], 'valid/error_rate');
    expect(drawn).not.toContain('*');
  });
});

describe('the table of a memory probe', () => {
  const trial = { microBatchSize: 8, peakMemory: 512 * 2 ** 20, imagesPerSecond: 10, message: null, cached: false };
  const target = (architecture: string, recommendation: number | null): ProbeTarget => ({
    architecture,
    size: { height: 96, width: 64 },
    recommendation,
    failure: null,
    trials: [
      { ...trial, accumulation: 1, outcome: 'OUT_OF_MEMORY' },
      { ...trial, accumulation: 2, outcome: recommendation === 2 ? 'FITS' : 'OVER_BUDGET' },
    ],
  });

  test('of one network names it nowhere', () => {
    const drawn = probeTable([target('vit', 2)]);
    expect(drawn).not.toContain('vit');
    expect(drawn).toMatch(/1 │ +8 │ +> 512 MiB │ +10 img\/s │ out of memory /);
    expect(recommendationLines([target('vit', 2)])).toEqual(['accumulation 2 stays below the budget']);
  });

  test('of several names each once, and tells them together that take the same accumulation', () => {
    const targets = [target('vit', 2), target('swin', null), target('convnext', 2)];
    const drawn = probeTable(targets);
    expect(drawn.match(/(?<=│ )(vit|swin|convnext) +│ 96x64 │ +1 │/g)).toHaveLength(3);
    expect(drawn.match(/vit|swin|convnext/g)).toHaveLength(3);
    expect(recommendationLines(targets)).toEqual([
      'accumulation 2 stays below the budget: vit 96x64, convnext 96x64',
      'no accumulation stays below the budget: swin 96x64',
    ]);
  });
});
