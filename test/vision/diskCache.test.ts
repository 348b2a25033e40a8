import * as fs from 'node:fs';
import { mkdtemp, readdir, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CacheFiles, nodeFiles } from '../../src/vision/cacheFiles.ts';
import { createCacheCounters, openDiskCache } from '../../src/vision/diskCache.ts';
import type { PreparedImage } from '../../src/vision/itemTransform.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'image-cache-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const image = (fill: number, side = 10): PreparedImage => ({
  stage: 'rows',
  width: side,
  height: side,
  sourceWidth: 30,
  sourceHeight: 20,
  data: new Uint8Array(side * side * 3).fill(fill),
});
const plain = (found: PreparedImage | undefined) => found && { ...found, data: [...found.data] };

const failOnWarning = (message: string) => expect.fail(message);
const entries = async () =>
  (await readdir(directory, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
const totalBytes = async () => {
  const sizes = await Promise.all((await entries()).map(async (path) => (await stat(path)).size));
  return sizes.reduce((a, b) => a + b, 0);
};

describe('disk cache', () => {
  it('gives back what was written, to any other cache on the same directory', () => {
    const options = { directory, limitBytes: 1e6, warn: failOnWarning };
    openDiskCache(options).write('aa1', image(7));
    const other = openDiskCache(options);
    expect(plain(other.read('aa1'))).toEqual(plain(image(7)));
    expect(other.read('aa2')).toBeUndefined();
  });

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['cut short', (bytes) => bytes.subarray(0, bytes.length - 1)],
    ['emptied', () => Buffer.alloc(0)],
    ['changed in a pixel', (bytes) => bytes.fill(8, 200, 201)],
    ['changed in a size', (bytes) => bytes.fill(9, 16, 17)],
    ['replaced by something else', () => Buffer.from('something else entirely, and long enough to hold a header')],
  ])('does not return an entry %s, and takes a new one', async (_, damage) => {
    const cache = openDiskCache({ directory, limitBytes: 1e6, warn: failOnWarning });
    cache.write('aa1', image(7));
    const [path] = await entries();
    fs.writeFileSync(path!, damage(fs.readFileSync(path!)));
    expect(cache.read('aa1')).toBeUndefined();
    expect(await entries()).toEqual([]);
    cache.write('aa1', image(7));
    expect(plain(cache.read('aa1'))).toEqual(plain(image(7)));
  });

  it('stays within its limit and drops the longest unused', async () => {
    const limitBytes = 16_000;
    const cache = openDiskCache({ directory, limitBytes, warn: failOnWarning });
    for (let i = 0; i < 30; i++) cache.write(`aa${i}`, image(i));
    const old = new Date(Date.now() - 60_000);
    for (const path of await entries()) await utimes(path, old, old);
    expect(cache.read('aa3')).toBeDefined();
    for (let i = 30; i < 200; i++) {
      cache.write(`bb${i}`, image(i));
      expect(await totalBytes()).toBeLessThanOrEqual(limitBytes);
      // Used all the time.
      if (i % 10 === 0) expect(cache.read('aa3'), `after ${i}`).toBeDefined();
    }
    expect(cache.read('aa4')).toBeUndefined();
    expect(cache.read('bb199')).toBeDefined();
  });

  it('keeps within the limit plus an allowance for each further process', async () => {
    const limitBytes = 16_000;
    const caches = Array.from({ length: 3 }, () => openDiskCache({ directory, limitBytes, warn: failOnWarning }));
    for (let i = 0; i < 100; i++) {
      caches.forEach((cache, k) => {
        cache.write(`c${k}${i}`, image(i));
      });
      expect(await totalBytes()).toBeLessThanOrEqual(limitBytes + (2 * limitBytes) / 16);
    }
  });

  it('does nothing with a limit of 0', async () => {
    const cache = openDiskCache({ directory, limitBytes: 0, warn: failOnWarning });
    cache.write('aa1', image(1));
    expect(await entries()).toEqual([]);
    expect(cache.read('aa1')).toBeUndefined();
  });

  it('warns once when the disk fills up, across threads, leaves no part of a file and goes on reading', async () => {
    const warnings: string[] = [];
    let room = 2;
    const files: CacheFiles = {
      ...nodeFiles,
      write(path, parts) {
        if (room-- > 0) return nodeFiles.write(path, parts);
        nodeFiles.write(path, parts.slice(0, 1));
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      },
    };
    const counters = createCacheCounters();
    const options = { directory, limitBytes: 1e6, counters, files, warn: (m: string) => warnings.push(m) };
    const caches = [openDiskCache(options), openDiskCache(options)];
    for (let i = 0; i < 6; i++) caches[i % 2]!.write(`aa${i}`, image(i));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(directory);
    expect(warnings[0]).toContain('ENOSPC');
    expect((await entries()).map((path) => path.slice(-7))).toEqual(['aa0.rgb', 'aa1.rgb']);
    expect(plain(caches[1]!.read('aa0'))).toEqual(plain(image(0)));
  });

  it('removes what a dead process left aside, not what a live one is writing', async () => {
    fs.mkdirSync(join(directory, 'aa'));
    const dead = join(directory, 'aa', 'aa1.rgb.1-x-0.tmp');
    const live = join(directory, 'aa', 'aa1.rgb.2-x-0.tmp');
    for (const path of [dead, live]) fs.writeFileSync(path, 'part');
    const yesterday = new Date(Date.now() - 86_400_000);
    await utimes(dead, yesterday, yesterday);
    openDiskCache({ directory, limitBytes: 1e6, warn: failOnWarning }).write('bb1', image(1));
    expect(fs.existsSync(dead)).toBe(false);
    expect(fs.existsSync(live)).toBe(true);
  });
});
