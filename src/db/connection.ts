/** How a PostgreSQL URL becomes a connection, and how its failures become sentences. */

import type pg from 'pg';
import { StartupError } from '../errors.ts';

/**
 * node-postgres options of a URL. Takes Prisma's `?schema=name` too (as the search path), so one DATABASE_URL serves Prisma,
 * raw SQL and the job queue.
 */
export function connectionOptions(url: string): pg.ClientConfig & { readonly schema: string | undefined } {
  const parsed = parseUrl(url);
  const schema = parsed.searchParams.get('schema') ?? undefined;
  parsed.searchParams.delete('schema');
  return {
    connectionString: parsed.href,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    schema,
    ...(schema === undefined ? {} : { options: `-c search_path="${schema.replaceAll('"', '""')}"` }),
  };
}

/** The same server, another database. */
export function withDatabase(url: string, database: string): string {
  const parsed = parseUrl(url);
  parsed.pathname = `/${encodeURIComponent(database)}`;
  return parsed.href;
}

/** Name of the database a URL points at. */
export function databaseName(url: string): string {
  return decodeURIComponent(parseUrl(url).pathname.slice(1));
}

/** Why no connection could be made, naming DATABASE_URL and never showing its password. */
export function connectionProblem(url: string, error: unknown): StartupError {
  const parsed = parseUrl(url);
  const socket = parsed.searchParams.get('host');
  const server = socket ?? `${parsed.hostname}:${parsed.port || 5432}`;
  const database = databaseName(url);
  const { code, message } = error as { code?: string; message?: string };
  switch (code) {
    case '3D000':
      return new StartupError(
        `DATABASE_URL: PostgreSQL at ${server} has no database "${database}"; create it (createdb ${database}) or correct the name`,
      );
    case '28P01':
    case '28000':
      return new StartupError(
        `DATABASE_URL: PostgreSQL at ${server} refuses user "${decodeURIComponent(parsed.username)}": ${message}; correct the user name and password`,
      );
    case 'ECONNREFUSED':
    case 'ENOENT':
      return new StartupError(
        `DATABASE_URL: no PostgreSQL answers at ${server} (${code}); start it or correct host and port`,
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new StartupError(`DATABASE_URL: the host ${server} is not known (${code}); correct the host name`);
    default:
      return new StartupError(
        `DATABASE_URL: no connection to "${database}" at ${server}: ${message || code || String(error)}`,
      );
  }
}

function parseUrl(url: string): URL {
  try {
    return new URL(url);
  } catch {
    throw new StartupError(
      'DATABASE_URL is not a URL; expected postgresql://user:password@host:5432/database (special characters percent-encoded)',
    );
  }
}
