/** Weighted mean of stored class probabilities. */

import type { Predictions } from '../domain/predictions.ts';
import { refuse } from '../errors.ts';

/** Rows (images) by columns (labels) of class probabilities. */
export type ProbabilityTable = Pick<Predictions, 'imageIds' | 'vocab' | 'probabilities'>;

export interface Member extends ProbabilityTable {
  /** How messages call it: a run's name or id. */
  readonly name: string;
  /** Relative weight, above 0; shares are weight / sum of weights. */
  readonly weight: number;
}

/**
 * sum(weight * probabilities) / sum(weight), accumulated in float64 and rounded once. Weight 2 equals listing a member twice.
 * @throws UserInputError INCOMPATIBLE when rows or vocabulary of two members differ, INVALID for a weight that is not above 0.
 */
export function weightedMean(members: readonly Member[]): ProbabilityTable {
  const first = members[0];
  if (!first) throw refuse('INVALID', 'an ensemble needs at least one member', ['members']);
  for (const member of members) {
    checkWeight(member);
    checkSize(member);
    checkSame(first, member, 'vocab', 'label', 'labels');
    checkSame(first, member, 'imageIds', 'image', 'images');
  }
  const totals = new Float64Array(first.probabilities.length);
  let weights = 0;
  for (const { weight, probabilities } of members) {
    weights += weight;
    for (let i = 0; i < totals.length; i++) totals[i]! += weight * probabilities[i]!;
  }
  return {
    imageIds: first.imageIds,
    vocab: first.vocab,
    probabilities: Float32Array.from(totals, (total) => total / weights),
  };
}

function checkWeight({ name, weight }: Member): void {
  if (Number.isFinite(weight) && weight > 0) return;
  throw refuse('INVALID', `the weight of ${name} must be a finite number above 0, got ${weight}`, [
    'members',
    'weight',
  ]);
}

function checkSize({ name, imageIds, vocab, probabilities }: Member): void {
  const expected = imageIds.length * vocab.length;
  if (probabilities.length === expected) return;
  throw refuse(
    'INCOMPATIBLE',
    `${name} holds ${probabilities.length} probabilities, but ${imageIds.length} images by ${vocab.length} labels make ${expected}`,
    ['members'],
  );
}

function checkSame(first: Member, member: Member, list: 'vocab' | 'imageIds', noun: string, nouns: string): void {
  const a = first[list];
  const b = member[list];
  if (a.length !== b.length) {
    throw refuse(
      'INCOMPATIBLE',
      `${member.name} has ${b.length} ${nouns}, ${first.name} has ${a.length}; members must be predicted on the same ${nouns}`,
      ['members'],
    );
  }
  const at = a.findIndex((value, i) => value !== b[i]);
  if (at < 0) return;
  throw refuse(
    'INCOMPATIBLE',
    `${noun} ${at + 1} is ${JSON.stringify(b[at])} in ${member.name} but ${JSON.stringify(a[at])} in ${first.name}; ` +
      `members must be predicted on the same ${nouns} in the same order`,
    ['members'],
  );
}
