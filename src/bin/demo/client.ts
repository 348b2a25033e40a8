/** A GraphQL client over HTTP and WebSocket: all that the demo knows of the server. */

import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { StartupError } from '../../errors.ts';

/** A GraphQL document with the types of its result and variables. */
export interface Operation<Result, Variables> {
  readonly text: string;
  /** Carries the types; never set. */
  readonly types?: (variables: Variables) => Result;
}

export function operation<Result, Variables>(text: string): Operation<Result, Variables> {
  return { text };
}

export interface UserError {
  readonly code: string;
  readonly message: string;
  readonly path: readonly string[];
}

/** What every payload has. */
export interface Payload {
  readonly userErrors: readonly UserError[];
}

/** Its part of a document. */
export const userErrors = 'userErrors { code message path }';

export interface GraphqlClient {
  readonly url: string;
  /** Throws when the response has errors. */
  request<Result, Variables extends object>(
    operation: Operation<Result, Variables>,
    variables: Variables,
  ): Promise<Result>;
  /** Results until the server completes; breaking out of the loop unsubscribes. Throws when the connection is lost. */
  subscribe<Result, Variables extends object>(
    operation: Operation<Result, Variables>,
    variables: Variables,
  ): AsyncIterable<Result>;
  /** The bytes at a path of the server. */
  download(path: string): Promise<Buffer>;
  close(): Promise<void>;
}

/**
 * @param signal ends requests and subscriptions
 * @param apiKey secret, for a server that asks for one
 */
export function createGraphqlClient(url: string, signal: AbortSignal, apiKey: string | undefined): GraphqlClient {
  const credentials: Record<string, string> = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  const live = createClient({
    url: `${url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    lazy: true,
    connectionParams: credentials,
    retryAttempts: 0,
  });
  const dispose = () => live.dispose();
  signal.addEventListener('abort', dispose);
  return {
    url,
    async request({ text }, variables) {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: {
          ...credentials,
          'content-type': 'application/json',
          accept: 'application/graphql-response+json, application/json',
        },
        body: JSON.stringify({ query: text, variables }),
        signal,
      });
      return unwrap(await response.json());
    },
    async *subscribe({ text }, variables) {
      const results = live.iterate({ query: text, variables: variables as Record<string, unknown> });
      for await (const result of results) yield unwrap(result);
      signal.throwIfAborted();
    },
    async download(path) {
      const response = await fetch(new URL(path, url), { signal, headers: credentials });
      if (!response.ok) throw new StartupError(`${path}: ${response.status} ${await response.text()}`);
      return Buffer.from(await response.arrayBuffer());
    },
    async close() {
      signal.removeEventListener('abort', dispose);
      await live.dispose();
    },
  };
}

function unwrap<Result>(response: unknown): Result {
  const { data, errors } = response as { data?: Result | null; errors?: readonly { message: string }[] };
  if (errors?.length || !data) {
    throw new StartupError(
      `The server answers: ${errors?.map((e) => e.message).join('; ') ?? JSON.stringify(response)}`,
    );
  }
  return data;
}

/** The object of a payload, or its user errors as one StartupError. */
export function accepted<T>(what: string, value: T | null | undefined, userErrors: readonly UserError[]): T {
  if (value) return value;
  const lines = userErrors.map(({ path, message }) => (path.length ? `${path.join('.')}: ${message}` : message));
  throw new StartupError(`${what} was refused: ${lines.join('; ')}`);
}
