import { describe, expect, it } from 'vitest';
import { addLines, findLines, type LogEntry, linesKept, markMatches } from '../../../client/src/pages/run/logLines.ts';

const lines = (from: number, to: number): LogEntry[] =>
  Array.from({ length: to - from + 1 }, (_, index) => ({
    seq: from + index,
    at: '2026-11-23T04:00:00.000Z',
    stream: 'stdout',
    line: `line ${from + index}`,
  }));
const numbers = (log: readonly LogEntry[]) => log.map(({ seq }) => seq);

describe('lines of a log', () => {
  it('are each there once, whatever comes twice', () => {
    const log = addLines(addLines([], lines(1, 5)), lines(3, 8));
    expect(numbers(log)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(addLines(log, lines(2, 7))).toBe(log);
  });

  it('take older ones at the beginning', () => {
    expect(numbers(addLines(lines(5, 6), lines(3, 6)))).toEqual([3, 4, 5, 6]);
  });

  it('are the newest of many', () => {
    const log = addLines(lines(1, linesKept), lines(linesKept + 1, linesKept + 10));
    expect(log).toHaveLength(linesKept);
    expect(log[0]?.seq).toBe(11);
    expect(log.at(-1)?.seq).toBe(linesKept + 10);
  });
});

describe('looking for a text', () => {
  it('finds it in any case; nothing looked for is found everywhere', () => {
    expect(numbers(findLines(lines(9, 11), 'LINE 1'))).toEqual([10, 11]);
    expect(findLines(lines(1, 3), '')).toHaveLength(3);
  });

  it('marks every place of it and loses no letter', () => {
    expect(markMatches('aXbxc', 'x')).toEqual([
      { text: 'a', hit: false },
      { text: 'X', hit: true },
      { text: 'b', hit: false },
      { text: 'x', hit: true },
      { text: 'c', hit: false },
    ]);
    expect(markMatches('abc', '')).toEqual([{ text: 'abc', hit: false }]);
    expect(markMatches('.*', '.')[0]).toEqual({ text: '.', hit: true });
    // A letter whose lower case is longer.
    expect(
      markMatches('İx', 'x')
        .map(({ text }) => text)
        .join(''),
    ).toBe('İx');
  });
});
