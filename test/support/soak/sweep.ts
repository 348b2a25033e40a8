/** What a soak trains. */

import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeFolder } from '../imageFiles.ts';
import type { Installation } from './installation.ts';

/** Imports 80 drawn images of two labels and six others; returns the id of the data set. */
export async function importImages(installation: Installation, folder: string): Promise<string> {
  const files: Record<string, number> = {};
  for (let i = 0; i < 80; i++) files[`train_images/${i % 2 ? 'blast' : 'hispa'}/${i}.png`] = i;
  for (let i = 0; i < 6; i++) files[`test_images/${i}.png`] = 100 + i;
  const images = path.join(folder, 'images');
  await mkdir(images);
  await writeFolder(images, files);
  const { importDataset } = await installation.ask(
    'mutation ($path: String!) { importDataset(input: { name: "images", path: $path }) { dataset { id } userErrors { message } } }',
    { path: images },
  );
  const { id } = importDataset.dataset;
  for (;;) {
    const { dataset } = await installation.ask('query ($id: ID!) { dataset(id: $id) { status } }', { id });
    if (dataset.status === 'READY') return id;
    if (dataset.status === 'FAILED') throw new Error('the images could not be imported');
    await sleep(100);
  }
}

/** Queues both schedules in full and in half precision, in an experiment of that name or a given one. */
export async function startSweep(
  installation: Installation,
  datasetId: string,
  name: string,
  { epochs }: { readonly epochs: number },
  experiment?: string,
): Promise<{ experimentId: string; runIds: string[] }> {
  let experimentId = experiment;
  if (experimentId === undefined) {
    const input = { name, datasetId };
    const { createExperiment } = await installation.ask(
      'mutation ($input: CreateExperimentInput!) { createExperiment(input: $input) { experiment { id } } }',
      { input },
    );
    experimentId = createExperiment.experiment.id as string;
  }
  const size = { height: 32, width: 32 };
  const input = {
    experimentId,
    architectures: ['convnext_atto'],
    preprocessings: [{ itemTransform: { size }, size }],
    // A sweep whose answer is lost to a kill is asked for again.
    idempotencyKey: `${name} ${Date.now()}`,
    config: {
      ...{ pretrained: false, effectiveBatchSize: 8, accumulation: 2, epochs, seed: 1 },
      ...{ schedule: ['FINE_TUNE', 'FIT_ONE_CYCLE'], precision: ['FP32', 'FP16'], predict: { ttaPasses: 2 } },
      checkpoints: { everyMinutes: 0.03, keepLast: 2 },
    },
  };
  const { startSweep: started } = await installation.ask(
    'mutation ($input: StartSweepInput!) { startSweep(input: $input) { sweep { runs(first: 100) { nodes { id } } } userErrors { message } } }',
    { input },
  );
  if (started.userErrors.length) throw new Error(JSON.stringify(started.userErrors));
  return { experimentId, runIds: started.sweep.runs.nodes.map(({ id }: { id: string }) => id) };
}
