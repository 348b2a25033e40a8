/** Import and removal of data sets. */

import { access, constants, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ImportResult } from '../domain/dataset.ts';
import { missing, refuse, UserInputError, type UserProblem } from '../errors.ts';
import { findDataset, insertDataset, removeDataset, storeImportFailure, storeManifest } from '../store/dataset.ts';
import type { CommandContext } from './context.ts';
import { createOnce } from './createOnce.ts';
import { nameProblems } from './problems.ts';
import { inTransaction } from './transaction.ts';

export interface ImportDatasetInput {
  /** Unique among data sets. */
  readonly name: string;
  /** Folder on the server; absolute, or relative to where the server was started. */
  readonly path: string;
  /** Share of every label's training images that becomes HOLDOUT, in (0, 1); null: what the folder holds out. */
  readonly holdoutFraction?: number | null | undefined;
  /** Draws them; default 0. */
  readonly holdoutSeed?: number | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
}

const largestSeed = 2 ** 31 - 1;

/** Registers a data set IMPORTING and its job: a worker reads the folder. Returns its id. */
export async function importDataset(ctx: CommandContext, input: ImportDatasetInput): Promise<string> {
  return createOnce(ctx, 'dataset', 'importDataset', input, async (tx, id) => {
    const problems: UserProblem[] = [
      ...nameProblems(input),
      ...(await folderProblems(input.path)),
      ...holdoutProblems(input),
    ];
    const namesake = problems.length ? null : await findDataset(tx, { name: input.name });
    if (namesake) problems.push(nameTaken(input.name, namesake.status));
    if (problems.length) throw new UserInputError(problems);

    const root = path.resolve(input.path);
    const holdoutFraction = input.holdoutFraction ?? null;
    const holdoutSeed = holdoutFraction === null ? null : (input.holdoutSeed ?? 0);
    const dataset = { id, name: input.name, createdAt: ctx.now(), root, holdoutFraction, holdoutSeed };
    if (!(await insertDataset(tx, dataset))) {
      throw new UserInputError([nameTaken(input.name, 'IMPORTING')]);
    }
    await ctx.queue.enqueue(tx, 'dataset.import', { datasetId: id });
    return [];
  });
}

/**
 * For the worker: stores the manifest, all or nothing, and makes the data set READY. Nothing happens when it is no longer
 * IMPORTING: another worker had the same job.
 * @throws UserInputError INVALID when an image id occurs twice in a split: labels and predictions are found by it
 */
export async function completeImport(ctx: CommandContext, datasetId: string, result: ImportResult): Promise<void> {
  const seen = new Map<string, string>();
  for (const { split, imageId, path: file } of result.images) {
    const key = `${split}/${imageId}`;
    const earlier = seen.get(key);
    if (earlier !== undefined) {
      throw refuse('INVALID', `${earlier} and ${file} have the same name; image names must be unique within ${split}`);
    }
    seen.set(key, file);
  }
  await inTransaction(ctx, (tx) => storeManifest(tx, datasetId, result));
}

/** For the worker: makes the data set FAILED, with a reason for the user. Nothing happens when it is no longer IMPORTING. */
export async function failImport(ctx: CommandContext, datasetId: string, reason: string): Promise<void> {
  await storeImportFailure(ctx.db.prisma, datasetId, reason);
}

/** Forgets a data set and its manifest; the files stay. Refused while an experiment uses it. */
export async function deleteDataset(ctx: CommandContext, id: string): Promise<void> {
  switch (await inTransaction(ctx, (tx) => removeDataset(tx, id))) {
    case 'removed':
      return;
    case 'missing':
      throw refuse('NOT_FOUND', missing('data set', id), ['id']);
    case 'used':
      throw refuse('CONFLICT', `data set ${id} is used by an experiment, whose runs refer to its images`, ['id']);
  }
}

function nameTaken(name: string, status: string): UserProblem {
  const message = `there is a data set ${JSON.stringify(name)} already (${status}); choose another name or delete it`;
  return { code: 'ALREADY_EXISTS', message, path: ['name'] };
}

function holdoutProblems({ holdoutFraction, holdoutSeed }: ImportDatasetInput): UserProblem[] {
  const fraction = holdoutFraction ?? null;
  const seed = holdoutSeed ?? null;
  const problems: UserProblem[] = [];
  const report = (field: string, message: string) => problems.push({ code: 'INVALID', message, path: [field] });
  if (fraction !== null && !(fraction > 0 && fraction < 1)) {
    report('holdoutFraction', `must be more than 0 and less than 1, got ${fraction}; leave it out to hold out nothing`);
  }
  if (seed !== null && !(Number.isInteger(seed) && seed >= 0 && seed <= largestSeed)) {
    report('holdoutSeed', `must be from 0 to ${largestSeed}, got ${seed}`);
  } else if (seed !== null && fraction === null) {
    report('holdoutSeed', 'says nothing without holdoutFraction; give both or neither');
  }
  return problems;
}

async function folderProblems(folder: string): Promise<UserProblem[]> {
  const problem = (code: 'INVALID' | 'NOT_FOUND', message: string): UserProblem[] => [
    { code, message, path: ['path'] },
  ];
  if (folder.trim() === '' || folder.includes('\0')) return problem('INVALID', 'must be the path of a folder');
  const root = path.resolve(folder);
  try {
    if (!(await stat(root)).isDirectory()) return problem('INVALID', `${root} is not a folder`);
    await access(root, constants.R_OK | constants.X_OK);
    return [];
  } catch (error) {
    switch ((error as NodeJS.ErrnoException).code) {
      case 'ENOENT':
        return problem('NOT_FOUND', `there is no folder ${root} on the server's machine`);
      case 'ENOTDIR':
        return problem('INVALID', `a part of ${root} is not a folder`);
      case 'EACCES':
      case 'EPERM':
        return problem('INVALID', `the server may not read ${root}; change its permissions`);
      default:
        return problem('INVALID', `${root} cannot be read: ${(error as Error).message}`);
    }
  }
}
