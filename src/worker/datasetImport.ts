import { createReadStream } from 'node:fs';
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import type { CommandContext } from '../commands/context.ts';
import { beginImport, completeImport, failImport, nameArchive, reportImport } from '../commands/datasetImport.ts';
import { importFolder } from '../datasets/importFolder.ts';
import type { ImportProblem, ImportProgress } from '../domain/dataset.ts';
import { refuse, UserInputError } from '../errors.ts';
import { locateRoot } from '../files/datasetFolders.ts';
import { realpathWithin } from '../files/roots.ts';
import type { Logger } from '../log.ts';
import type { Dataset } from '../store/dataset.ts';
import type { ImportToken } from '../store/datasetImport.ts';
import { persist } from './persist.ts';
import { reasonOf } from './reason.ts';
import { provideUnpacked, removeUnpacked } from './unpacked.ts';

/** Milliseconds between two reports, by which the worker also learns that the import is not its any more. */
const reportInterval = 500;

/** After so many attempts one that follows a lost worker is the last: a file may crash whoever reads it. `retryImport` begins as many again. */
const mostAttempts = 10;

export interface ImportJobOptions {
  /** Whether the job was another worker's before. */
  readonly redelivered?: boolean;
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Reads the folder; tests change what is there right before. */
  readonly read?: typeof importFolder;
}

/**
 * Imports a data set that is IMPORTING: it ends READY or FAILED, or as whoever took it away wants it. Throws when the signal aborts,
 * with nothing stored, so that the job comes to another worker.
 */
export async function importDatasetJob(
  ctx: CommandContext,
  datasetId: string,
  { signal: stopping, log, redelivered = false, read = importFolder }: ImportJobOptions,
): Promise<void> {
  const dataset = await beginImport(ctx, datasetId);
  if (!dataset) return;
  const token: ImportToken = { datasetId, attempt: dataset.importAttempt };
  const lost = new AbortController();
  const signal = AbortSignal.any([stopping, lost.signal]);
  const reporter = startReporter(ctx, token, { lose: () => lost.abort(new Error('the import was taken away')), log });
  try {
    if (redelivered && token.attempt % mostAttempts === 0) throw givenUp();
    const work = { ctx, token, signal, progress: reporter.tell };
    const files = await provideFiles(dataset, work);
    const { holdoutFraction: fraction, holdoutSeed } = dataset;
    const { inside, ...result } = await read(files.root, {
      signal,
      resolved: true,
      called: isUnpacked(dataset) ? 'the archive' : dataset.root,
      holdout: fraction === null ? undefined : { fraction, seed: holdoutSeed ?? 0 },
      onProgress: (progress) => reporter.tell({ phase: 'CHECKING', ...progress, bytesTotal: null }),
    });
    const whole = { ...result, problems: [...files.problems, ...result.problems] };
    const root = inside ? path.join(dataset.root, inside) : dataset.root;
    if (await persist(() => completeImport(ctx, token, whole, root))) {
      log.info({ datasetId, images: whole.images.length, problems: whole.problems.length }, 'data set imported');
    }
  } catch (error) {
    stopping.throwIfAborted();
    if (!lost.signal.aborted) {
      if (!(error instanceof UserInputError)) log.error({ datasetId, err: error }, 'import failed');
      await persist(() => failImport(ctx, token, reasonOf(error)));
    }
  } finally {
    await reporter.stop();
  }
  if (isUnpacked(dataset)) await removeUnpacked(ctx, datasetId);
}

function givenUp(): UserInputError {
  const found = `workers were stopped or lost at this import ${mostAttempts} times`;
  const cause = 'their logs may tell of a file that ends them, or of too little memory';
  return refuse('UNAVAILABLE', `${found}; ${cause}; retryImport tries again`);
}

interface Work {
  readonly ctx: CommandContext;
  readonly token: ImportToken;
  readonly signal: AbortSignal;
  readonly progress: (progress: Omit<ImportProgress, 'attempt'>) => void;
}

function isUnpacked({ archivePath, archiveHash }: Dataset): boolean {
  return archivePath !== null || archiveHash !== null;
}

interface ProvidedFiles {
  /** Where they are, without a link on the way. */
  readonly root: string;
  /** What was left out of an archive. */
  readonly problems: readonly ImportProblem[];
}

/** Sees to it that the data set's files are there and may be read. */
async function provideFiles(dataset: Dataset, work: Work): Promise<ProvidedFiles> {
  const { ctx, token, signal, progress } = work;
  // Again: since it was named, a link may have been put in its place.
  if (!isUnpacked(dataset)) return { root: await checkedRoot(ctx, dataset.root), problems: [] };
  const archiveHash = dataset.archiveHash ?? (await storeArchive(dataset.archivePath!, work));
  const problems = await provideUnpacked(ctx, {
    ...{ datasetId: token.datasetId, archiveHash, signal },
    onProgress: (unpacked) => progress({ phase: 'UNPACKING', total: null, ...unpacked }),
  });
  return { root: await realpath(locateRoot(ctx.files.home, dataset.root)), problems };
}

/** The real path of a folder that a request has named. */
async function checkedRoot({ files }: CommandContext, folder: string): Promise<string> {
  try {
    return await realpathWithin(files.dataRoots, folder, 'RUNGRAPH_DATA_ROOTS');
  } catch (error) {
    const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw isGone ? refuse('NOT_FOUND', `there is no folder ${folder}`, ['path']) : error;
  }
}

/** Copies an archive of this machine among the blobs, from where every worker can unpack it. */
async function storeArchive(file: string, { ctx, token, signal }: Work): Promise<string> {
  const real = await realpathWithin(ctx.files.dataRoots, file, 'RUNGRAPH_DATA_ROOTS');
  const { hash } = await ctx.blobs.put(createReadStream(real, { signal }));
  if (!(await persist(() => nameArchive(ctx, token, hash)))) throw new Error('the import was taken away');
  return hash;
}

const begun = { phase: 'CHECKING', done: 0, total: null, rejected: 0, bytes: 0, bytesTotal: null } as const;

/** Tells how the import goes, at most every half second, and notices when it is not this attempt's any more. */
function startReporter(
  ctx: CommandContext,
  token: ImportToken,
  { lose, log }: { readonly lose: () => void; readonly log: Logger },
) {
  let newest: Omit<ImportProgress, 'attempt'> = begun;
  let stopped = false;
  let reporting: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout;
  const report = async () => {
    try {
      if (!(await reportImport(ctx, token, newest))) lose();
    } catch (error) {
      log.warn({ datasetId: token.datasetId, err: error }, 'the progress of an import could not be stored');
    }
  };
  const next = () => {
    reporting = report().then(() => {
      if (!stopped) timer = setTimeout(next, reportInterval);
    });
  };
  timer = setTimeout(next, reportInterval);
  return {
    tell: (progress: Omit<ImportProgress, 'attempt'>) => {
      newest = progress;
    },
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await reporting;
    },
  };
}
