/** Saved ensembles: members, weights and scores; results are computed from stored predictions. */

import { decodeCursor, encodeCursor } from '../domain/cursor.ts';
import type { Split } from '../domain/dataset.ts';
import { type Page, type PageRequest, pageOf, pageSize } from '../domain/page.ts';
import type { EnsembleMethod } from '../ensembles/methods.ts';
import type { SelectionMetric } from '../ensembles/select.ts';
import { Prisma } from '../generated/prisma/client.ts';
import type { EnsembleModel } from '../generated/prisma/models.ts';
import type { Queryable } from './queryable.ts';

export interface Ensemble {
  readonly id: string;
  readonly name: string;
  readonly experimentId: string;
  readonly method: EnsembleMethod;
  readonly createdAt: Date;
  /** null when its members were named. */
  readonly selection: EnsembleSelection | null;
}

/** How optimizeEnsemble came to an ensemble's members. */
export interface EnsembleSelection {
  readonly split: Split;
  readonly metric: SelectionMetric;
  readonly candidateCount: number;
  /** The first so many steps made the ensemble. */
  readonly keptSteps: number;
  readonly steps: readonly SelectedRun[];
}

/** One pick, and the score of the mean of all picks so far. */
export interface SelectedRun {
  readonly runId: string;
  /** Its name then. */
  readonly runName: string;
  readonly errorRate: number;
  readonly logLoss: number;
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
  return new Map(rows.map((row) => [row.id, fromRow(row)]));
}

/** Newest first. */
export async function listEnsembles(db: Queryable, experimentId: string, page: PageRequest): Promise<Page<Ensemble>> {
  const rows = await db.ensemble.findMany({
    where: { experimentId, ...(page.after !== undefined && { id: { lt: decodeCursor(page.after, 'string')[0] } }) },
    omit: { input: true },
    orderBy: { id: 'desc' },
    take: pageSize(page) + 1,
  });
  return pageOf(rows.map(fromRow), page);
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

/** Stored scores of several ensembles, by ensemble, VALID before HOLDOUT. */
export function findEnsembleScores(
  db: Queryable,
  ensembleIds: readonly string[],
): Promise<(EnsembleScore & { readonly ensembleId: string })[]> {
  return db.ensembleScore.findMany({
    where: { ensembleId: { in: [...ensembleIds] } },
    orderBy: [{ ensembleId: 'asc' }, { split: 'asc' }],
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
  await tx.ensemble.create({
    data: {
      ...ensemble,
      input: parts.input as Prisma.InputJsonObject,
      selection: (ensemble.selection as Prisma.InputJsonObject | null) ?? Prisma.DbNull,
    },
  });
  await tx.ensembleMember.createMany({
    data: parts.members.map(({ runId, weight }, position) => ({ ensembleId, position, runId, weight })),
  });
  await tx.ensembleScore.createMany({ data: parts.scores.map((score) => ({ ensembleId, ...score })) });
}

function fromRow({ selection, ...row }: Omit<EnsembleModel, 'input'>): Ensemble {
  return { ...row, selection: selection as EnsembleSelection | null };
}
