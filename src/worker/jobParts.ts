/** What a trainer needs to know of its run. */

import path from 'node:path';
import type { CommandContext } from '../commands/context.ts';
import type { TrainerImage } from '../domain/trainer.ts';
import { completeConfig, type TrainingConfig } from '../domain/trainingConfig.ts';
import { findDataset, readManifest } from '../store/dataset.ts';
import { findExperiment } from '../store/experiment.ts';
import type { Run } from '../store/run.ts';

/** The complete config that the run was started with. */
export function configOf(run: Run): TrainingConfig {
  return completeConfig(run.config);
}

/** The images of the run's data set, as this machine finds them. */
export async function trainerImages(ctx: CommandContext, run: Run): Promise<TrainerImage[]> {
  const experiment = await findExperiment(ctx.db.prisma, { id: run.experimentId });
  const datasetId = experiment?.datasetId;
  const dataset = datasetId ? await findDataset(ctx.db.prisma, { id: datasetId }) : null;
  if (!dataset) throw new Error(`experiment ${run.experimentId} has lost its data set`);
  const manifest = await readManifest(ctx.db.prisma, dataset.id);
  return manifest.map(({ imageId, path: file, contentHash, label, split }) => {
    return { imageId, path: path.join(dataset.root, file), contentHash, label, split };
  });
}
