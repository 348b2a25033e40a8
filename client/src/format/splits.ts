/** Parts of a data set as people call them. */

export const splitWords = { TRAIN: 'Training', VALID: 'Validation', TEST: 'Test', HOLDOUT: 'Hold-out' } as const;

type Split = keyof typeof splitWords;

/** Within a sentence: `validation images`. */
export function imagesOf(split: Split): string {
  return `${splitWords[split].toLowerCase()} images`;
}
