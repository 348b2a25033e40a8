/** The folder of a data set that comes from an archive: unpacked once on every machine that reads it, whole or not there. */

import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ArchiveError } from '../archives/errors.ts';
import { type ArchiveLimits, defaultArchiveLimits } from '../archives/limits.ts';
import { type UnpackProgress, unpackArchive } from '../archives/unpack.ts';
import type { CommandContext } from '../commands/context.ts';
import type { ImportProblem } from '../domain/dataset.ts';
import { diskProblem, refuse } from '../errors.ts';
import { datasetFolder, draftFolder, folderLock, removeDatasetFolder, unpackedRoot } from '../files/datasetFolders.ts';
import { acquireLock, type LockFile, LockHeldError } from '../locks/lockFile.ts';
import { findDataset } from '../store/dataset.ts';

/** Beside the folder of files: what it was made of. Written before the folder gets its name. */
interface Report {
  readonly archiveHash: string;
  readonly problems: readonly ImportProblem[];
}

export interface UnpackRequest {
  readonly datasetId: string;
  /** Key of the archive among the blobs. */
  readonly archiveHash: string;
  readonly signal: AbortSignal;
  /** Milliseconds, ten minutes if not given. */
  readonly lockPatience?: number;
  readonly onProgress?: (progress: UnpackProgress) => void;
  /** It has to be unpacked. */
  readonly onBegin?: () => void;
  /** What is wrong with the files that are there, or were just unpacked (`fresh`), which are refused then. */
  readonly verify?: (root: string, fresh: boolean) => Promise<string | undefined>;
}

/** Milliseconds to wait for another worker of this machine that unpacks the same. It may be frozen: after that both do it, and the first to end counts. */
const patience = 600_000;

/**
 * Makes sure that the archive of a data set is unpacked on this machine. Gives what was left out.
 * @throws UserInputError when the archive is refused, is not among the blobs of this machine, does not verify, or the disk is full
 */
export async function provideUnpacked(
  ctx: Pick<CommandContext, 'blobs' | 'files'>,
  request: UnpackRequest,
): Promise<readonly ImportProblem[]> {
  const folder = datasetFolder(ctx.files.home, request.datasetId);
  try {
    return await provideFolder(ctx, folder, request);
  } catch (error) {
    throw diskProblem(error, folder) ?? error;
  }
}

async function provideFolder(
  ctx: Pick<CommandContext, 'blobs' | 'files'>,
  folder: string,
  request: UnpackRequest,
): Promise<readonly ImportProblem[]> {
  const { datasetId, archiveHash, signal, verify } = request;
  const { home } = ctx.files;
  const root = path.join(home, unpackedRoot(datasetId));
  const lock = await lockFolder(home, datasetId, request.lockPatience, signal);
  try {
    const found = await readReport(folder);
    if (found?.archiveHash === archiveHash && !(await verify?.(root, false))) return found.problems;
    await rm(folder, { recursive: true, force: true });
    request.onBegin?.();
    const draft = draftFolder(home, datasetId);
    try {
      const files = path.join(draft, 'files');
      const problems = await unpack(ctx, files, request);
      const wrong = await verify?.(files, true);
      if (wrong !== undefined) {
        throw refuse('INVALID', `the archive of data set ${datasetId} does not hold what was imported: ${wrong}`);
      }
      const report: Report = { archiveHash, problems };
      await writeFile(reportOf(draft), JSON.stringify(report), { flush: true });
      await rename(draft, folder).catch(async (error: NodeJS.ErrnoException) => {
        const other = (await readReport(folder))?.archiveHash;
        if (!['ENOTEMPTY', 'EEXIST'].includes(error.code ?? '') || other !== archiveHash) throw error;
      });
      return problems;
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  } finally {
    await lock?.release();
  }
}

/** Removes what was unpacked for a data set that nobody imports or has imported. */
export async function removeUnpacked(ctx: Pick<CommandContext, 'db' | 'files'>, datasetId: string): Promise<void> {
  const { home } = ctx.files;
  const lock = await lockFolder(home, datasetId);
  try {
    const dataset = await findDataset(ctx.db.prisma, { id: datasetId });
    if (dataset?.status === 'IMPORTING' || dataset?.status === 'READY') return;
    await removeDatasetFolder(home, datasetId);
  } finally {
    await lock?.release();
  }
}

/** Null when another process holds it all the while. */
async function lockFolder(
  home: string,
  datasetId: string,
  wait: number = patience,
  signal?: AbortSignal,
): Promise<LockFile | null> {
  try {
    return await acquireLock(folderLock(home, datasetId), wait, signal);
  } catch (error) {
    if (error instanceof LockHeldError) return null;
    throw error;
  }
}

async function unpack(
  { blobs, files }: Pick<CommandContext, 'blobs' | 'files'>,
  target: string,
  { archiveHash, signal, onProgress }: UnpackRequest,
): Promise<readonly ImportProblem[]> {
  const limits: ArchiveLimits = { ...defaultArchiveLimits, totalBytes: files.unpackedLimitBytes };
  try {
    const archive = await blobs.local(archiveHash);
    return await unpackArchive(archive, target, { limits, signal, ...(onProgress && { onProgress }) });
  } catch (error) {
    if (error instanceof ArchiveError) throw refuse('INVALID', `the archive ${error.message}`);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const message = `the archive ${archiveHash} is not among the blobs of this machine: another one has it, or it was removed; let machines share their blobs`;
    throw refuse('UNAVAILABLE', message);
  }
}

async function readReport(folder: string): Promise<Report | undefined> {
  if (!(await stat(folder).catch(() => undefined))) return undefined;
  const text = await readFile(reportOf(folder), 'utf8').catch(() => 'null');
  return (JSON.parse(text) as Report | null) ?? undefined;
}

function reportOf(folder: string): string {
  return path.join(folder, 'unpacked.json');
}
