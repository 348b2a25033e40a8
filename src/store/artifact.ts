/** Files that runs left among the blobs. */

import type { Queryable } from './queryable.ts';

export type ArtifactKind = 'CHECKPOINT' | 'WEIGHTS' | 'ONNX' | 'PREDICTIONS' | 'FILE';

export interface Artifact {
  readonly id: string;
  readonly runId: string;
  readonly name: string;
  readonly kind: ArtifactKind;
  /** Bytes. */
  readonly size: number;
  /** SHA-256: its key among the blobs. */
  readonly contentHash: string;
  readonly createdAt: Date;
}

/** Every run asked for is in the map; by name. */
export declare function artifactsOfRuns(db: Queryable, runIds: readonly string[]): Promise<Map<string, Artifact[]>>;
export declare function getArtifacts(db: Queryable, ids: readonly string[]): Promise<Map<string, Artifact>>;
