import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inspectFiles, listFiles } from '../../src/bin/predict/folder.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-predict-'));
});
afterEach(() => rm(folder, { recursive: true }));

const at = (name: string) => path.join(folder, name);

test('what is no picture is told of by name, and neither links in circles nor pipes keep predict', async () => {
  await mkdir(at('more'));
  const picture = await sharp({ create: { width: 40, height: 40, channels: 3, background: 'red' } })
    .jpeg()
    .toBuffer();
  await writeFile(at('more/b.jpg'), picture);
  await symlink(at('more/b.jpg'), at('a.jpg'));
  await symlink(at('nowhere'), at('lost.jpg'));
  await symlink(folder, at('circle'));
  await writeFile(at('cut.jpg'), picture.subarray(0, 100));
  await writeFile(at('notes.txt'), 'of the photographer');
  await writeFile(at('.hidden.jpg'), picture);
  execFileSync('mkfifo', [at('pipe.jpg')]);

  const files = await listFiles(folder);
  expect(files.toSorted()).toEqual(['a.jpg', 'cut.jpg', 'lost.jpg', 'more/b.jpg', 'notes.txt']);
  const { images, leftOut } = await inspectFiles(folder, files, new AbortController().signal, () => {});
  expect(images.map(({ imageId }) => imageId).toSorted()).toEqual(['a.jpg', 'more/b.jpg']);
  expect(leftOut).toEqual([
    { path: 'cut.jpg', reason: expect.any(String), damaged: true },
    { path: 'lost.jpg', reason: 'cannot be opened: ENOENT', damaged: true },
    { path: 'notes.txt', reason: 'is not an image', damaged: false },
  ]);
});
