import { expect, it } from 'vitest';
import { directionOf } from '../../src/domain/objective.ts';

it.each(['valid/accuracy', 'holdout/f1', 'train_images_per_second', 'AUC'])('%s improves upwards', (name) => {
  expect(directionOf(name)).toBe('DESC');
});

it.each(['valid/error_rate', 'valid/loss', 'inaccuracy', 'score/loss'])('%s improves downwards', (name) => {
  expect(directionOf(name)).toBe('ASC');
});
