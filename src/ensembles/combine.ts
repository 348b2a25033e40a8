/** Weighted mean of stored class probabilities. */

import type { Predictions } from '../domain/predictions.ts';
import { refuse } from '../errors.ts';

/** Rows (images) by columns (labels) of class probabilities. */
export type ProbabilityTable = Pick<Predictions, 'imageIds' | 'vocab' | 'probabilities'>;

/** What members must share: labels, and images in the same order. */
export interface MemberRows extends Pick<ProbabilityTable, 'imageIds' | 'vocab'> {
  /** How messages call it: a run's name or id. */
  readonly name: string;
}

export interface Member extends MemberRows, ProbabilityTable {
  /** Relative weight, above 0; shares are weight / sum of weights. */
  readonly weight: number;
}

/**
 * sum(weight * probabilities) / sum(weight), accumulated in float64 and rounded once. Weight 2 equals listing a member twice.
 * @throws UserInputError as `checkMembers` does
 */
export function weightedMean(members: readonly Member[]): ProbabilityTable {
  const first = checkMembers(members);
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

/**
 * Members that can be combined; returns the first.
 * @throws UserInputError INCOMPATIBLE when rows or vocabulary of two members differ, INVALID for a weight that is not above 0
 *   and when there is no member.
 */
export function checkMembers(members: readonly Member[]): Member {
  const first = members[0];
  if (!first) throw refuse('INVALID', 'an ensemble needs at least one member', ['members']);
  for (const member of members) {
    checkWeight(member);
    checkSize(member);
    checkSameRows(first, member);
  }
  return first;
}

/** @throws UserInputError INCOMPATIBLE that names both members and the first label or image they differ in */
export function checkSameRows(first: MemberRows, member: MemberRows): void {
  checkSame(first, member, 'vocab', 'label');
  checkSame(first, member, 'imageIds', 'image');
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

function checkSame(first: MemberRows, member: MemberRows, list: 'vocab' | 'imageIds', noun: string): void {
  const a = first[list];
  const b = member[list];
  const counts =
    a.length === b.length ? '' : `${member.name} has ${b.length} ${noun}s, ${first.name} has ${a.length}; `;
  const longer = a.length < b.length ? b : a;
  const at = longer.findIndex((_, i) => a[i] !== b[i]);
  if (at < 0) return;
  const inList = (value: string | undefined) => (value === undefined ? 'missing' : JSON.stringify(value));
  throw refuse(
    'INCOMPATIBLE',
    `${counts}${noun} ${at + 1} is ${inList(b[at])} in ${member.name} but ${inList(a[at])} in ${first.name}; ` +
      `members must be predicted on the same ${noun}s in the same order`,
    ['members'],
  );
}
