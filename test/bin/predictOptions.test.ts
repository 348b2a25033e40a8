import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { predictionCsv } from '../../src/bin/predict/csv.ts';
import { parsePredictOptions } from '../../src/bin/predict/options.ts';
import { StartupError } from '../../src/errors.ts';

describe('options of predict', () => {
  test('default to a plain pass with the run’s settings', () => {
    expect(parsePredictOptions(['--run', 'run_1', 'pictures'])).toEqual({
      ...{ runId: 'run_1', folder: path.resolve('pictures'), passes: 0, probabilities: false },
      ...{ beta: undefined, out: undefined, server: undefined, batchSize: undefined, threads: undefined },
    });
  });

  test('are all taken', () => {
    const args =
      '--tta 4 --beta 0.5 --out x.csv --probabilities --server http://h:1/rungraph/ --batch 8 --threads 2 /p';
    expect(parsePredictOptions(['--run', 'run_1', ...args.split(' ')])).toEqual({
      ...{ runId: 'run_1', folder: '/p', passes: 4, beta: 0.5, out: path.resolve('x.csv'), probabilities: true },
      ...{ server: 'http://h:1/rungraph', batchSize: 8, threads: 2 },
    });
    expect(parsePredictOptions(['--help'])).toBeNull();
  });

  test.each([
    [['/p'], /^--run is missing/],
    [['--run', 'r'], /^The folder to predict is missing/],
    [['--run', 'r', '/p', '/q'], /^One folder .*got \/p and \/q/],
    [['--run', 'r', '/p', '--tta', '65'], /^--tta: expected a whole number from 0 to 64, got "65"/],
    [['--run', 'r', '/p', '--tta', '1.5'], /^--tta: .*"1.5"/],
    [['--run', 'r', '/p', '--tta', ''], /^--tta: .*""/],
    [['--run', 'r', '/p', '--beta', '2'], /^--beta: expected a number from 0 to 1, got "2"/],
    [['--run', 'r', '/p', '--beta', ''], /^--beta: /],
    [['--run', 'r', '/p', '--batch', '0'], /^--batch: /],
    [['--run', 'r', '/p', '--threads', 'x'], /^--threads: /],
    [['--run', 'r', '/p', '--server', 'localhost'], /^--server: expected a URL/],
    [['--run', 'r', '/p', '--server', 'ftp://x'], /^--server: expected a URL/],
    [['--frobnicate'], /^Unknown option '--frobnicate'/],
  ])('%j is refused', (args, message) => {
    expect(() => parsePredictOptions(args)).toThrow(StartupError);
    expect(() => parsePredictOptions(args)).toThrow(message);
  });
});

test('the CSV has the first of the largest probabilities, and cells that need it in quotes', () => {
  const table = {
    imageIds: ['a.jpg', 'b, "c".jpg'],
    vocab: ['blast', 'x,y'],
    probabilities: Float32Array.of(0.5, 0.5, 0.125, 0.875),
  };
  expect(predictionCsv(table, false)).toBe('image_id,label,confidence\na.jpg,blast,0.5\n"b, ""c"".jpg","x,y",0.875\n');
  expect(predictionCsv(table, true)).toBe(
    'image_id,label,confidence,blast,"x,y"\na.jpg,blast,0.5,0.5,0.5\n"b, ""c"".jpg","x,y",0.875,0.125,0.875\n',
  );
});
