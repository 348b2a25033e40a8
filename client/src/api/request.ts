/** Asks the server over HTTP. */

import type { TypedDocumentString } from '../generated/operations.ts';
import { connection } from './connection.ts';
import { toLogin } from './login.ts';

/** What is wrong with one argument of a query. */
export interface ApiProblem {
  readonly message: string;
  /** E.g. `['filter']`; empty when no single argument is at fault. */
  readonly path: readonly string[];
}

/** The server answered, and not with data: what it said, in words for people. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string | undefined;
  readonly status: number;
  /** What the server has against the arguments, for the fields they came from. */
  readonly problems: readonly ApiProblem[];

  constructor(
    message: string,
    about: {
      readonly code?: string | undefined;
      readonly status: number;
      readonly problems?: readonly ApiProblem[] | undefined;
    },
  ) {
    super(message);
    this.code = about.code;
    this.status = about.status;
    this.problems = about.problems ?? [];
  }
}

/** Nobody answered: the server is away, or the network is. */
class OfflineError extends Error {
  override readonly name = 'OfflineError';
}

interface GraphqlAnswer<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: AnswerExtensions }[];
}

interface AnswerExtensions {
  readonly code?: string;
  readonly problems?: readonly ApiProblem[];
}

/**
 * The data of an operation. Whoever is not logged in (any more) is led to the login page.
 * @throws ApiError when the server refuses; OfflineError when it does not answer
 */
export async function request<Data, Variables>(
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<Data> {
  const response = await post({ query: document.toString(), variables }, signal);
  if (response.status === 401) {
    connection.heard(true);
    toLogin();
    return new Promise(() => {});
  }
  const answer = (await response.json().catch(() => ({}))) as GraphqlAnswer<Data>;
  signal?.throwIfAborted();
  // What a proxy says in place of a server that is away, or a server that starts, is no answer of GraphQL.
  if (response.status >= 502 && !answer.data && !answer.errors) throw offline();
  connection.heard(true);
  if (answer.errors?.length) {
    const message = answer.errors.map((error) => error.message).join('\n');
    throw new ApiError(message, {
      code: answer.errors[0]?.extensions?.code,
      status: response.status,
      problems: answer.errors.flatMap(({ extensions }) => extensions?.problems ?? []),
    });
  }
  if (!answer.data) throw new ApiError(`The server answered with status ${response.status}`, response);
  return answer.data;
}

async function post(body: object, signal: AbortSignal | undefined): Promise<Response> {
  try {
    return await fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: signal ?? null,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw offline();
  }
}

function offline(): OfflineError {
  connection.heard(false);
  return new OfflineError('The server does not answer');
}
