/** How predictions are called. */

import type { Split } from '../../generated/operations.ts';

export const splitWords: Readonly<Record<Split, string>> = {
  TRAIN: 'Training',
  VALID: 'Validation',
  TEST: 'Test',
  HOLDOUT: 'Hold-out',
};

/** Of test-time augmentation. */
export function passesWords(passes: number): string {
  return passes === 1 ? '1 augmented pass' : `${passes} augmented passes`;
}
