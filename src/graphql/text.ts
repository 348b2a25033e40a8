/**
 * Variables and literals as PostgreSQL and our own code can hold them: text without U+0000 and halves of surrogate pairs, values not
 * too deep, no key that JavaScript takes for an object's prototype. Checked once, for every argument of every operation.
 */

import { type DocumentNode, GraphQLError, Kind, visit } from 'graphql';

const unstorable = /[\0\p{Surrogate}]/u;

/** The error of an operation with such a value in it; it names the variable, or the place in the query. */
export function checkText(
  document: DocumentNode,
  variables: Readonly<Record<string, unknown>> | null | undefined,
  maxDepth: number,
): GraphQLError | null {
  const variable = checkVariables(variables ?? {}, maxDepth);
  if (variable) return variable;
  let error: GraphQLError | null = null;
  visit(document, {
    [Kind.STRING]: (node) => {
      if (unstorable.test(node.value)) error ??= unstorableText('A text of the query', { nodes: [node] });
    },
    [Kind.OBJECT_FIELD]: (node) => {
      if (node.name.value === '__proto__') error ??= prototypeKey('A value of the query', { nodes: [node] });
    },
  });
  return error;
}

/** The path of what is wrong is told as `input.tags.0`. Without recursion: a client decides how deep the values are. */
function checkVariables(variables: Readonly<Record<string, unknown>>, maxDepth: number): GraphQLError | null {
  const left: [path: readonly string[], value: unknown][] = [[[], variables]];
  for (let next = left.pop(); next; next = left.pop()) {
    const [path, value] = next;
    if (typeof value === 'string' && unstorable.test(value)) return unstorableText(`Variable "$${path.join('.')}"`);
    if (typeof value !== 'object' || value === null) continue;
    if (path.length > maxDepth) return tooDeep(path[0]!, maxDepth);
    for (const [key, child] of Object.entries(value).reverse()) {
      if (key === '__proto__') return prototypeKey(path.length ? `Variable "$${path.join('.')}"` : 'The variables');
      if (unstorable.test(key))
        return unstorableText(path.length ? `A key in variable "$${path.join('.')}"` : 'A variable');
      left.push([[...path, key], child]);
    }
  }
  return null;
}

function unstorableText(what: string, options = {}): GraphQLError {
  return refusal(`${what} holds U+0000 or half of a surrogate pair, which cannot be stored; leave it out`, options);
}

function prototypeKey(what: string, options = {}): GraphQLError {
  return refusal(`${what} has a key "__proto__", which no input has; leave it out`, options);
}

function tooDeep(name: string, limit: number): GraphQLError {
  const message = `Variable "$${name}" has more levels of lists and objects than the limit of ${limit}`;
  return new GraphQLError(message, { extensions: { code: 'LIMIT_EXCEEDED', limit, http: { status: 400 } } });
}

function refusal(message: string, options: object): GraphQLError {
  return new GraphQLError(message, { ...options, extensions: { code: 'BAD_USER_INPUT', http: { status: 400 } } });
}
