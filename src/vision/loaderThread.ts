/** One thread of the image pipeline: items of batches from file or cache to normalised pixels. */

import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../errors.ts';
import { planBatch, renderRequest } from './batchPlan.ts';
import { decodeImage } from './decode.ts';
import { openDiskCache } from './diskCache.ts';
import { finish, type PreparedImage, prepare } from './itemTransform.ts';
import { cacheKey, type LoaderBatch, type LoaderReport, type LoaderSetup } from './loaderProtocol.ts';
import type { ImageRef } from './pipelineSpec.ts';
import { createRenderer } from './renderer.ts';
import { ImageUnreadableError } from './rgbImage.ts';

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

async function prepared(image: ImageRef, batch: LoaderBatch): Promise<PreparedImage> {
  const key = cacheKey(image.contentHash, spec, batch.mode);
  let result = cache.read(key);
  if (!result) {
    result = prepare(await decode(image.path), itemTransform, batch.mode === 'train');
    cache.write(key, result);
  }
  if (batch.collect) {
    const data = new Uint8Array(new SharedArrayBuffer(result.data.length));
    data.set(result.data);
    result = { ...result, data };
    report({ kind: 'prepared', key, image: result });
  }
  return result;
}

async function decode(path: string) {
  try {
    return await decodeImage(readFileSync(path));
  } catch (error) {
    throw new ImageUnreadableError(path, messageOf(error));
  }
}

async function work(batch: LoaderBatch): Promise<void> {
  const { indices, mode, seed, progress, output } = batch;
  const plan = planBatch(indices.length, mode, seed, spec);
  for (let i = Atomics.add(progress, 0, 1); i < indices.length; i = Atomics.add(progress, 0, 1)) {
    const image = batch.held[i] ?? (await prepared(images[indices[i]!]!, batch));
    const item = finish(image, itemTransform, plan.items[i]!.position);
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
