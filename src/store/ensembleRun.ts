/** Runs as members of ensembles: which may be one, and over which predictions. */

import type { Split } from '../domain/dataset.ts';
import type { Filter } from '../domain/filter.ts';
import type { RunStatus } from '../domain/run.ts';
import { Prisma } from '../generated/prisma/client.ts';
import { filterSql } from './filterSql.ts';
import { preferredKind } from './prediction.ts';
import type { Queryable } from './queryable.ts';

/** A run and the predictions of one split it would bring along: its TTA set if it has one, else PLAIN, else UPLOADED. */
export interface EnsembleRun {
  readonly id: string;
  readonly name: string;
  readonly experimentId: string;
  readonly status: RunStatus;
  /** null when it has no predictions of the split; so are the next three. */
  readonly setId: string | null;
  readonly rowCount: number | null;
  readonly rowsHash: string | null;
  readonly vocab: readonly string[] | null;
}

/** By id; ids that do not exist are missing from the map. */
export async function getEnsembleRuns(
  db: Queryable,
  runIds: readonly string[],
  split: Split,
): Promise<Map<string, EnsembleRun>> {
  const runs = await select(db, split, Prisma.sql`r.id = any(${[...runIds]}::text[])`);
  return new Map(runs.map((run) => [run.id, run]));
}

/** Succeeded runs that have predictions of the split and pass the filter, oldest first; at most `limit`. */
export function matchEnsembleRuns(
  db: Queryable,
  of: {
    readonly filter: Filter;
    readonly split: Split;
    readonly experimentId: string | undefined;
    readonly limit: number;
  },
): Promise<EnsembleRun[]> {
  const within = of.experimentId === undefined ? Prisma.empty : Prisma.sql`and r.experiment_id = ${of.experimentId}`;
  const where = Prisma.sql`r.status = 'SUCCEEDED' and p.id is not null ${within} and ${filterSql(of.filter)}`;
  return select(db, of.split, where, of.limit);
}

/** Which of `setIds` differ from the first in vocabulary, image ids or their order. */
export async function findDifferingSets(db: Queryable, setIds: readonly string[]): Promise<string[]> {
  const rows = await db.$queryRaw<{ id: string }[]>`
    select p.id from prediction_set p join prediction_set q on q.id = ${setIds[0]}
    where p.id = any(${[...setIds]}::text[]) and (p.vocab <> q.vocab or p.image_ids <> q.image_ids)`;
  return rows.map((row) => row.id);
}

/** Keeps runs from being deleted until the transaction ends; returns which of the prediction sets are gone already. */
export async function holdPredictionSets(
  tx: Queryable,
  sets: readonly { readonly runId: string; readonly setId: string }[],
): Promise<string[]> {
  // In order of id, as everyone who locks several runs.
  await tx.$executeRaw`
    select from run where id = any(${sets.map(({ runId }) => runId)}::text[]) order by id collate "C" for key share`;
  const rows = await tx.predictionSet.findMany({
    where: { id: { in: sets.map(({ setId }) => setId) } },
    select: { id: true },
  });
  const there = new Set(rows.map(({ id }) => id));
  return sets.map(({ setId }) => setId).filter((id) => !there.has(id));
}

function select(db: Queryable, split: Split, where: Prisma.Sql, limit?: number): Promise<EnsembleRun[]> {
  return db.$queryRaw<EnsembleRun[]>`
    select r.id, r.name, r.experiment_id as "experimentId", r.status::text as status,
      p.id as "setId", p.row_count as "rowCount", p.rows_hash as "rowsHash", p.vocab
    from run r left join lateral (
      select * from prediction_set p where p.run_id = r.id and p.split = ${split}::split order by ${preferredKind} limit 1
    ) p on true
    where ${where} order by r.id ${limit === undefined ? Prisma.empty : Prisma.sql`limit ${limit}`}`;
}
