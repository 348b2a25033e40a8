import type { Filter } from '../domain/filter.ts';
import type { Prisma } from '../generated/prisma/client.ts';

/** A condition over `run r`, true exactly where `matches` is. */
export declare function filterSql(filter: Filter): Prisma.Sql;
