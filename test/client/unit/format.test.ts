import { describe, expect, test } from 'vitest';
import { bytes, count, duration, isShare, metric, percent, significant } from '../../../client/src/format/numbers.ts';
import { sentence, sentences } from '../../../client/src/format/sentence.ts';
import { ago, moment } from '../../../client/src/format/times.ts';

test('what is not there is a dash', () => {
  for (const format of [count, percent, bytes, duration]) {
    expect([format(null), format(undefined)]).toEqual(['–', '–']);
  }
  expect([metric('loss', null), metric('loss', {}), metric('loss', { value: null })]).toEqual(['–', '–', '–']);
});

test('counts and shares', () => {
  expect([count(0), count(1234567)]).toEqual(['0', '1,234,567']);
  expect([percent(0), percent(0.0378), percent(1), percent(0.12345, 0)]).toEqual([
    '0.00 %',
    '3.78 %',
    '100.00 %',
    '12 %',
  ]);
});

test.for([
  [0, '0 B'],
  [1, '1 B'],
  [640, '640 B'],
  [1023, '1023 B'],
  [1024, '1.00 KiB'],
  [1.52 * 2 ** 30, '1.52 GiB'],
  [64 * 2 ** 20, '64.0 MiB'],
  [2 ** 50 * 5000, '5000 PiB'],
] as const)('%d bytes are %s', ([value, text]) => expect(bytes(value)).toBe(text));

test.for([
  [0, '0.0 s'],
  [0.44, '0.4 s'],
  [9.94, '9.9 s'],
  [9.96, '10 s'],
  [59.4, '59 s'],
  [59.6, '1 min 00 s'],
  [185, '3 min 05 s'],
  [3599.6, '1 h 00 min'],
  [8040, '2 h 14 min'],
  [86_399.4, '23 h 59 min'],
  [86_400 * 3 + 4 * 3600, '3 d 4 h'],
] as const)('%d seconds are %s', ([seconds, text]) => expect(duration(seconds)).toBe(text));

test.for([
  [0, '0'],
  [0.0123456, '0.0123'],
  [4.5678, '4.57'],
  [-4.5678, '-4.57'],
  [1234.5, '1235'],
  [0.00012, '0.000120'],
  [2.1e-7, '2.10e-7'],
  [1e-300, '1.00e-300'],
  [Number.NaN, 'NaN'],
  [Number.NEGATIVE_INFINITY, '-Infinity'],
] as const)('%d has the digits %s', ([value, text]) => expect(significant(value)).toBe(text));

test('metrics are shares of images or plain numbers, and say what is not finite', () => {
  expect(isShare('valid/error_rate') && isShare('accuracy')).toBe(true);
  expect(isShare('error_rate/x') || isShare('my_accuracy') || isShare('train/loss')).toBe(false);
  expect(metric('valid/error_rate', { value: 0.0378 })).toBe('3.78 %');
  expect(metric('valid/loss', { value: 0.12345678 })).toBe('0.1235');
  expect(metric('valid/loss', { nonFinite: 'NAN' })).toBe('NaN');
  expect(metric('valid/accuracy', { nonFinite: 'NEGATIVE_INFINITY' })).toBe('−∞');
});

describe('moments', () => {
  const now = Date.UTC(2026, 10, 23, 12);
  const before = (seconds: number) => ago(new Date(now - 1000 * seconds).toISOString(), now);

  test.for([
    [0, 'now'],
    [59, '59 seconds ago'],
    [59.6, '1 minute ago'],
    [89, '1 minute ago'],
    [3599, '1 hour ago'],
    [23 * 3600, '23 hours ago'],
    [24 * 3600 - 1, 'yesterday'],
    [10 * 86_400, '10 days ago'],
    [-30, 'in 30 seconds'],
  ] as const)('%d seconds before are %s', ([seconds, text]) => expect(before(seconds)).toBe(text));

  test('a moment names day and time', () => {
    expect(moment('2026-11-23T12:05:00Z')).toMatch(/^Nov 2[34], 2026, \d{1,2}:\d5\s[AP]M$/);
  });
});

test('what the server says is a sentence, which no name can turn around', () => {
  expect(sentence('run "\u202Elive\u202C" is FAILED')).toBe('Run "live" is FAILED.');
  expect([sentence('no'), sentence('Why?'), sentence('It is gone.')]).toEqual(['No.', 'Why?', 'It is gone.']);
  expect(sentence('must be at least 1, got 0', 'convnext_atto')).toBe('convnext_atto: must be at least 1, got 0.');
  // Files and ids are written as they are.
  expect([sentence('leaf.jpg is empty'), sentence('run_01 is gone')]).toEqual([
    'leaf.jpg is empty.',
    'run_01 is gone.',
  ]);
  expect(sentences([{ message: 'a is b' }, { message: 'c' }, { message: 'a is b' }])).toBe('A is b.\nC.');
});

test('names of the API are the labels of forms', () => {
  expect(sentence('must divide effectiveBatchSize (64) without remainder, got 3')).toBe(
    'Must divide “Batch size” (64) without remainder, got 3.',
  );
  expect(sentence('add images, or train without this label (TrainingConfigInput.labels)')).toBe(
    'Add images, or train without this label (“Labels”).',
  );
  expect(sentence('keepLast 0 writes no checkpoint at all')).toBe('“Keep the newest” 0 writes no checkpoint at all.');
  // A run's own name.
  expect(sentence('run "weightDecay 0" is RUNNING')).toBe('Run "weightDecay 0" is RUNNING.');
  // Words that are no names, and names that no form has.
  expect(sentence('these labels have one seed')).toBe('These labels have one seed.');
  expect(sentence('give holdoutFraction')).toBe('Give holdoutFraction.');
});
