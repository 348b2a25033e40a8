/** Files that runs left among the blobs. */

import type { Artifact as Row } from '../generated/prisma/client.ts';
import type { Queryable } from './queryable.ts';

export type ArtifactKind = 'CHECKPOINT' | 'WEIGHTS' | 'ONNX' | 'PREDICTIONS' | 'FILE';

export interface Artifact {
  readonly id: string;
  readonly runId: string;
  /** Unique within its run. */
  readonly name: string;
  readonly kind: ArtifactKind;
  /** Bytes. */
  readonly size: number;
  /** SHA-256: its key among the blobs. */
  readonly contentHash: string;
  readonly createdAt: Date;
}

/** By name; every run asked for is in the map. */
export async function artifactsOfRuns(db: Queryable, runIds: readonly string[]): Promise<Map<string, Artifact[]>> {
  const rows = await db.artifact.findMany({ where: { runId: { in: [...runIds] } }, orderBy: { name: 'asc' } });
  return new Map(runIds.map((runId) => [runId, rows.filter((row) => row.runId === runId).map(fromRow)]));
}

/** Adds a file; one of the same name in the same run is replaced. */
export async function putArtifact(db: Queryable, artifact: Artifact): Promise<void> {
  const { runId, name } = artifact;
  await db.artifact.upsert({ where: { runId_name: { runId, name } }, create: artifact, update: artifact });
}

function fromRow(row: Row): Artifact {
  return { ...row, size: Number(row.size) };
}
