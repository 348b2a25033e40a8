/** Import and removal of data sets. */

import type { ImportResult } from '../domain/dataset.ts';
import type { CommandContext } from './context.ts';

export interface ImportDatasetInput {
  readonly name: string;
  /** Folder on the server; relative to its working directory, or absolute. */
  readonly path: string;
  readonly idempotencyKey?: string | null;
}

/** Registers a data set IMPORTING and its job. Returns its id. */
export declare function importDataset(ctx: CommandContext, input: ImportDatasetInput): Promise<string>;
/** Worker: stores the manifest, all or nothing, and makes the data set READY. Nothing happens when it is no longer IMPORTING. */
export declare function completeImport(ctx: CommandContext, datasetId: string, result: ImportResult): Promise<void>;
/** Worker: makes the data set FAILED with a reason for the user. Nothing happens when it is no longer IMPORTING. */
export declare function failImport(ctx: CommandContext, datasetId: string, reason: string): Promise<void>;
/** Refused while an experiment uses it. Images on disk stay. */
export declare function deleteDataset(ctx: CommandContext, id: string): Promise<void>;
