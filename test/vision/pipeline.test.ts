import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ItemTransform } from '../../src/domain/trainingConfig.ts';
import {
  type BatchRequest,
  type ImagePipeline,
  type ImagePipelineOptions,
  type ImageRef,
  openImagePipeline,
} from '../../src/vision/pipeline.ts';
import { ImageUnreadableError } from '../../src/vision/rgbImage.ts';
import { jpegBytes } from '../support/imageFiles.ts';
import { spawnTypeScript } from '../support/processes.ts';

let scratch: string;
let images: ImageRef[];
const open: ImagePipeline[] = [];

/** A file outside `images`, of its own, that tests may spoil. */
const writeImage = async (name: string, bytes: Buffer): Promise<ImageRef> => {
  const path = join(scratch, name);
  await writeFile(path, bytes);
  return { path, contentHash: createHash('sha256').update(bytes).digest('hex') };
};

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'pipeline-'));
  images = await Promise.all(
    Array.from({ length: 12 }, async (_, i) =>
      writeImage(`${i}.jpg`, await jpegBytes({ seed: i, width: i % 3 ? 40 : 60, height: i % 3 ? 60 : 40 })),
    ),
  );
});
afterEach(() => Promise.all(open.splice(0).map((pipeline) => pipeline.close())));
afterAll(() => rm(scratch, { recursive: true }));

let cacheNumber = 0;
const freshCache = () => join(scratch, `cache${cacheNumber++}`);

const optionsOf = (changes: Partial<ImagePipelineOptions> = {}, method: ItemTransform['method'] = 'CROP') => ({
  images,
  spec: {
    itemTransform: { size: { height: 32, width: 32 }, method },
    size: { height: 16, width: 12 },
    minScale: 0.75,
    mean: [0.5, 0.4, 0.3],
    std: [0.2, 0.3, 0.4],
  },
  threads: 2,
  cacheDirectory: freshCache(),
  cacheLimitBytes: 2 ** 24,
  onWarning: (message: string) => expect.fail(message),
  ...changes,
});

const start = async (options: ImagePipelineOptions): Promise<ImagePipeline> => {
  const pipeline = await openImagePipeline(options);
  open.push(pipeline);
  return pipeline;
};

const requests: BatchRequest[] = [
  { indices: [3, 1, 4, 1, 5], mode: 'train', seed: 11 },
  { indices: [9, 2, 6], mode: 'train', seed: 12 },
  { indices: [3, 1, 4, 1, 5], mode: 'valid', seed: 13 },
  { indices: [11, 10, 8, 7, 0], mode: 'train', seed: 14 },
  { indices: [0], mode: 'valid', seed: 15 },
];

/** One hash per batch: of every bit of every value. */
const hashes = async (pipeline: ImagePipeline, wanted: readonly BatchRequest[] = requests): Promise<string[]> => {
  const result: string[] = [];
  for await (const batch of pipeline.batches(wanted)) {
    expect(batch.indices).toEqual(wanted[result.length]!.indices);
    expect(batch.images.length).toBe(batch.indices.length * 16 * 12 * 3);
    expect(batch.images.every(Number.isFinite)).toBe(true);
    result.push(createHash('sha256').update(batch.images).digest('hex'));
  }
  return result;
};

describe('image pipeline', () => {
  it.each(['CROP', 'SQUISH', 'PAD'] as const)(
    'gives the same bits for any number of threads, cold, warm from disk and from memory (%s)',
    async (method) => {
      const options = optionsOf({ threads: 1 }, method);
      const cold = await start(options);
      const expected = await hashes(cold);
      expect(new Set(expected).size).toBe(requests.length);
      expect(await hashes(cold), 'from memory').toEqual(expected);
      expect(await hashes(await start({ ...options, threads: 3, memoryLimitBytes: 0 })), 'from disk').toEqual(expected);
      const fresh = { threads: 3, cacheDirectory: freshCache() };
      expect(await hashes(await start({ ...options, ...fresh })), 'three threads').toEqual(expected);
      const none = { cacheLimitBytes: 0, memoryLimitBytes: 0 };
      expect(await hashes(await start({ ...options, ...none })), 'without caches').toEqual(expected);
    },
  );

  it('reads no file again once the cache is warm, in every mode and method', async () => {
    for (const method of ['CROP', 'SQUISH', 'PAD'] as const) {
      const own = await Promise.all(
        [0, 1, 2].map(async (i) =>
          writeImage(`warm-${method}${i}.jpg`, await jpegBytes({ seed: 50 + i, width: 40 + 20 * i, height: 60 })),
        ),
      );
      const options = optionsOf({ images: own }, method);
      const wanted = (seed: number): BatchRequest[] => [
        { indices: [0, 1, 2], mode: 'train', seed },
        { indices: [2, 1, 0], mode: 'valid', seed },
      ];
      const first = await start(options);
      const [, valid] = await hashes(first, wanted(1));
      await Promise.all(own.map(({ path }) => rm(path)));
      // Another draw of the training batch from memory, then from disk.
      const again = await hashes(first, wanted(2));
      expect(again[1]).toBe(valid);
      const fromDisk = await start({ ...options, memoryLimitBytes: 0 });
      expect(await hashes(fromDisk, wanted(2))).toEqual(again);
    }
  });

  it('draws anew with another seed in training, and nothing in validation', async () => {
    const pipeline = await start(optionsOf());
    const of = (mode: 'train' | 'valid', seed: number) => hashes(pipeline, [{ indices: [1, 2], mode, seed }]);
    expect(await of('train', 1)).not.toEqual(await of('train', 2));
    expect(await of('valid', 1)).toEqual(await of('valid', 2));
  });

  it('runs several iterations side by side, each in its own order', async () => {
    const pipeline = await start(optionsOf());
    const [a, b] = await Promise.all([hashes(pipeline), hashes(pipeline, requests.toReversed())]);
    expect(b.toReversed()).toEqual(a);
  });

  it('asks for a few batches ahead only', async () => {
    const pipeline = await start(optionsOf());
    let asked = 0;
    const endless = (function* () {
      for (;;) yield { indices: [0, 1], mode: 'train', seed: asked++ } as const;
    })();
    for await (const _ of pipeline.batches(endless)) if (asked >= 10) break;
    expect(asked).toBeLessThanOrEqual(12);
    expect(await hashes(pipeline)).toHaveLength(requests.length);
  });

  it('names the unreadable image and stays usable', async () => {
    const bad = await writeImage('bad.jpg', Buffer.from('no image'));
    const pipeline = await start(optionsOf({ images: [...images, bad] }));
    const failing = hashes(pipeline, [requests[0]!, { indices: [1, images.length, 2], mode: 'train', seed: 1 }]);
    const error = await failing.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ImageUnreadableError);
    expect(error).toMatchObject({ path: bad.path, reason: expect.stringContaining('supported format') });
    expect(await hashes(pipeline)).toHaveLength(requests.length);
  });

  describe('a file that is no longer what was imported', () => {
    const spoiled: Record<string, (path: string) => Promise<unknown>> = {
      deleted: (path) => rm(path),
      'cut off': async (path) => truncate(path, (await stat(path)).size / 2),
      emptied: (path) => truncate(path, 0),
      'without permission': (path) => chmod(path, 0),
      'a folder': async (path) => {
        await rm(path);
        await mkdir(path);
      },
      'another good image': async (path) => writeFile(path, await jpegBytes({ seed: 99 })),
    };
    // The administrator may read every file.
    const cases = Object.keys(spoiled).filter((name) => name !== 'without permission' || process.getuid?.() !== 0);

    it.each(cases)('%s', async (name) => {
      const own = await writeImage(`${name}.jpg`, await jpegBytes({ seed: 98 }));
      await spoiled[name]!(own.path);
      const cacheDirectory = freshCache();
      await mkdir(cacheDirectory);
      const pipeline = await start(optionsOf({ images: [images[0]!, own], cacheDirectory }));
      const failing = hashes(pipeline, [{ indices: [0, 1], mode: 'train', seed: 1 }]);
      const error = await failing.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ImageUnreadableError);
      expect(error).toMatchObject({ path: own.path, reason: expect.stringMatching(/^[^/]*(imported|E[A-Z]+)/) });
      // Nothing of it is kept under the name of the image that was imported.
      await pipeline.close();
      const entries = await readdir(cacheDirectory, { recursive: true });
      expect(entries.filter((entry) => entry.includes(own.contentHash))).toEqual([]);
    });
  });

  it('refuses an index without an image', async () => {
    const pipeline = await start(optionsOf());
    await expect(hashes(pipeline, [{ indices: [99], mode: 'valid', seed: 1 }])).rejects.toThrow('image 99 of 12');
  });

  it('ends with the reason of the signal, before, during and between batches', async () => {
    const pipeline = await start(optionsOf());
    const reason = new Error('enough');
    const consume = async (signal: AbortSignal, onBatch: () => void) => {
      for await (const _ of pipeline.batches(requests, signal)) onBatch();
    };
    await expect(consume(AbortSignal.abort(reason), () => expect.fail('a batch'))).rejects.toBe(reason);
    const between = new AbortController();
    await expect(consume(between.signal, () => between.abort(reason))).rejects.toBe(reason);
    const during = new AbortController();
    const waiting = consume(during.signal, () => {});
    during.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(await hashes(pipeline)).toHaveLength(requests.length);
  });

  it('fails waiting iterations when it is closed', async () => {
    const pipeline = await start(optionsOf());
    const waiting = hashes(pipeline);
    const outcome = expect(waiting).rejects.toThrow('pipeline is closed');
    await pipeline.close();
    await outcome;
    await expect(hashes(pipeline)).rejects.toThrow('pipeline is closed');
  });

  it('works on without a cache where its directory cannot be made, after one warning', async () => {
    const blocked = join(scratch, 'blocked');
    await writeFile(blocked, 'a file where the folder should be');
    const warnings: string[] = [];
    const onWarning = (message: string) => warnings.push(message);
    const pipeline = await start(optionsOf({ cacheDirectory: blocked, onWarning, memoryLimitBytes: 0 }));
    expect(await hashes(pipeline)).toEqual(await hashes(await start(optionsOf())));
    expect(warnings).toEqual([expect.stringContaining(blocked)]);
  });

  it('makes damaged cache entries again', async () => {
    const options = optionsOf({ memoryLimitBytes: 0 });
    const expected = await hashes(await start(options));
    const files = (await readdir(options.cacheDirectory, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    expect(files.length).toBeGreaterThan(10);
    for (const path of files) {
      const bytes = await readFile(path);
      await chmod(path, 0o644);
      await writeFile(path, bytes.fill(0xaa, bytes.length >> 1));
    }
    expect(await hashes(await start(options))).toEqual(expected);
  });

  it('starts in a forked child too', async () => {
    const { onWarning: _, ...options } = optionsOf();
    const child = fork(fileURLToPath(new URL('./pipelineInChild.ts', import.meta.url)), {
      execArgv: ['--import', 'tsx'],
    });
    child.send(options);
    const [values] = await once(child, 'message');
    for await (const batch of (await start(options)).batches([{ indices: [0, 1], mode: 'valid', seed: 1 }])) {
      expect(values).toEqual([...batch.images.subarray(0, 6)]);
    }
    if (child.exitCode === null) await once(child, 'exit');
    expect(child.exitCode).toBe(0);
  });

  it('closes for good while threads still report batches that were given up', async () => {
    const { onWarning: _, ...options } = optionsOf({ threads: 4 });
    const child = spawnTypeScript('test/support/bin/closePipelines.ts', [JSON.stringify(options)]);
    expect(await child.finished).toEqual({ status: 0, stdout: 'closed', stderr: '' });
  });
});
