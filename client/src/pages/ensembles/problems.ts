/** What the server has against an ensemble, at what it is about. */

import { sentence } from '../../format/sentence.ts';

export interface Problem {
  readonly message: string;
  readonly path: readonly string[];
}

export interface MemberProblems {
  /** By index of the rule. */
  readonly rules: ReadonlyMap<number, string>;
  /** By index of the pick. */
  readonly picks: ReadonlyMap<number, string>;
  /** Of nothing that stands in a list: sentences. */
  readonly others: readonly string[];
}

/** Sorts problems by their paths, `members.N…`: the rules come first in what was sent, then the picks. */
export function sortProblems(problems: readonly Problem[], ruleCount: number): MemberProblems {
  const rules = new Map<number, string>();
  const picks = new Map<number, string>();
  const others: string[] = [];
  for (const { message, path } of problems) {
    const [list, index] = path;
    if (list !== 'members' || index === undefined || !/^\d+$/.test(index)) others.push(sentence(message));
    else if (Number(index) < ruleCount) append(rules, Number(index), message);
    else append(picks, Number(index) - ruleCount, message);
  }
  return { rules, picks, others };
}

/** Those of one field of a form, as one text; undefined when there are none. */
export function problemAt(problems: readonly Problem[], field: string): string | undefined {
  const found = problems.filter(({ path }) => path[0] === field).map(({ message }) => sentence(message));
  return found.length ? found.join(' ') : undefined;
}

/** Those of none of the fields of a form, as sentences. */
export function problemsElsewhere(problems: readonly Problem[], fields: readonly string[]): readonly string[] {
  return problems.filter(({ path }) => !fields.includes(path[0] ?? '')).map(({ message }) => sentence(message));
}

function append(map: Map<number, string>, key: number, message: string): void {
  const before = map.get(key);
  map.set(key, before === undefined ? sentence(message) : `${before} ${sentence(message)}`);
}
