import { expect, test } from 'vitest';
import { bytesText, parseBytes, parseList, parseSize, sizeText } from '../../../client/src/domain/typed.ts';

test('a size is one side for a square, or height x width', () => {
  expect(parseSize('224')).toEqual({ height: 224, width: 224 });
  expect(parseSize(' 320 x 240 ')).toEqual({ height: 320, width: 240 });
  expect(parseSize('320×240')).toEqual({ height: 320, width: 240 });
  for (const wrong of ['', 'x', '224px', '1.5', '-3', '1x2x3', '320x']) expect(parseSize(wrong)).toBeNull();
  expect(sizeText({ height: 224, width: 224 })).toBe('224');
  expect(sizeText({ height: 320, width: 240 })).toBe('320x240');
});

test('an amount of memory needs its unit and comes back as it was typed', () => {
  expect(parseBytes('6 GiB')).toBe(6 * 2 ** 30);
  expect(parseBytes('1.5gib')).toBe(1.5 * 2 ** 30);
  expect(parseBytes('512MB')).toBe(512_000_000);
  for (const wrong of ['', '6', '6 apples', '-1 GiB', 'GiB', '1e3 GiB', '9999999 TiB']) {
    expect(parseBytes(wrong)).toBeNull();
  }
  for (const text of ['6 GiB', '1536 MiB', '1 TiB', '64 KiB', '1001 B'])
    expect(bytesText(parseBytes(text)!)).toBe(text);
});

test('a list is what stands between commas', () => {
  expect(parseList(' 0.01, 0.003,,')).toEqual(['0.01', '0.003']);
  expect(parseList('  ')).toEqual([]);
});
