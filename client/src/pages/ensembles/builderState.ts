/** What an ensemble in the making consists of, and how its link says it. */

import type { EnsembleMemberInput, EnsembleMethod } from '../../generated/operations.ts';

/** A predicate: every run that it matches counts with its weight. */
export interface Rule {
  readonly filter: string;
  readonly weight: number;
}

/** A run that was chosen by itself. It overrides what rules say of it; with weight 0 it is left out. */
export interface Pick {
  readonly runId: string;
  readonly weight: number;
}

export interface BuilderState {
  readonly rules: readonly Rule[];
  readonly picks: readonly Pick[];
  readonly method: EnsembleMethod;
}

/** The keys of the search part that the state stands in; null: as by default. */
export type BuilderKeys = Readonly<Record<'runs' | 'where' | 'method', string | null>>;

const methods: readonly EnsembleMethod[] = ['MEAN', 'GEOMETRIC_MEAN', 'RANK_MEAN', 'MAJORITY_VOTE'];

/** As the API takes weights. */
export const largestWeight = 1e9;

/**
 * Reads `runs=run_a,run_b:2&where=2 arch like vit*&method=GEOMETRIC_MEAN`; `where` has one rule a line, its weight first.
 * What cannot be read is left out, a weight that is none is 1, and of a run that is named again the last word holds.
 */
export function parseState(get: (key: keyof BuilderKeys) => string | null): BuilderState {
  const picks = new Map<string, number>();
  for (const part of (get('runs') ?? '').split(',')) {
    const [, runId, weight] = /^\s*([^\s:]+?)(?::(.*))?$/.exec(part) ?? [];
    if (runId !== undefined) picks.set(runId, parseWeight(weight));
  }
  const rules = (get('where') ?? '').split('\n').flatMap((line): Rule[] => {
    const [, weight, filter] = /^(\S+) (.*)$/.exec(line) ?? [];
    return filter === undefined ? [] : [{ filter, weight: parseWeight(weight) }];
  });
  const method = get('method');
  return {
    rules,
    picks: [...picks].map(([runId, weight]) => ({ runId, weight })),
    method: methods.find((known) => known === method) ?? 'MEAN',
  };
}

/** What `parseState` reads again. */
export function serializeState({ rules, picks, method }: BuilderState): BuilderKeys {
  const runs = picks.map(({ runId, weight }) => (weight === 1 ? runId : `${runId}:${weight}`));
  const lines = rules.map(({ filter, weight }) => `${weight} ${filter.replaceAll(/[\r\n]+/g, ' ')}`);
  return {
    runs: runs.length ? runs.join(',') : null,
    where: lines.length ? lines.join('\n') : null,
    method: method === 'MEAN' ? null : method,
  };
}

/** The search part of a link to the builder that shows an ensemble of these runs. */
export function stateSearch(state: BuilderState): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(serializeState(state))) if (value !== null) search.set(key, value);
  return search.size ? `?${search}` : '';
}

/** As the API takes members; rules that are still empty are not there. */
export function memberInputs({ rules, picks }: BuilderState): readonly EnsembleMemberInput[] {
  return [...writtenRules(rules), ...picks.map(({ runId, weight }) => ({ runId, weight }))];
}

/** Rules that say something. */
export function writtenRules(rules: readonly Rule[]): readonly Rule[] {
  return rules.flatMap(({ filter, weight }) => (filter.trim() ? [{ filter: filter.trim(), weight }] : []));
}

/** A number from 0 that the API takes; what is none is 1. */
export function parseWeight(text: string | undefined): number {
  const weight = text?.trim() ? Number(text) : 1;
  return weight >= 0 ? Math.min(weight, largestWeight) : 1;
}
