/** Text as PostgreSQL can hold it: neither U+0000 nor halves of surrogate pairs. Checked once, for every argument of every operation. */

import { type DocumentNode, GraphQLError, Kind, visit } from 'graphql';

const unstorable = /[\0\p{Surrogate}]/u;

/** The error of an operation with text in it that cannot be stored or looked for; it names the variable, or the place in the query. */
export function checkText(
  document: DocumentNode,
  variables: Readonly<Record<string, unknown>> | null | undefined,
): GraphQLError | null {
  const variable = findUnstorable(variables ?? {});
  if (variable !== null) return refusal(`Variable "$${variable}"`);
  let error: GraphQLError | null = null;
  visit(document, {
    [Kind.STRING]: (node) => {
      if (unstorable.test(node.value)) error ??= refusal('A text of the query', { nodes: [node] });
    },
  });
  return error;
}

/** Path of the first such text below `variables`, e.g. `input.tags.0`. Without recursion: a client decides how deep they are. */
function findUnstorable(variables: Readonly<Record<string, unknown>>): string | null {
  const left: [path: string, value: unknown][] = Object.entries(variables).reverse();
  for (let next = left.pop(); next; next = left.pop()) {
    const [path, value] = next;
    if (typeof value === 'string' && unstorable.test(value)) return path;
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, child] of Object.entries(value).reverse()) left.push([`${path}.${key}`, child]);
  }
  return null;
}

function refusal(what: string, options = {}): GraphQLError {
  const message = `${what} holds U+0000 or half of a surrogate pair, which cannot be stored; leave it out`;
  return new GraphQLError(message, { ...options, extensions: { code: 'BAD_USER_INPUT', http: { status: 400 } } });
}
