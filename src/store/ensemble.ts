/** Saved ensembles: members, weights and scores; results are computed from stored predictions. */

import { decodeCursor, encodeCursor } from '../domain/cursor.ts';
import type { Split } from '../domain/dataset.ts';
import { type Page, type PageRequest, pageOf, pageSize } from '../domain/page.ts';
import type { EnsembleMethod } from '../ensembles/methods.ts';
import type { Prisma } from '../generated/prisma/client.ts';
import type { Queryable } from './queryable.ts';

export interface Ensemble {
  readonly id: string;
  readonly name: string;
  readonly experimentId: string;
  readonly method: EnsembleMethod;
  readonly createdAt: Date;
}

export interface EnsembleMember {
  readonly runId: string;
  readonly weight: number;
}

/** What a leaderboard ranks an ensemble by. */
export interface EnsembleScore {
  readonly split: Split;
  readonly rowsHash: string;
  readonly errorRate: number;
  readonly accuracy: number;
  readonly logLoss: number;
}

/** By id; ids that do not exist are missing from the map. */
export async function getEnsembles(db: Queryable, ids: readonly string[]): Promise<Map<string, Ensemble>> {
  const rows = await db.ensemble.findMany({ where: { id: { in: [...ids] } }, omit: { input: true } });
  return new Map(rows.map((row) => [row.id, row]));
}

/** Newest first. */
export async function listEnsembles(db: Queryable, experimentId: string, page: PageRequest): Promise<Page<Ensemble>> {
  const rows = await db.ensemble.findMany({
    where: { experimentId, ...(page.after !== undefined && { id: { lt: decodeCursor(page.after, 'string')[0] } }) },
    omit: { input: true },
    orderBy: { id: 'desc' },
    take: pageSize(page) + 1,
  });
  return pageOf(rows, page);
}

export function ensembleCursor(ensemble: Ensemble): string {
  return encodeCursor([ensemble.id]);
}

/** In order of position; empty when there is no such ensemble. */
export async function membersOfEnsemble(db: Queryable, ensembleId: string): Promise<EnsembleMember[]> {
  const rows = await findEnsembleMembers(db, [ensembleId]);
  return rows.map(({ runId, weight }) => ({ runId, weight }));
}

/** Members of several ensembles, by ensemble and position. */
export function findEnsembleMembers(
  db: Queryable,
  ensembleIds: readonly string[],
): Promise<(EnsembleMember & { readonly ensembleId: string })[]> {
  return db.ensembleMember.findMany({
    where: { ensembleId: { in: [...ensembleIds] } },
    orderBy: [{ ensembleId: 'asc' }, { position: 'asc' }],
    select: { ensembleId: true, runId: true, weight: true },
  });
}

/** Adds an ensemble with everything of it. `input` is what it was made from, for the record. Call in a transaction. */
export async function insertEnsemble(
  tx: Queryable,
  ensemble: Ensemble,
  parts: {
    readonly members: readonly EnsembleMember[];
    readonly scores: readonly EnsembleScore[];
    readonly input: object;
  },
): Promise<void> {
  const ensembleId = ensemble.id;
  await tx.ensemble.create({ data: { ...ensemble, input: parts.input as Prisma.InputJsonObject } });
  await tx.ensembleMember.createMany({
    data: parts.members.map(({ runId, weight }, position) => ({ ensembleId, position, runId, weight })),
  });
  await tx.ensembleScore.createMany({ data: parts.scores.map((score) => ({ ensembleId, ...score })) });
}
