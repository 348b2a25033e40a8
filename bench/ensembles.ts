/**
 * How long making ensembles and submissions keeps the server's event loop busy: the longest delay of a timer while each
 * operation runs, on a database of its own: `node --import tsx bench/ensembles.ts [RUNSxROWSxLABELS …]`.
 */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { CommandContext } from '../src/commands/context.ts';
import { combine, createEnsemble } from '../src/commands/ensemble.ts';
import { optimizeEnsemble } from '../src/commands/optimizeEnsemble.ts';
import { createSubmission } from '../src/commands/submission.ts';
import type { ManifestImage } from '../src/domain/dataset.ts';
import { newId } from '../src/domain/ids.ts';
import { defaultObjective } from '../src/domain/objective.ts';
import { createRandom } from '../src/domain/random.ts';
import { insertDataset } from '../src/store/dataset.ts';
import { storeManifest } from '../src/store/datasetImport.ts';
import { insertExperiment } from '../src/store/experiment.ts';
import { putPredictions } from '../src/store/prediction.ts';
import { withCommands } from './installation.ts';

/** Runs, images of a split and labels: the notebook's test set with eight of its models, and a large one. */
const sizes = process.argv[2] ? process.argv.slice(2) : ['8x3469x10', '100x10000x100'];

/** An experiment whose runs have predictions of TEST and of as many labelled HOLDOUT images. */
async function prepare({ db }: CommandContext, runs: number, rows: number, labels: number): Promise<string> {
  const vocab = Array.from({ length: labels }, (_, i) => `label ${String(i).padStart(3, '0')}`);
  const ids = Array.from({ length: rows }, (_, i) => `${String(100_000 + i)}.jpg`);
  const image = (split: ManifestImage['split'], imageId: string, label: string | null): ManifestImage => {
    return { split, imageId, label, path: `${split}/${imageId}`, width: 1, height: 1, bytes: 1, contentHash: '' };
  };
  const manifest = [
    ...vocab.map((label) => image('TRAIN', label, label)),
    ...ids.map((id) => image('TEST', id, null)),
    ...ids.map((id, i) => image('HOLDOUT', id, vocab[i % labels]!)),
  ];
  const [datasetId, experimentId] = [newId('dataset'), newId('experiment')];
  const createdAt = new Date();
  const name = `${runs}x${rows}x${labels}`;
  await insertDataset(db.prisma, { id: datasetId, name, createdAt, root: '/nowhere' });
  await storeManifest(db.prisma, { datasetId, attempt: 0 }, { images: manifest, problems: [], vocab, contentHash: '' });
  const experiment = { id: experimentId, name, description: null, createdAt, datasetId, objective: defaultObjective };
  await insertExperiment(db.prisma, experiment);
  const random = createRandom(1, 'bench');
  for (let run = 0; run < runs; run++) {
    const id = newId('run');
    const columns = {
      name: `run ${run}`,
      kind: 'TRAINED',
      status: 'SUCCEEDED',
      architecture: 'vit',
      config: {},
    } as const;
    await db.prisma.run.create({ data: { id, experimentId, ...columns } });
    const probabilities = new Float32Array(rows * labels).map(() => random.next() / labels);
    for (const split of ['TEST', 'HOLDOUT'] as const) {
      const set = { split, kind: 'TTA', imageIds: ids, vocab, probabilities, passes: 4, beta: 0.25 } as const;
      await db.prisma.$transaction((tx) => putPredictions(tx, id, set), { timeout: 60_000 });
    }
  }
  return experimentId;
}

async function measure(name: string, work: () => Promise<unknown>): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  // What blocks before its first tick is not seen.
  await new Promise((resolve) => setTimeout(resolve, 20));
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  const peak = process.resourceUsage().maxRSS / 1024;
  // A timer that is late is seen when it fires.
  await new Promise((resolve) => setTimeout(resolve, 10));
  delay.disable();
  console.log(
    `  ${name.padEnd(40)} ${seconds.toFixed(2).padStart(6)} s, longest delay ${(delay.max / 1e6).toFixed(0)} ms, peak so far ${peak.toFixed(0)} MiB`,
  );
}

await withCommands(
  async (ctx) => {
    for (const size of sizes) {
      const [runs, rows, labels] = size.split('x').map(Number);
      const experimentId = await prepare(ctx, runs!, rows!, labels!);
      console.log(`${runs} runs of ${rows} images by ${labels} labels`);
      const members = [{ filter: 'status = SUCCEEDED' }];
      let ensembleId = '';
      await measure('createEnsemble, scored on HOLDOUT', async () => {
        ensembleId = await createEnsemble(ctx, { experimentId, name: size, members });
      });
      await measure('optimizeEnsemble, 50 picks', () => optimizeEnsemble(ctx, { experimentId, name: 'selected' }));
      await measure('createSubmission', () => createSubmission(ctx, { ensembleId }));
      const result = await combine(ctx, { split: 'HOLDOUT', members }, experimentId);
      await measure('result: labelCounts and score', () => Promise.all([result.labelCounts(), result.score()]));
      await measure('result: disagreement and ordered rows', () =>
        Promise.all([result.disagreement(), result.rows({ first: 50 }, { orderBy: 'CONFIDENCE_ASC' })]),
      );
    }
  },
  { fsync: 'off', synchronous_commit: 'off' },
);
