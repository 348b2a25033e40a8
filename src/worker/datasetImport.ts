import type { CommandContext } from '../commands/context.ts';
import { completeImport, failImport } from '../commands/dataset.ts';
import { importFolder } from '../datasets/importFolder.ts';
import { UserInputError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { findDataset } from '../store/dataset.ts';
import { persist } from './persist.ts';

/**
 * Imports the folder of a data set that is IMPORTING: it ends READY or FAILED. Throws when the signal aborts, with nothing
 * stored, so that the job comes to another worker.
 */
export async function importDatasetJob(
  ctx: CommandContext,
  datasetId: string,
  { signal, log }: { readonly signal: AbortSignal; readonly log: Logger },
): Promise<void> {
  const dataset = await findDataset(ctx.db.prisma, { id: datasetId });
  if (dataset?.status !== 'IMPORTING') return;
  try {
    const { holdoutFraction: fraction, holdoutSeed } = dataset;
    const holdout = fraction === null ? undefined : { fraction, seed: holdoutSeed ?? 0 };
    const result = await importFolder(dataset.root, { signal, holdout });
    await persist(() => completeImport(ctx, datasetId, result));
    log.info({ datasetId, images: result.images.length, problems: result.problems.length }, 'data set imported');
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof UserInputError)) log.error({ datasetId, err: error }, 'import failed');
    const reason =
      error instanceof UserInputError
        ? error.problems.map((problem) => problem.message).join('; ')
        : 'the import met an internal error; the log of the worker has it';
    await persist(() => failImport(ctx, datasetId, reason));
  }
}
