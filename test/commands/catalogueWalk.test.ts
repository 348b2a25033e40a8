import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { importDataset } from '../../src/commands/dataset.ts';
import { completeImport } from '../../src/commands/datasetImport.ts';
import { createEnsemble, resultOfEnsemble } from '../../src/commands/ensemble.ts';
import { createExperiment } from '../../src/commands/experiment.ts';
import { createSubmission } from '../../src/commands/submission.ts';
import { importFolder } from '../../src/datasets/importFolder.ts';
import { findDataset } from '../../src/store/dataset.ts';
import { readLeaderboard } from '../../src/store/leaderboard.ts';
import { putPredictions } from '../../src/store/prediction.ts';
import { getSubmissions } from '../../src/store/submission.ts';
import { goldenJson, goldenTensors } from '../models/goldenFiles.ts';
import { drawnPredictions, testRun } from '../support/catalogue.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { writeFolder } from '../support/imageFiles.ts';

const golden = goldenJson('fastai/tta_ensemble');
const vocab: string[] = golden.vocab;
const testIds: string[] = golden.image_ids;

let ctx: TestContext;
let folder: string;
beforeAll(async () => {
  ctx = await testContext();
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-walk-'));
});
afterAll(async () => {
  await ctx.close();
  await rm(folder, { recursive: true, force: true });
});

it('goes from a folder of images to the recipe’s submission, byte for byte', async () => {
  const db = ctx.db.prisma;
  const train = vocab.flatMap((label, i) => [0, 1].map((n) => `train_images/${label}/${100000 + i * 2 + n}.jpg`));
  const files = [...train, ...testIds.map((id) => `test_images/${id}`)];
  await writeFolder(folder, Object.fromEntries(files.map((file, seed) => [file, seed])));

  const datasetId = await importDataset(ctx, { name: 'paddy', path: folder });
  const consumer = await ctx.queue.work(
    'dataset.import',
    async ({ payload }) => {
      const { root } = (await findDataset(db, { id: payload.datasetId }))!;
      await completeImport(ctx, { datasetId: payload.datasetId, attempt: 0 }, await importFolder(root));
    },
    { concurrency: 1 },
  );
  await vi.waitFor(async () => expect((await findDataset(db, { id: datasetId }))?.status).toBe('READY'), 60_000);
  await consumer.stop();
  expect((await findDataset(db, { id: datasetId }))?.vocab).toEqual(vocab);

  const experimentId = await createExperiment(ctx, { name: 'recipe', datasetId });
  const tensors = await goldenTensors('fastai/tta_ensemble');
  const valid = train.map((file) => path.basename(file)).slice(0, 8);
  for (const [i, weight] of (golden.weights as number[]).entries()) {
    // The recipe counts the pair of ViTs double.
    const architecture = weight === 2 ? 'vit_small_patch16_224' : 'convnext_small_in22k';
    const runId = await testRun(db, experimentId, { name: `member ${i}`, architecture, objectiveValue: 0.1 + i / 100 });
    await putPredictions(db, runId, {
      ...{ split: 'TEST', kind: 'TTA', imageIds: testIds, vocab, passes: golden.n, beta: golden.beta },
      probabilities: tensors.float(`member.${i}`),
    });
    await putPredictions(db, runId, drawnPredictions(i, valid, vocab, { split: 'VALID' }));
  }

  const ensembleId = await createEnsemble(ctx, {
    ...{ experimentId, name: 'vits count double' },
    members: [{ filter: 'status = SUCCEEDED' }, { filter: 'arch like vit*', weight: 2 }],
  });
  const submissionId = await createSubmission(ctx, { ensembleId, message: 'the recipe' });
  const submission = (await getSubmissions(db, [submissionId])).get(submissionId)!;
  const csv = Buffer.concat(await ctx.blobs.open(submission.contentHash).toArray());
  expect(csv.toString()).toBe(golden.csv);
  expect(submission).toMatchObject({ ensembleId, runId: null, rowCount: testIds.length, bytes: csv.length });

  const board = await readLeaderboard(db, { experimentId }, { first: 20 });
  const { errorRate } = (await (await resultOfEnsemble(ctx, ensembleId, 'VALID')).score())!;
  expect(board.items).toHaveLength(9);
  expect(board.items.find((entry) => entry.ensembleId === ensembleId)).toMatchObject({
    value: errorRate,
    split: 'VALID',
  });
  expect(board.items.every((entry) => entry.comparable)).toBe(true);
});
