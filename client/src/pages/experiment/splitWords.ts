import type { Split } from '../../generated/operations.ts';

export const splitWords: Readonly<Record<Split, string>> = {
  TRAIN: 'Training',
  VALID: 'Validation',
  TEST: 'Test',
  HOLDOUT: 'Hold-out',
};
