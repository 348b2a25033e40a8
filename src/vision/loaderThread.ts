/** One thread of the image pipeline: items of batches from file or cache to normalised pixels. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../errors.ts';
import { type BatchPlan, planBatch, renderRequest } from './batchPlan.ts';
import { decodeImage } from './decode.ts';
import { openDiskCache } from './diskCache.ts';
import { finish, type PreparedImage, prepare } from './itemTransform.ts';
import { cacheKey, type LoaderBatch, type LoaderReport, type LoaderSetup } from './loaderProtocol.ts';
import type { ImageRef } from './pipelineSpec.ts';
import { createRenderer } from './renderer.ts';
import { ImageUnreadableError, type RgbImage } from './rgbImage.ts';

const { images, spec, cacheDirectory, cacheLimitBytes, cacheCounters } = workerData as LoaderSetup;
const { itemTransform, size, mean, std } = spec;
const report = (message: LoaderReport) => parentPort!.postMessage(message);
const cache = openDiskCache({
  directory: cacheDirectory,
  limitBytes: cacheLimitBytes,
  counters: cacheCounters,
  warn: (message) => report({ kind: 'warning', message }),
});
const renderer = createRenderer(size, mean, std);
const itemValues = size.height * size.width * 3;

/** Items of a thread under way at once: one is decoded, which happens elsewhere, while the thread works on another. */
const lanes = 2;

/** Decodes what memory and disk do not hold. */
async function prepareFile(image: ImageRef, { mode }: LoaderBatch): Promise<PreparedImage> {
  const result = prepare(await decodeFile(image), itemTransform, mode === 'train');
  cache.write(cacheKey(image.contentHash, spec, mode), result);
  return result;
}

/** The image as it was imported: caches and results go by its hash, so another file in its place must not pass for it. */
async function decodeFile({ path, contentHash }: ImageRef): Promise<RgbImage> {
  try {
    const bytes = readFileSync(path);
    if (createHash('sha256').update(bytes).digest('hex') !== contentHash) {
      throw new Error('it is not the file that was imported any more; put that back, or import the data set again');
    }
    return await decodeImage(bytes);
  } catch (error) {
    throw new ImageUnreadableError(path, messageOf(error));
  }
}

/** Offers a prepared image to the pipeline's memory. */
function collect(key: string, image: PreparedImage): PreparedImage {
  const data = new Uint8Array(new SharedArrayBuffer(image.data.length));
  data.set(image.data);
  const shared = { ...image, data };
  report({ kind: 'prepared', key, image: shared });
  return shared;
}

async function work(batch: LoaderBatch): Promise<void> {
  const { indices, mode, seed } = batch;
  const plan = planBatch(indices.length, mode, seed, spec);
  await Promise.all(Array.from({ length: lanes }, () => workLane(batch, plan)));
}

async function workLane(batch: LoaderBatch, plan: BatchPlan): Promise<void> {
  const { indices, mode, progress, output } = batch;
  for (let i = Atomics.add(progress, 0, 1); i < indices.length; i = Atomics.add(progress, 0, 1)) {
    const image = images[indices[i]!]!;
    const key = cacheKey(image.contentHash, spec, mode);
    let source = batch.held[i];
    if (!source) {
      // What the disk cache gives is valid until another lane reads, so nothing after it may wait.
      source = cache.read(key) ?? (await prepareFile(image, batch));
      if (batch.collect) source = collect(key, source);
    }
    const item = finish(source, itemTransform, plan.items[i]!.position);
    renderer.render(renderRequest(plan, i, item), output, i * itemValues);
    if (Atomics.add(progress, 1, 1) === indices.length - 1) report({ kind: 'done', id: batch.id });
  }
}

let queue = Promise.resolve();
parentPort!.on('message', (batch: LoaderBatch) => {
  queue = queue
    .then(() => work(batch))
    .catch((error: unknown) => {
      // The other threads need not finish it.
      Atomics.store(batch.progress, 0, batch.indices.length);
      const path = error instanceof ImageUnreadableError ? error.path : undefined;
      const reason = error instanceof ImageUnreadableError ? error.reason : messageOf(error);
      report({ kind: 'failed', id: batch.id, path, reason });
    });
});
