/** What a finished training leaves besides its predictions. */

import path from 'node:path';
import { weightsName } from '../domain/artifact.ts';
import type { Precision } from '../domain/precision.ts';
import type { TrainerEvent, TrainerJob } from '../domain/trainer.ts';
import { messageOf } from '../errors.ts';
import { writeSavedModel } from '../models/savedModel.ts';
import { architectureOf, seedOf } from './attempt.ts';
import type { Learner } from './learner.ts';

/**
 * Writes the weights into the job's output directory. When that fails (a full disk, say) the log tells and the run goes on: its
 * metrics and predictions are there already, and hours of training are not lost for a file.
 */
export async function* saveModel(
  { runId, config, resources }: TrainerJob,
  learner: Learner,
  vocab: readonly string[],
  precision: Precision,
): AsyncGenerator<TrainerEvent, void> {
  const file = path.join(resources.outputDirectory, weightsName);
  const { size, itemTransform } = config;
  const { minScale, predict } = config;
  const settings = { batchSize: learner.batchSize, seed: seedOf(config), minScale, beta: predict.ttaBeta };
  const prediction = { ...settings, precision };
  const info = { runId, architecture: architectureOf(config), size, itemTransform, vocab };
  try {
    await writeSavedModel(
      file,
      info,
      prediction,
      learner.model,
      async (name) => (await learner.read(name)) as Float32Array,
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    yield { kind: 'log', stream: 'trainer', line: `the weights could not be written: ${messageOf(error)}` };
    return;
  }
  yield { kind: 'artifact', artifact: { kind: 'WEIGHTS', name: weightsName, path: file } };
}
