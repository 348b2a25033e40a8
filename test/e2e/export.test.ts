/** A run's weights and what they are good for: fine-tuning, ONNX runtimes, `rungraph predict`. Everything is real but the pictures. */

import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'csv-parse/sync';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { predict as predictHere } from '../../src/bin/predict/predict.ts';
import { openSafetensors } from '../../src/blobs/safetensors.ts';
import { importDataset } from '../../src/commands/dataset.ts';
import { createExperiment } from '../../src/commands/experiment.ts';
import { startRun } from '../../src/commands/run.ts';
import { drawLeafDataset } from '../../src/datasets/leaves.ts';
import { findArchitecture } from '../../src/domain/architecture.ts';
import { isTerminal } from '../../src/domain/run.ts';
import { StartupError } from '../../src/errors.ts';
import { createBody } from '../../src/models/registry.ts';
import { findDataset, readManifest } from '../../src/store/dataset.ts';
import { predictionSetsOfRuns, readImageIds, readPredictions } from '../../src/store/prediction.ts';
import { findRun } from '../../src/store/run.ts';
import { openImagePipeline } from '../../src/vision/pipeline.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { type RunningProcess, spawnTypeScript } from '../support/processes.ts';
import { type TestWorker, testWorker } from '../support/worker.ts';

const patience = { timeout: 110_000, interval: 50 };
const size = { height: 32, width: 32 };
const itemTransform = { size: { height: 64, width: 48 }, method: 'CROP' } as const;
const config = {
  ...{ architecture: 'convnext_atto', itemTransform, size, effectiveBatchSize: 8, accumulation: 2, epochs: 1 },
  ...{ freezeEpochs: 0, seed: 5, predict: { ttaPasses: 2, ttaBeta: 0.3 } },
};

let server: ApiServer;
let worker: TestWorker;
let folder: string;
let datasetId: string;
let experimentId: string;
let runId: string;
/** Folders and files of this test. */
const at = (...names: string[]) => path.join(folder, ...names);

beforeAll(async () => {
  server = await apiServer();
  const { context } = server;
  worker = await testWorker(context, fileURLToPath(new URL('../../src/bin/trainer.ts', import.meta.url)));
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-export-'));
  await drawLeafDataset(at('leaves'), { seed: 3, classes: { healthy: 14, tungro: 10 }, testImages: 6 });
  datasetId = await importDataset(context, { name: 'leaves', path: at('leaves') });
  const dataset = () => findDataset(context.db.prisma, { id: datasetId });
  await vi.waitFor(async () => expect((await dataset())?.status).toBe('READY'), patience);
  experimentId = await createExperiment(context, { name: 'leaves', datasetId });
  runId = await trained({ ...config, pretrained: false });
});
afterAll(async () => {
  await worker.stop();
  await server.close();
  await rm(folder, { recursive: true });
});

/** Starts a run and waits until it has SUCCEEDED. */
async function trained(config: object): Promise<string> {
  const id = await startRun(server.context, { experimentId, config });
  const find = () => findRun(server.context.db.prisma, id);
  await vi.waitFor(async () => expect(isTerminal((await find())!.status)).toBe(true), patience);
  expect((await find())!.failure).toBeNull();
  return id;
}

async function stored(split: 'TEST' | 'VALID') {
  const { prisma } = server.context.db;
  const set = (await predictionSetsOfRuns(prisma, [runId])).get(runId)!.find((set) => set.split === split)!;
  return { ...set, imageIds: await readImageIds(prisma, set.id), probabilities: await readPredictions(prisma, set.id) };
}

async function download(url: string, file: string): Promise<string> {
  await writeFile(file, Buffer.from(await (await fetch(server.url + url)).arrayBuffer()));
  return file;
}

async function weightsFile(): Promise<string> {
  const { run } = await server.ask('query ($id: ID!) { run(id: $id) { artifacts { name kind downloadUrl } } }', {
    id: runId,
  });
  expect(run.artifacts).toMatchObject([{ name: 'weights.safetensors', kind: 'WEIGHTS' }]);
  return download(run.artifacts[0].downloadUrl, at('weights.safetensors'));
}

function predict(...args: string[]): RunningProcess {
  const all = ['predict', '--server', server.url, ...args];
  return spawnTypeScript('bin/rungraph.mjs', all, { RUNGRAPH_HOME: at('home') });
}

test('the weights have timm’s keys, the head beside them, and say what they are', async () => {
  const file = await openSafetensors(await weightsFile());
  const keys = [...file.entries.keys()];
  const body = createBody(findArchitecture('convnext_atto')!, size).parameters;
  expect(keys.filter((key) => !key.startsWith('fastai_head.'))).toEqual(body.map(({ name }) => name));
  expect(keys.filter((key) => key.startsWith('fastai_head.'))).toContain('fastai_head.bn2.running_var');
  expect(file.metadata).toMatchObject({
    ...{ run_id: runId, architecture: 'convnext_atto', timm_name: 'convnext_atto', vocab: '["healthy","tungro"]' },
    image_size: JSON.stringify(size),
  });
  await file.close();
});

test('another run starts from them', async () => {
  const id = await trained({ ...config, weightsUri: await weightsFile(), predict: { test: false } });
  const { run } = await server.ask('query ($id: ID!) { run(id: $id) { logs { nodes { line } } artifacts { name } } }', {
    id,
  });
  const lines = run.logs.nodes.map(({ line }: { line: string }) => line).join('\n');
  expect(lines).toMatch(/tensors loaded from weights\.safetensors .*fastai_head\./);
  expect(run.artifacts).toEqual([{ name: 'weights.safetensors' }]);
});

test('the ONNX model gives the probabilities that the run has stored', async () => {
  const { exportOnnx } = await server.ask(
    'mutation ($id: ID!) { exportOnnx(runId: $id) { artifact { downloadUrl } userErrors { message } } }',
    { id: runId },
  );
  expect(exportOnnx.userErrors).toEqual([]);
  const session = await InferenceSession.create(await download(exportOnnx.artifact.downloadUrl, at('model.onnx')));
  const { imageIds, probabilities } = await stored('VALID');
  expect(imageIds.length).toBeGreaterThan(3);
  const manifest = await readManifest(server.context.db.prisma, datasetId);
  const images = imageIds.map((id) => manifest.find((image) => image.imageId === id)!);
  const pipeline = await openImagePipeline({
    images: images.map((image) => ({ ...image, path: at('leaves', image.path) })),
    // Not normalised: the model does that.
    spec: { itemTransform, size, minScale: 0.75, mean: [0, 0, 0], std: [1, 1, 1] },
    ...{ threads: 1, cacheDirectory: at('cache'), cacheLimitBytes: 0 },
  });
  for await (const batch of pipeline.batches([{ indices: [...images.keys()], mode: 'valid', seed: 0 }])) {
    const plane = size.height * size.width;
    const channelsFirst = batch.images.map((_, i) => {
      const [image, channel, pixel] = [Math.floor(i / (3 * plane)), Math.floor(i / plane) % 3, i % plane];
      return batch.images[(image * plane + pixel) * 3 + channel]!;
    });
    const pixels = new Tensor('float32', channelsFirst, [images.length, 3, size.height, size.width]);
    const { probabilities: found } = await session.run({ images: pixels });
    const differences = (found!.data as Float32Array).map((value, i) => Math.abs(value - probabilities[i]!));
    expect(Math.max(...differences)).toBeLessThan(1e-5);
  }
  await pipeline.close();
  await session.release();
});

test('predict gives the test folder the predictions that the run has stored, to the last bit', async () => {
  const out = at('predictions.csv');
  const running = predict('--run', runId, '--tta', '2', '--probabilities', '--out', out, at('leaves', 'test_images'));
  expect(await running.finished).toEqual({ status: 0, stdout: '', stderr: '' });
  const rows = parse(await readFile(out, 'utf8'), { columns: true }) as Record<string, string>[];
  const { imageIds, vocab, probabilities, passes, beta } = await stored('TEST');
  expect({ passes, beta }).toEqual({ passes: 2, beta: 0.3 });
  expect(Object.keys(rows[0]!)).toEqual(['image_id', 'label', 'confidence', ...vocab]);
  expect(rows.map((row) => row.image_id)).toEqual(imageIds);
  expect(rows.flatMap((row) => vocab.map((label) => Number(row[label])))).toEqual([...probabilities]);
  for (const row of rows) expect(Number(row.confidence)).toBe(Math.max(...vocab.map((label) => Number(row[label]))));
  for (const row of rows) expect(row[row.label!]).toBe(row.confidence);
});

test('predict goes through folders, leaves out what is no image, and fetches damaged weights again', async () => {
  const names = (await readdir(at('leaves', 'test_images'))).sort();
  const mixed = at('mixed');
  await cp(at('leaves', 'test_images'), path.join(mixed, 'b'), { recursive: true });
  await mkdir(path.join(mixed, '.hidden'));
  await copyFile(at('leaves', 'test_images', names[0]!), path.join(mixed, 'first, and "quoted".jpg'));
  await copyFile(at('leaves', 'test_images', names[0]!), path.join(mixed, '.hidden', 'x.jpg'));
  await writeFile(path.join(mixed, 'b', 'broken.jpg'), 'no picture');
  await writeFile(path.join(mixed, 'notes.txt'), 'no picture either');
  const cached = (await readdir(at('home', 'cache', 'weights'))).map((name) => at('home', 'cache', 'weights', name));
  expect(cached).toHaveLength(1);
  await writeFile(cached[0]!, 'damaged');
  const { status, stdout, stderr } = await predict(mixed, '--run', runId, '--batch', '3').finished;
  const rows = parse(stdout, { columns: true }) as Record<string, string>[];
  expect(rows.map((row) => row.image_id)).toEqual([...names.map((name) => `b/${name}`), 'first, and "quoted".jpg']);
  expect(rows[0]!.confidence).toBe(rows.at(-1)!.confidence);
  expect(Object.keys(rows[0]!)).toEqual(['image_id', 'label', 'confidence']);
  expect(stderr).toMatch(
    /^left out: b\/broken\.jpg: not an image.*\nskipped: notes\.txt: is not an image\n1 of 8 images could not be read\n$/,
  );
  expect(status).toBe(2);
  const file = await openSafetensors(cached[0]!);
  await file.close();
});

test('predict ends with 130 at SIGINT, and leaves nothing half-written', async () => {
  const home = at('stopped');
  const out = at('stopped.csv');
  const args = ['predict', '--server', server.url, '--run', runId, '--tta', '64', '--batch', '1', '--out', out];
  const running = spawnTypeScript('bin/rungraph.mjs', [...args, at('leaves', 'test_images')], { RUNGRAPH_HOME: home });
  // The first pictures are kept once the predicting has begun.
  const pictures = () => readdir(path.join(home, 'cache', 'images'), { recursive: true }).catch(() => []);
  await expect.poll(async () => (await pictures()).length, patience).toBeGreaterThan(0);
  running.child.kill('SIGINT');
  const stderr = 'Stopped; no predictions were written\n';
  expect(await running.finished).toEqual({ status: 130, stdout: '', stderr });
  expect(await readdir(path.join(home, 'cache', 'weights'))).toEqual([
    expect.stringMatching(/^[0-9a-f]{64}\.safetensors$/),
  ]);
  expect(await readdir(folder)).not.toContain('stopped.csv');
});

test('predict says what is wrong', async () => {
  await mkdir(at('empty'), { recursive: true });
  const unfinished = await startRun(server.context, {
    experimentId,
    config: { ...config, pretrained: true, weightsUri: '/nowhere' },
  });
  const find = () => findRun(server.context.db.prisma, unfinished);
  await expect.poll(async () => isTerminal((await find())!.status), patience).toBe(true);
  const images = at('leaves', 'test_images');
  const cases: [string[], string][] = [
    [['--run', 'run_none', images], `There is no run run_none on ${server.url}`],
    [['--run', unfinished, images], `Run ${unfinished} is FAILED: only a training that SUCCEEDED leaves weights`],
    [['--run', runId, at('nowhere')], `There is no folder ${at('nowhere')}`],
    [['--run', runId, at('empty')], `${at('empty')} has no image that can be read`],
    [['--run', runId, images, '--out', at('none', 'x.csv')], `--out: ${at('none', 'x.csv')} cannot be written: ENOENT`],
    [
      ['--run', runId, images, '--server', `${server.url}/x`],
      `${server.url}/x does not answer as a Rungraph server does`,
    ],
    [['--run', runId, images, '--server', 'http://127.0.0.1:9'], 'No Rungraph server answers at http://127.0.0.1:9'],
  ];
  const environment = { RUNGRAPH_HOME: at('home') };
  for (const [args, message] of cases) {
    const refused = predictHere(['--server', server.url, ...args], environment);
    await expect(refused, message).rejects.toThrow(StartupError);
    await expect(refused).rejects.toThrow(message);
  }
});

test('npx finds the command, which brings its own loader and works from any folder', async () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const { bin } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, [path.join(root, bin.rungraph), 'predict', '--help'], { cwd: folder });
  expect(stdout).toMatch(/^Usage: rungraph predict --run ID DIR/);
});
