import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseDemoOptions } from '../../src/bin/demo/options.ts';
import { presets } from '../../src/bin/demo/presets.ts';
import { parseTrainingConfig } from '../../src/domain/trainingConfig.ts';

describe('options of the demo', () => {
  test('defaults: drawn images, the quick preset, the server stays up', () => {
    expect(parseDemoOptions([])).toEqual({ data: undefined, preset: presets.quick, json: undefined, exit: false });
  });

  test('paths are made absolute, epochs replace the preset’s', () => {
    const args = ['--data', 'images', '--preset', 'recipe', '--epochs', '3', '--json', 'out.json', '--exit'];
    expect(parseDemoOptions(args)).toEqual({
      data: path.resolve('images'),
      preset: { ...presets.recipe, epochs: 3 },
      json: path.resolve('out.json'),
      exit: true,
    });
  });

  test('help is no run', () => {
    expect(parseDemoOptions(['--help'])).toBeNull();
  });

  test.each([
    [['--frobnicate'], /Unknown option '--frobnicate'[\s\S]*Usage:/],
    [['extra'], /Unexpected argument 'extra'[\s\S]*Usage:/],
    [['--data'], /'--data <value>' argument missing[\s\S]*Usage:/],
    [['--preset', 'huge'], /^--preset: there is no "huge", only quick and recipe$/],
    [['--preset', 'toString'], /^--preset: there is no "toString"/],
    [['--epochs', '0'], /^--epochs: expected a whole number from 1 to 100000, got "0"$/],
    [['--epochs', '2.5'], /^--epochs: .* got "2.5"$/],
  ])('%j is refused by name', (args, message) => {
    expect(() => parseDemoOptions(args)).toThrow(message);
  });
});

describe('presets', () => {
  test.each(Object.entries(presets))(
    '%s is at least two architectures by two preprocessings the server takes',
    (_, preset) => {
      expect(preset.architectures.length).toBeGreaterThanOrEqual(2);
      expect(preset.preprocessings.length).toBeGreaterThanOrEqual(2);
      for (const architecture of preset.architectures) {
        for (const { itemTransform, size } of preset.preprocessings) {
          const { config, problems } = parseTrainingConfig({
            ...preset.config,
            epochs: preset.epochs,
            architecture,
            itemTransform,
            size,
          });
          expect(problems).toBeUndefined();
          expect(config!.accumulation).toBe(2);
        }
      }
    },
  );
});
