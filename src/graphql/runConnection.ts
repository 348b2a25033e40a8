import { parseFilter } from '../domain/filter.ts';
import type { QueryRunsArgs } from '../generated/graphql.ts';
import { filterSql } from '../store/filterSql.ts';
import type { Queryable } from '../store/queryable.ts';
import { countChosenRuns, listRuns, newestFirst, runCursor } from '../store/runList.ts';
import { connection, pageRequest } from './connection.ts';
import type { RunConnectionRow } from './rows.ts';

/** The runs of everything, of an experiment or of a sweep, by the arguments that all their lists share. */
export async function runConnection(
  db: Queryable,
  scope: { readonly experimentId?: string; readonly sweepId?: string },
  { filter, orderBy, ...args }: Partial<QueryRunsArgs>,
): Promise<RunConnectionRow> {
  const choice = { ...scope, ...(filter ? { where: filterSql(parseFilter(filter, ['filter'])) } : {}) };
  const order = orderBy ? { field: orderBy.field, direction: orderBy.direction ?? 'DESC' } : newestFirst;
  const page = await listRuns(db, { ...choice, ...pageRequest(args), orderBy: order });
  return { ...connection(page, (run) => runCursor(run, order)), count: () => countChosenRuns(db, choice) };
}
