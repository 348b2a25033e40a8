import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { demoUsage, parseDemoOptions } from '../../src/bin/demo/options.ts';
import { scaleNames } from '../../src/bin/demo/scales.ts';

const defaults = {
  data: undefined,
  preset: 'quick',
  scale: undefined,
  randomWeights: false,
  epochs: undefined,
  json: undefined,
  exit: false,
};

describe('options of the demo', () => {
  test('defaults: drawn images, the quick preset, the server stays up', () => {
    expect(parseDemoOptions([])).toEqual(defaults);
  });

  test('paths are made absolute', () => {
    const args = ['--data', 'images', '--epochs', '3', '--json', 'out.json', '--exit'];
    expect(parseDemoOptions(args)).toEqual({
      ...defaults,
      data: path.resolve('images'),
      epochs: 3,
      json: path.resolve('out.json'),
      exit: true,
    });
  });

  test.each(scaleNames)('the recipe at scale %s, which the help tells', (scale) => {
    const args = ['--preset', 'recipe', '--scale', scale, '--random-weights'];
    expect(parseDemoOptions(args)).toEqual({ ...defaults, preset: 'recipe', scale, randomWeights: true });
    expect(demoUsage).toMatch(new RegExp(`^ +${scale} +\\w`, 'm'));
  });

  test('the recipe without a scale leaves it to the machine', () => {
    expect(parseDemoOptions(['--preset', 'recipe'])).toEqual({ ...defaults, preset: 'recipe' });
  });

  test('help is no run', () => {
    expect(parseDemoOptions(['--help'])).toBeNull();
  });

  test.each([
    [['--frobnicate'], /Unknown option '--frobnicate'[\s\S]*Usage:/],
    [['extra'], /Unexpected argument 'extra'[\s\S]*Usage:/],
    [['--data'], /'--data <value>' argument missing[\s\S]*Usage:/],
    [['--preset', 'huge'], /^--preset: there is no "huge", only quick, recipe$/],
    [['--preset', 'toString'], /^--preset: there is no "toString"/],
    [['--preset', 'recipe', '--scale', 'huge'], /^--scale: there is no "huge", only mini, small, base, full$/],
    [['--scale', 'mini'], /^--scale: only with --preset recipe$/],
    [['--scale', 'mini', '--random-weights'], /^--scale and --random-weights: only with --preset recipe$/],
    [['--epochs', '0'], /^--epochs: expected a whole number from 1 to 100000, got "0"$/],
    [['--epochs', '2.5'], /^--epochs: .* got "2.5"$/],
  ])('%j is refused by name', (args, message) => {
    expect(() => parseDemoOptions(args)).toThrow(message);
  });
});
