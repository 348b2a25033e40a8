import { describe, expect, test } from 'vitest';
import type { LeaderboardEntry } from '../../src/bin/demo/operations.ts';
import { leaderboardTable } from '../../src/bin/demo/tables.ts';

function entry(rank: number, name: string, comparable: boolean): LeaderboardEntry {
  return {
    rank,
    node: {
      run: null,
      ensemble: { name },
      value: { value: 0.25, nonFinite: null },
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

  test('has no note where all are comparable', () => {
    const drawn = leaderboardTable([entry(1, 'first', true), entry(2, 'second', true)], 'valid/error_rate');
    expect(drawn).not.toContain('*');
  });
});
