/** From rules and picks to members, as the server does it, so that names and shares are there before its answer. */

import type { Pick, Rule } from './builderState.ts';

export interface Member {
  readonly runId: string;
  /** 0: it was taken out although a rule matches it. */
  readonly weight: number;
  /** weight / sum of all weights. */
  readonly share: number;
  /** The last rule that matches it, and its weight by it; null when none does. */
  readonly rule: { readonly index: number; readonly weight: number } | null;
  readonly picked: boolean;
}

/**
 * Members in an order that weights do not change: those matched, rule by rule, then those picked.
 * @param matches runs that each rule matches, in the order of `rules`
 */
export function membersOf(
  rules: readonly Rule[],
  matches: readonly (readonly string[])[],
  picks: readonly Pick[],
): readonly Member[] {
  const members = new Map<string, Omit<Member, 'share'>>();
  for (const [index, { weight }] of rules.entries()) {
    for (const runId of matches[index] ?? []) {
      members.set(runId, { runId, weight, rule: { index, weight }, picked: false });
    }
  }
  for (const { runId, weight } of picks) {
    members.set(runId, { runId, weight, rule: members.get(runId)?.rule ?? null, picked: true });
  }
  const list = [...members.values()];
  const shares = sharesOf(list.map(({ weight }) => weight));
  return list.map((member, i) => ({ ...member, share: shares[i]! }));
}

/** Each weight's part of their sum; all 0 where there is nothing to share. */
export function sharesOf(weights: readonly number[]): readonly number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => (total > 0 ? weight / total : 0));
}

/** With another weight for one run: what a rule says already is no pick. */
export function withWeight(picks: readonly Pick[], member: Member, weight: number): readonly Pick[] {
  const others = picks.filter(({ runId }) => runId !== member.runId);
  if (member.rule && weight === member.rule.weight) return others;
  if (others.length === picks.length) return [...picks, { runId: member.runId, weight }];
  return picks.map((pick) => (pick.runId === member.runId ? { ...pick, weight } : pick));
}

/** Without one run: one that a rule matches is picked with weight 0. */
export function withoutMember(picks: readonly Pick[], member: Member): readonly Pick[] {
  return member.rule ? withWeight(picks, member, 0) : picks.filter(({ runId }) => runId !== member.runId);
}

/** In, or out: a run that a rule matches counts with its weight again. `member`: what it is now. */
export function toggled(picks: readonly Pick[], runId: string, member: Member | undefined): readonly Pick[] {
  if (member && member.weight > 0) return withoutMember(picks, member);
  const others = picks.filter((pick) => pick.runId !== runId);
  return member?.rule?.weight ? others : [...others, { runId, weight: 1 }];
}

/** Where a slider ends that can show these weights: a round number, which seldom changes while one drags. */
export function sliderEnd(weights: readonly number[]): number {
  const largest = Math.max(0, ...weights);
  let end = 4;
  while (end < largest) end *= String(end).startsWith('4') ? 2.5 : 2;
  return end;
}
