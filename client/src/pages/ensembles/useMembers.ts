import { useMemo, useRef, useState } from 'react';
import { useApiQueries } from '../../api/queries.ts';
import {
  EnsembleMatchesDocument,
  EnsemblePicksDocument,
  type EnsembleRunFragment,
  type Split,
} from '../../generated/operations.ts';
import type { BuilderState, Rule } from './builderState.ts';
import { type Member, membersOf } from './members.ts';
import { refusal } from './refusal.ts';

/** A rule and what it matches. */
export interface MatchedRule extends Rule {
  /** Oldest first; undefined while they are looked for. */
  readonly runs: readonly EnsembleRunFragment[] | undefined;
  readonly problem: string | undefined;
}

export interface Members {
  readonly rules: readonly MatchedRule[];
  /** In an order of their own, whatever their weights. */
  readonly members: readonly Member[];
  /** By id, those that are known by now. */
  readonly runs: ReadonlyMap<string, EnsembleRunFragment>;
  /** Ids of those that count; the same set as long as they are the same, whatever they weigh. */
  readonly chosen: ReadonlySet<string>;
  /** Those of them that are known. */
  readonly chosenRuns: readonly EnsembleRunFragment[];
  /** Picked runs that the experiment does not have. */
  readonly unknown: readonly string[];
  /** Keeps what is known of a run that is about to be picked. */
  readonly remember: (run: EnsembleRunFragment) => void;
}

/** Who the rules and picks of a builder name, of one experiment and with predictions of `split`. */
export function useMembers(experimentId: string, split: Split, { rules, picks }: BuilderState): Members {
  const matched = useMatches(experimentId, split, rules);
  const [remembered, setRemembered] = useState<ReadonlyMap<string, EnsembleRunFragment>>(new Map());
  const asked = picks.map(({ runId }) => runId).filter((id) => !remembered.has(id));
  const named = useNamedRuns(experimentId, asked);
  const runs = useMemo(() => {
    const all = [...remembered.values(), ...named.runs.values(), ...matched.flatMap((rule) => rule.runs ?? [])];
    return new Map(all.map((run) => [run.id, run]));
  }, [remembered, named.runs, matched]);
  const members = useMemo(() => {
    const matches = matched.map((rule) => rule.runs?.map(({ id }) => id) ?? []);
    return membersOf(matched, matches, picks);
  }, [matched, picks]);
  const counted = members.filter(({ weight }) => weight > 0).map(({ runId }) => runId);
  const list = counted.join(',');
  const chosen = useMemo(() => new Set(list ? list.split(',') : []), [list]);
  const chosenRuns = useMemo(() => [...chosen].flatMap((id) => runs.get(id) ?? []), [chosen, runs]);
  return {
    rules: matched,
    members,
    runs,
    chosen,
    chosenRuns,
    unknown: named.complete ? asked.filter((id) => !runs.has(id)) : [],
    remember: (run) => setRemembered((before) => new Map(before).set(run.id, run)),
  };
}

/** While a rule that has changed is looked up, it matches what its predecessor matched: nothing jumps. */
function useMatches(experimentId: string, split: Split, rules: readonly Rule[]): readonly MatchedRule[] {
  const before = useRef<readonly MatchedRule[]>([]);
  const filters = [...new Set(rules.map(({ filter }) => filter.trim()).filter(Boolean))];
  const queries = useApiQueries(
    EnsembleMatchesDocument,
    filters.map((filter) => ({ input: { experimentId, split, members: [{ filter }] } })),
    () => refresh,
  );
  const matched = rules.map((rule, index): MatchedRule => {
    const filter = rule.filter.trim();
    if (!filter) return { ...rule, runs: [], problem: undefined };
    const { data, error } = queries[filters.indexOf(filter)]!;
    if (error) return { ...rule, runs: [], problem: refusal(error) };
    const runs = data?.ensemble.members.map(({ run }) => run) ?? before.current[index]?.runs;
    return { ...rule, runs, problem: undefined };
  });
  const stable = isSame(before.current, matched) ? before.current : matched;
  before.current = stable;
  return stable;
}

/** Runs by their ids. Those that were asked for once stay known. */
function useNamedRuns(experimentId: string, ids: readonly string[]) {
  const seen = useRef<ReadonlyMap<string, EnsembleRunFragment>>(new Map());
  const parts = Array.from({ length: Math.ceil(ids.length / perQuestion) }, (_, i) =>
    ids.slice(i * perQuestion, (i + 1) * perQuestion),
  );
  const queries = useApiQueries(
    EnsemblePicksDocument,
    parts.map((part) => ({ id: experimentId, filter: `id in (${part.map((id) => JSON.stringify(id)).join(', ')})` })),
  );
  const found = queries.flatMap(({ data }) => data?.experiment?.runs.nodes ?? []);
  if (found.some((run) => seen.current.get(run.id) !== run)) {
    seen.current = new Map([...seen.current, ...found.map((run) => [run.id, run] as const)]);
  }
  return { runs: seen.current, complete: queries.every(({ isPending }) => !isPending) };
}

/** Milliseconds: runs that finish meanwhile may match, too. */
const refresh = 15_000;

/** Ids of one filter, which may have 4000 characters. */
const perQuestion = 100;

function isSame(a: readonly MatchedRule[], b: readonly MatchedRule[]): boolean {
  return (
    a.length === b.length &&
    a.every((rule, i) => {
      const other = b[i]!;
      const same = rule.filter === other.filter && rule.weight === other.weight && rule.problem === other.problem;
      return same && rule.runs?.length === other.runs?.length && !rule.runs?.some((run, k) => run !== other.runs![k]);
    })
  );
}
