/** Import and removal of data sets. */

import { basename } from 'node:path';
import type { Transaction } from '../db/database.ts';
import { missing, refuse, UserInputError, type UserProblem } from '../errors.ts';
import { removeDatasetFolder, unpackedRoot } from '../files/datasetFolders.ts';
import { type Dataset, findDataset, insertDataset, removeDataset } from '../store/dataset.ts';
import { holdUpload } from '../store/upload.ts';
import { holdBlobs, releaseBlobs } from './blobs.ts';
import type { CommandContext } from './context.ts';
import { createOnce } from './createOnce.ts';
import { locateSource } from './datasetSource.ts';
import { collect, nameProblems } from './problems.ts';
import { inTransaction } from './transaction.ts';

export interface ImportDatasetInput {
  /** Unique among data sets. */
  readonly name: string;
  /** Folder or archive on the server; absolute, or relative to where the server was started. */
  readonly path?: string | null | undefined;
  /** Archive that was sent over HTTP. One of the two is given. */
  readonly uploadId?: string | null | undefined;
  /** Share of every label's training images that becomes HOLDOUT, in (0, 1); null: what the folder holds out. */
  readonly holdoutFraction?: number | null | undefined;
  /** Draws them; default 0. */
  readonly holdoutSeed?: number | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
}

const largestSeed = 2 ** 31 - 1;

/** Registers a data set IMPORTING and its job: a worker reads the folder or the archive. Returns its id. */
export async function importDataset(ctx: CommandContext, input: ImportDatasetInput): Promise<string> {
  return createOnce(ctx, 'dataset', 'importDataset', input, async (tx, id) => {
    const problems: UserProblem[] = [...nameProblems(input), ...holdoutProblems(input)];
    const source = await collect(problems, () => sourceOf(ctx, tx, id, input));
    const namesake = problems.length ? null : await findDataset(tx, { name: input.name });
    if (namesake) problems.push(nameTaken(input.name, namesake.status));
    if (problems.length || !source) throw new UserInputError(problems);

    const holdoutFraction = input.holdoutFraction ?? null;
    const holdoutSeed = holdoutFraction === null ? null : (input.holdoutSeed ?? 0);
    const dataset = { id, name: input.name, createdAt: ctx.now(), ...source, holdoutFraction, holdoutSeed };
    if (!(await insertDataset(tx, dataset))) {
      throw new UserInputError([nameTaken(input.name, 'IMPORTING')]);
    }
    await ctx.queue.enqueue(tx, 'dataset.import', { datasetId: id });
    return [];
  });
}

type Source = Pick<Dataset, 'root' | 'archivePath' | 'archiveName' | 'archiveHash'>;

/** Where the images come from. */
async function sourceOf(
  ctx: CommandContext,
  tx: Transaction,
  id: string,
  { path, uploadId }: ImportDatasetInput,
): Promise<Source> {
  if (typeof path === 'string' && typeof uploadId !== 'string') {
    const { kind, file } = await locateSource(ctx.files, path);
    if (kind === 'folder') return { root: file, archivePath: null, archiveName: null, archiveHash: null };
    return { root: unpackedRoot(id), archivePath: file, archiveName: basename(file), archiveHash: null };
  }
  if (typeof uploadId !== 'string' || typeof path === 'string') {
    throw refuse('INVALID', 'give exactly one of path and uploadId', ['path']);
  }
  const upload = await holdUpload(tx, uploadId, ctx.now());
  if (!upload) {
    throw refuse('NOT_FOUND', `${missing('upload', uploadId)}, or it has expired; send the archive again`, [
      'uploadId',
    ]);
  }
  await holdBlobs(ctx, tx, [upload.contentHash]);
  const { name, contentHash } = upload;
  return { root: unpackedRoot(id), archivePath: null, archiveName: name || null, archiveHash: contentHash };
}

/** Forgets a data set, its manifest, and what was unpacked of an archive; a user's folder stays. Refused while an experiment uses it. */
export async function deleteDataset(ctx: CommandContext, id: string): Promise<void> {
  const removal = await inTransaction(ctx, (tx) => removeDataset(tx, id));
  switch (removal.kind) {
    case 'removed': {
      const { archiveHash, createdAt } = removal.dataset;
      if (archiveHash !== null) await releaseBlobs(ctx, [{ contentHash: archiveHash, createdAt }]);
      return removeDatasetFolder(ctx.files.home, id);
    }
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
