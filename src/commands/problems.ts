/** How commands find everything that is wrong with an input before they refuse it. */

import { UserInputError, type UserProblem } from '../errors.ts';

interface NamedInput {
  readonly name?: string | null | undefined;
  readonly tags?: readonly string[] | null | undefined;
}

const mostTags = 100;

/** What is wrong with a name and tags. */
export function nameProblems(input: NamedInput): UserProblem[] {
  const problems: UserProblem[] = [];
  const check = (text: string, path: string[]) => {
    const fits = text.trim() !== '' && text.length <= 200 && !/[\0\p{Surrogate}]/u.test(text);
    if (!fits) problems.push({ code: 'INVALID', message: 'must have 1 to 200 characters, not only spaces', path });
  };
  if (typeof input.name === 'string') check(input.name, ['name']);
  const tags = input.tags ?? [];
  if (tags.length > mostTags) {
    const message = `a run may have ${mostTags} tags, got ${tags.length}`;
    problems.push({ code: 'LIMIT_EXCEEDED', message, path: ['tags'] });
  }
  for (const [i, tag] of tags.slice(0, mostTags).entries()) check(tag, ['tags', String(i)]);
  return problems;
}

/** Runs `work`; a refusal adds to `problems` and gives undefined. */
export async function collect<T>(problems: UserProblem[], work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof UserInputError)) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

/** The first of equals: a problem of what several things share shows in each of them. */
export function distinct(problems: readonly UserProblem[]): UserProblem[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}

/** Names that a refusal tells at most. */
const mostNamed = 5;

/** The first of the names, and how many more there are. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, mostNamed).join(', ');
  return names.length > mostNamed ? `${shown} and ${names.length - mostNamed} more` : shown;
}
