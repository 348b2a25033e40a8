import { expect, test } from 'vitest';
import { decodeCursor, encodeCursor } from '../../src/domain/cursor.ts';
import { pageOf, pageSize } from '../../src/domain/page.ts';
import { storableText } from '../../src/domain/text.ts';
import { UserInputError } from '../../src/errors.ts';

test('a cursor gives back what it was made of, safe in a URL', () => {
  const cursor = encodeCursor(['ü/?+=', -1.5, null]);
  expect(cursor).toMatch(/^[\w-]+$/);
  expect(decodeCursor(cursor, 'string', 'number', 'number?')).toEqual(['ü/?+=', -1.5, null]);
});

test('a cursor of another shape or none at all is refused on path after', () => {
  const cursor = encodeCursor(['a', 1]);
  for (const read of [
    () => decodeCursor(cursor, 'string'),
    () => decodeCursor(cursor, 'number', 'number'),
    () => decodeCursor(encodeCursor([null]), 'number'),
    () => decodeCursor(Buffer.from('{"length":1}').toString('base64url'), 'string'),
    () => decodeCursor('%%%', 'string'),
    () => decodeCursor('', 'string'),
    () => decodeCursor(encodeCursor(['a\0']), 'string'),
    () => decodeCursor(encodeCursor(['\ud800']), 'string?'),
    () => decodeCursor(Buffer.from('[1e999]').toString('base64url'), 'number'),
  ]) {
    expect(read).toThrow(UserInputError);
    expect(read).toThrow(/^after: /);
  }
});

test('the row too many tells that there is a next page', () => {
  expect(pageOf([1, 2, 3], { first: 2 })).toEqual({ items: [1, 2], hasNextPage: true, hasPreviousPage: false });
  expect(pageOf([1, 2], { first: 2, after: 'x' })).toEqual({
    items: [1, 2],
    hasNextPage: false,
    hasPreviousPage: true,
  });
  expect(pageSize({ first: 100 })).toBe(100);
  expect(pageSize({ first: 1000 }, 1000)).toBe(1000);
  for (const first of [0, 101, -1, 2.5, Number.NaN])
    expect(() => pageSize({ first })).toThrow(/^first: must be between/);
});

test('text loses what PostgreSQL does not take and keeps everything else', () => {
  expect(storableText('a\0b\ud800c😀\n')).toBe('a\uFFFDb\uFFFDc😀\n');
  expect(storableText('x'.repeat(20), 10)).toBe('xxxxxxxxx…');
  expect(storableText('12345678😀', 10)).toBe('12345678😀');
  expect(storableText('12345678😀x', 10)).toBe('12345678\uFFFD…');
});
