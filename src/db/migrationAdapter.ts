import { randomUUID } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import {
  ColumnTypeEnum,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
  type SqlQuery,
} from '@prisma/driver-adapter-utils';
import pg from 'pg';
import { connectionOptions, withDatabase } from './connection.ts';
import { applicationMark } from './interruptedMigration.ts';

/** What the stock adapter has but does not declare. */
interface AdapterInternals {
  performIO(query: SqlQuery): Promise<{ fields: { dataTypeID: number }[]; rows: unknown[][] }>;
  onError(error: unknown): never;
}

const charOid = 18;
const textOid = 25;

/**
 * `@prisma/adapter-pg` made fit for migrations. Version 7.10.0 as it is
 * - refuses `"char"` columns (oid 18), which the catalogue queries of PostgreSQL 18 return;
 * - cuts migration scripts at every `;`, also inside functions and strings, and runs the pieces without a transaction;
 * - takes the main database for the shadow database when it was given a URL.
 */
export class MigrationAdapter implements SqlMigrationAwareDriverAdapterFactory {
  readonly provider = 'postgres';
  readonly adapterName = '@prisma/adapter-pg';
  readonly #url: string;
  readonly #open = new Set<SqlDriverAdapter>();

  constructor(url: string) {
    this.#url = url;
  }

  async connect(): Promise<SqlDriverAdapter> {
    const adapter = await connectTo(this.#url);
    const dispose = adapter.dispose.bind(adapter);
    adapter.dispose = () => {
      this.#open.delete(adapter);
      return dispose();
    };
    this.#open.add(adapter);
    return adapter;
  }

  /** Ends the connections still open: the engine does not dispose of its own when it is freed. */
  async close(): Promise<void> {
    for (const adapter of this.#open) await adapter.dispose();
  }

  async connectToShadowDb(): Promise<SqlDriverAdapter> {
    const name = `prisma_migrate_shadow_db_${randomUUID()}`;
    await this.#runOnMain(`create database "${name}"`);
    const shadow = await connectTo(withDatabase(this.#url, name));
    const dispose = shadow.dispose.bind(shadow);
    shadow.dispose = async () => {
      await dispose();
      await this.#runOnMain(`drop database if exists "${name}" with (force)`);
    };
    return shadow;
  }

  async #runOnMain(sql: string): Promise<void> {
    const main = await this.connect();
    try {
      // Alone, for such statements take no transaction.
      await main.executeRaw({ sql, args: [], argTypes: [] });
    } finally {
      await main.dispose();
    }
  }
}

async function connectTo(url: string): Promise<SqlDriverAdapter> {
  const { schema, ...connection } = connectionOptions(url);
  // One connection: the engine holds a session-level advisory lock on it.
  const pool = new pg.Pool({ ...connection, max: 1, allowExitOnIdle: true });
  const stock = await new PrismaPg(pool, {
    disposeExternalPool: true,
    ...(schema === undefined ? {} : { schema }),
  }).connect();
  const internals = stock as unknown as AdapterInternals;
  const performIO = internals.performIO.bind(stock);
  const queryRaw = stock.queryRaw.bind(stock);
  const charColumns = new WeakMap<unknown[][], number[]>();

  internals.performIO = async (query) => {
    const result = await performIO(query);
    const columns = (result.fields ?? []).flatMap((field, i) => (field.dataTypeID === charOid ? [i] : []));
    for (const i of columns) result.fields[i]!.dataTypeID = textOid;
    if (columns.length) charColumns.set(result.rows, columns);
    return result;
  };
  stock.queryRaw = async (query) => {
    const result = await queryRaw(query);
    for (const i of charColumns.get(result.rows) ?? []) result.columnTypes[i] = ColumnTypeEnum.Character;
    return result;
  };
  stock.executeScript = async (script) => {
    try {
      // One simple-protocol message: PostgreSQL splits it itself and runs it as one implicit transaction.
      await pool.query(`${script}\n;${applicationMark}`);
    } catch (error) {
      internals.onError(error);
    }
  };
  return stock;
}
