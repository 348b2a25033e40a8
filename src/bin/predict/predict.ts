/** Predicts a folder with the weights of a run, on this machine. */

import { access, constants, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { SingleBar } from 'cli-progress';
import { type Config, readConfig } from '../../config.ts';
import { openEngine } from '../../engine/openEngine.ts';
import { messageOf, StartupError } from '../../errors.ts';
import { TrainingFailure } from '../../learner/failure.ts';
import { predictBatches, predictImages } from '../../learner/predict.ts';
import { openPredictor } from '../../learner/predictor.ts';
import { SavedModelError } from '../../models/savedMetadata.ts';
import { openSavedModel, readWeights } from '../../models/savedModel.ts';
import { openImagePipeline } from '../../vision/pipeline.ts';
import { ImageUnreadableError } from '../../vision/rgbImage.ts';
import { awaitStop, type StopRequest } from '../process.ts';
import { predictionCsv } from './csv.ts';
import { type FolderImage, inspectFiles, listFiles } from './folder.ts';
import { type PredictOptions, parsePredictOptions, predictUsage } from './options.ts';
import { findWeights, openDownload } from './server.ts';
import { provideFile } from './weightsCache.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Some images could not be read. */
const incomplete = 2;

/** @param stop of whoever listened for signals before this could be loaded */
export async function predict(
  args: readonly string[],
  environment: Environment,
  stop: StopRequest = awaitStop(),
): Promise<number> {
  const options = parsePredictOptions(args);
  if (!options) {
    process.stdout.write(predictUsage);
    return 0;
  }
  try {
    return await predictFolder(options, readConfig(environment), environment, stop.signal);
  } catch (error) {
    if (stop.signal.aborted) {
      process.stderr.write('Stopped; no predictions were written\n');
      return stop.requested;
    }
    const causes = [SavedModelError, ImageUnreadableError, TrainingFailure];
    if (causes.some((cause) => error instanceof cause)) throw new StartupError(messageOf(error));
    throw error;
  }
}

async function predictFolder(
  options: PredictOptions,
  config: Config,
  environment: Environment,
  signal: AbortSignal,
): Promise<number> {
  signal.throwIfAborted();
  const { folder, runId, out } = options;
  const files = await listFiles(folder);
  if (out !== undefined) await named(out, () => requireWritable(out));
  const server = { url: options.server ?? `http://127.0.0.1:${config.port}`, apiKey: config.apiKey };
  const weights = await findWeights(server, runId, signal);
  const file = await showing('weights', weights.size, (advance) =>
    provideFile(config.home, weights, () => openDownload(server, weights, signal), advance),
  );
  const { images, leftOut } = await showing('reading', files.length, (advance) =>
    inspectFiles(folder, files, signal, () => advance(1)),
  );
  for (const { path: name, reason, damaged } of leftOut) {
    process.stderr.write(`${damaged ? 'left out' : 'skipped'}: ${name}: ${reason}\n`);
  }
  if (!images.length) throw new StartupError(`${folder} has no image that can be read`);
  const table = await compute(options, config, environment, file, images, signal);
  const csv = predictionCsv(table, options.probabilities);
  if (out === undefined) process.stdout.write(csv);
  else await named(out, () => writeFile(out, csv));
  const damaged = leftOut.filter((file) => file.damaged).length;
  if (damaged) process.stderr.write(`${damaged} of ${damaged + images.length} images could not be read\n`);
  return damaged ? incomplete : 0;
}

async function compute(
  options: PredictOptions,
  config: Config,
  environment: Environment,
  file: string,
  images: readonly FolderImage[],
  signal: AbortSignal,
) {
  const saved = await openSavedModel(file);
  const { info, prediction, model } = saved;
  const weights = await readWeights(saved).finally(saved.close);
  const { size, itemTransform, architecture, vocab } = info;
  const { seed, minScale } = prediction;
  const batchSize = options.batchSize ?? prediction.batchSize;
  const { passes } = options;
  const cores = os.availableParallelism();
  const engine = await openEngine({
    engine: config.engine,
    device: config.device,
    computeThreads: options.threads ?? (config.threads || cores),
    precision: prediction.precision,
    environment,
  });
  if (engine.info.precision !== prediction.precision) {
    const { name, precision } = engine.info;
    process.stderr.write(`${name} computes in ${precision}, not in ${prediction.precision} as the run\n`);
  }
  const pipeline = await openImagePipeline({
    images,
    spec: { itemTransform, size, minScale, mean: architecture.mean, std: architecture.std },
    threads: Math.min(8, Math.max(1, Math.ceil(cores / 2))),
    cacheDirectory: path.join(config.home, 'cache', 'images'),
    cacheLimitBytes: config.cacheLimitBytes,
    onWarning: (message) => process.stderr.write(`${message}\n`),
  });
  try {
    const predictor = await openPredictor(engine, model, weights, batchSize);
    const beta = options.beta ?? prediction.beta;
    // The key under which a run draws the augmentation of its test images.
    const settings = { passes, beta, seed, key: 'TEST', signal };
    const batches = predictBatches(images.length, batchSize, passes);
    const probabilities = await showing('predicting', batches, async (advance) => {
      const steps = predictImages(predictor, pipeline, [...images.keys()], settings);
      let step = await steps.next();
      for (; !step.done; step = await steps.next()) advance(1);
      return step.value;
    });
    await predictor.dispose();
    return { imageIds: images.map(({ imageId }) => imageId), vocab, probabilities };
  } finally {
    await pipeline.close();
    await engine.dispose();
  }
}

/** Runs `work` under a bar on a terminal's standard error. */
async function showing<T>(
  what: string,
  total: number,
  work: (advance: (amount: number) => void) => Promise<T>,
): Promise<T> {
  if (!process.stderr.isTTY) return work(() => {});
  const bar = new SingleBar({
    stream: process.stderr,
    format: `${what.padEnd(10)} {bar} {percentage}% | ETA {eta_formatted}`,
    hideCursor: true,
    clearOnComplete: true,
  });
  bar.start(total, 0);
  try {
    return await work((amount) => bar.increment(amount));
  } finally {
    bar.stop();
  }
}

/** Found out before hours of predicting, not after. */
async function requireWritable(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isDirectory()) throw new Error('it is a folder');
  await access(found ? file : path.dirname(file), constants.W_OK);
}

async function named(file: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    throw new StartupError(`--out: ${file} cannot be written: ${messageOf(error)}`);
  }
}
