import type { Database, Transaction } from '../db/database.ts';

/** What every store function takes first: the client, or a transaction of it. */
export type Queryable = Database['prisma'] | Transaction;
