/** Which labelled images a run validates on: the draw, whatever the images are. */

import { createRandom, permutation } from './random.ts';
import { validCount } from './trainingConfig.ts';

/** Numbers of images, of `count` in order of their ids; both in the order drawn. */
export interface DrawnSplit {
  readonly valid: readonly number[];
  readonly train: readonly number[];
}

export function drawSplit(count: number, validFraction: number, seed: number): DrawnSplit {
  const drawn = permutation(count, createRandom(seed, 'split'));
  const cut = validCount(count, validFraction);
  return { valid: drawn.slice(0, cut), train: drawn.slice(cut) };
}

/** Why a draw is refused that leaves no image of a label to train on. */
export function unseenLabelMessage(label: string, seed: number): string {
  return `all images of label ${JSON.stringify(label)} were drawn for validation with seed ${seed}; add images of it, lower validFraction or choose another splitSeed`;
}
