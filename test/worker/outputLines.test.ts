import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { OutputBudget, outputLines } from '../../src/worker/outputLines.ts';

async function linesOf(...chunks: (string | Buffer)[]): Promise<string[]> {
  const lines: string[] = [];
  const stream = Readable.from(
    chunks.map((chunk) => Buffer.from(chunk)),
    { objectMode: false },
  );
  for await (const line of outputLines(stream)) lines.push(line);
  return lines;
}

test('lines end as terminals of all kinds end them, wherever the pieces are cut', async () => {
  expect(await linesOf('a\nb\r\nc\rd\n\ne')).toEqual(['a', 'b', 'c', 'd', '', 'e']);
  expect(await linesOf('a\r', '\nb', '\n')).toEqual(['a', 'b']);
  expect(await linesOf('a\r', 'b\r\n\n')).toEqual(['a', 'b', '']);
  expect(await linesOf()).toEqual([]);
});

test('characters that are cut in two are put together, and bytes that are none replaced', async () => {
  const bytes = Buffer.from('épée\n');
  expect(await linesOf(bytes.subarray(0, 1), bytes.subarray(1))).toEqual(['épée']);
  expect(await linesOf(Buffer.from([0xff, 0x41, 0x0a]))).toEqual(['\uFFFDA']);
});

test('of a line that is too long the beginning is kept and the rest counted', async () => {
  const [line, next] = await linesOf('x'.repeat(3_000), 'y'.repeat(3_000), '\nnext');
  expect(line).toBe(`${'x'.repeat(3_000)}${'y'.repeat(1_000)}… (2000 more characters)`);
  expect(next).toBe('next');
});

test('a budget takes so many lines and so much text, then counts', () => {
  const many = new OutputBudget();
  for (let i = 0; i < 50_000; i++) expect(many.take('')).toBe(true);
  expect(many.remark()).toBeNull();
  expect(many.take('')).toBe(false);
  const much = new OutputBudget();
  while (much.take('z'.repeat(4_000)));
  expect(much.take('')).toBe(false);
  expect(much.remark()).toMatch(/^2 more lines of output were not kept/);
});
