/** The first stages of the demo: images and the experiment. */

import { setTimeout as sleep } from 'node:timers/promises';
import { StartupError } from '../../errors.ts';
import type { GraphqlClient } from './client.ts';
import { findNamed, withFreeName } from './names.ts';
import * as operations from './operations.ts';

/** `continues`: take what an earlier demo on this home has made, if it has. */
interface Continuing {
  readonly continues: boolean;
}

/**
 * The folder as a READY data set. `importedAt` is when an earlier demo imported it, null when it was imported now.
 * Throws with the reasons when it cannot be, or leaves nothing to predict.
 */
export async function importImages(
  client: GraphqlClient,
  name: string,
  folder: string,
  { continues }: Continuing,
  signal: AbortSignal,
): Promise<{ dataset: operations.Dataset; importedAt: string | null }> {
  const earlier = continues
    ? await findNamed(
        name,
        async (name) => (await client.request(operations.findDataset, { name })).dataset,
        ({ path, status }) => path === folder && status !== 'FAILED',
      )
    : undefined;
  const { id } =
    earlier ??
    (await withFreeName(name, 'importDataset', async (name) => {
      const input = { name, path: folder };
      const { dataset, userErrors } = (await client.request(operations.importDataset, { input })).importDataset;
      return { value: dataset, userErrors };
    }));
  const dataset = await whenReady(client, id, folder, signal);
  return { dataset, importedAt: earlier?.createdAt ?? null };
}

async function whenReady(
  client: GraphqlClient,
  id: string,
  folder: string,
  signal: AbortSignal,
): Promise<operations.Dataset> {
  for (;;) {
    const { dataset } = await client.request(operations.readDataset, { id });
    if (!dataset) throw new StartupError(`The data set ${id} is gone`);
    const because = (sentence: string) => new StartupError([sentence, ...problemLines(dataset)].join('\n'));
    if (dataset.status === 'READY' && dataset.testCount) return dataset;
    if (dataset.status === 'READY') {
      throw because(`${folder} has no usable image in test_images/: there is nothing to submit`);
    }
    if (dataset.status === 'FAILED') throw because(`${folder} could not be imported: ${dataset.failure}`);
    await sleep(200, undefined, { signal });
  }
}

/** What the import did not take, one line each. */
export function problemLines({ problems: { nodes, pageInfo } }: operations.Dataset): string[] {
  const lines = nodes.map(({ severity, path, reason }) => `  ${severity.toLowerCase()}: ${path}: ${reason}`);
  return pageInfo.hasNextPage ? [...lines, '  … and more'] : lines;
}

export async function openExperiment(
  client: GraphqlClient,
  name: string,
  datasetId: string,
  { continues }: Continuing,
): Promise<{ id: string; name: string }> {
  const earlier = continues
    ? await findNamed(
        name,
        async (name) => (await client.request(operations.findExperiment, { name })).experiment,
        ({ dataset }) => dataset?.id === datasetId,
      )
    : undefined;
  if (earlier) return earlier;
  return withFreeName(name, 'createExperiment', async (name) => {
    const input = { name, datasetId, description: 'The demo: sweeps, their leaderboard, an ensemble and a submission' };
    const { experiment, userErrors } = (await client.request(operations.createExperiment, { input })).createExperiment;
    return { value: experiment, userErrors };
  });
}

/** The workers, as soon as one is online. */
export async function readWorkers(
  client: GraphqlClient,
  signal: AbortSignal,
): Promise<readonly operations.WorkerState[]> {
  for (;;) {
    const { workers } = await client.request(operations.readWorkers, {});
    if (workers.some((worker) => worker.online)) return workers;
    await sleep(200, undefined, { signal });
  }
}
