import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { type Prisma, PrismaClient } from '../generated/prisma/client.ts';
import { connectionOptions, connectionProblem } from './connection.ts';

/** One pool, used by Prisma and by raw SQL. */
export interface Database {
  readonly prisma: PrismaClient;
  readonly pool: pg.Pool;
  readonly url: string;
  /** Waits for running queries, then disconnects. */
  close(): Promise<void>;
}

/**
 * Of transactions, milliseconds until one begins and until it has ended, where the caller says nothing else. Prisma gives up after 2 s and
 * 5 s by default; a batch behind a busy database or a big prediction set may take longer.
 */
const transactionOptions = { maxWait: 30_000, timeout: 60_000 };

/** What `prisma.$transaction(async (tx) => …)` hands out. */
export type Transaction = Prisma.TransactionClient;

/** Connects and proves it with a query. Throws StartupError naming DATABASE_URL: unreachable, wrong password, no such database. */
export async function openDatabase(url: string, options: { maxConnections?: number } = {}): Promise<Database> {
  const { schema, ...connection } = connectionOptions(url);
  const pool = new pg.Pool({ ...connection, max: options.maxConnections ?? 10 });
  // A connection that breaks while idle is dropped by the pool, and the next query opens another; without a listener it would end the process.
  pool.on('error', () => {});
  try {
    await pool.query('select 1');
  } catch (error) {
    await pool.end();
    throw connectionProblem(url, error);
  }
  const adapter = new PrismaPg(pool, schema === undefined ? {} : { schema });
  const prisma = new PrismaClient({ adapter, transactionOptions });
  let closing: Promise<void> | undefined;
  return {
    prisma,
    pool,
    url,
    close: () => {
      closing ??= prisma.$disconnect().then(() => pool.end());
      return closing;
    },
  };
}
