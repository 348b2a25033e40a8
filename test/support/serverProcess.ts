/** Servers and workers as processes, and what tests ask them. */

import { expect } from 'vitest';
import { type RunningProcess, spawnTypeScript } from './processes.ts';

export interface ServerProcess extends RunningProcess {
  readonly url: string;
  /** The data of an operation that has no errors. */
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
  ask(query: string, variables?: object, headers?: Readonly<Record<string, string>>): Promise<any>;
  /** What /readyz answers; status 0: nobody does. */
  ready(): Promise<{ readonly status: number; readonly checks: Readonly<Record<string, string>> }>;
}

/** Starts src/bin/server.ts and waits until it serves. */
export async function startServerProcess(env: Readonly<Record<string, string>>): Promise<ServerProcess> {
  const server = spawnTypeScript('src/bin/server.ts', [], { PORT: '0', RUNGRAPH_LOG: 'info', ...env });
  const [, url] = await server.until(/Rungraph server at (http:\/\/\S+)/);
  return { ...server, ...clientOf(url!) };
}

/** Asks a server that is there. */
export function clientOf(url: string): Pick<ServerProcess, 'url' | 'ask' | 'ready'> {
  return {
    url,
    ask: async (query, variables = {}, headers = {}) => {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ query, variables }),
      });
      const { data, errors } = (await response.json()) as { data: unknown; errors?: unknown };
      expect(errors).toBeUndefined();
      return data;
    },
    ready: async () => {
      try {
        const response = await fetch(`${url}/readyz`);
        const { checks } = (await response.json()) as { checks: Record<string, string> };
        return { status: response.status, checks };
      } catch {
        return { status: 0, checks: {} };
      }
    },
  };
}

/** What a process has logged, as objects; other output is left out. */
export function logOf(process: RunningProcess): Record<string, unknown>[] {
  return process
    .output()
    .split('\n')
    .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Record<string, unknown>] : []));
}
