import type { ArtifactKind } from '../domain/artifact.ts';
import type { Queryable } from './queryable.ts';

/** A file of a run, its bytes among the blobs. */
export interface Artifact {
  readonly id: string;
  readonly runId: string;
  /** Unique within the run. */
  readonly name: string;
  readonly kind: ArtifactKind;
  /** Bytes. */
  readonly size: number;
  /** SHA-256: its key among the blobs. */
  readonly contentHash: string;
  readonly createdAt: Date;
}

export async function insertArtifact(db: Queryable, artifact: Artifact): Promise<void> {
  await db.artifact.create({ data: artifact });
}

export async function deleteArtifact(db: Queryable, id: string): Promise<void> {
  await db.artifact.delete({ where: { id } });
}

/** By id; ids that do not exist are missing from the map. */
export async function getArtifacts(db: Queryable, ids: readonly string[]): Promise<Map<string, Artifact>> {
  const rows = await db.artifact.findMany({ where: { id: { in: [...ids] } } });
  return new Map(rows.map((row) => [row.id, { ...row, size: Number(row.size) }]));
}

/** Artifacts of several runs, by run and name. */
export async function findArtifacts(db: Queryable, runIds: readonly string[]): Promise<Artifact[]> {
  const rows = await db.artifact.findMany({
    where: { runId: { in: [...runIds] } },
    orderBy: [{ runId: 'asc' }, { name: 'asc' }],
  });
  return rows.map((row) => ({ ...row, size: Number(row.size) }));
}
