import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFolder } from '../../src/makeFolder.ts';
import { noSmallDisk, smallDisk } from '../support/smallDisk.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-folders-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('makes a folder and those above it, also several at a time, and leaves what is there', async () => {
  const deep = path.join(folder, 'a/b/c');
  await Promise.all([makeFolder(deep), makeFolder(deep), makeFolder(path.join(folder, 'a/b/d'))]);
  await writeFile(path.join(deep, 'kept'), 'x');
  await makeFolder(deep);
  expect((await stat(path.join(deep, 'kept'))).size).toBe(1);
  expect((await stat(path.join(folder, 'a/b/d'))).isDirectory()).toBe(true);
});

test('where the system makes none, it ends with the reason', async () => {
  await expect(makeFolder('/proc/none/of/these')).rejects.toMatchObject({ code: 'ENOENT' });
  await writeFile(path.join(folder, 'file'), '');
  await expect(makeFolder(path.join(folder, 'file/a/b'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  await expect(makeFolder(path.join(folder, 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
});

test.skipIf(noSmallDisk !== undefined)(
  `a read-only file system is called so, however deep the folder ${noSmallDisk ?? ''}`,
  async () => {
    const disk = smallDisk(1);
    try {
      await mkdir(path.join(disk.path, 'home'));
      disk.setReadOnly(true);
      for (const name of ['home/outputs', 'home/outputs/worker', 'home/outputs/worker/attempt', 'other/a/b']) {
        await expect(makeFolder(path.join(disk.path, name))).rejects.toMatchObject({ code: 'EROFS' });
      }
      await makeFolder(path.join(disk.path, 'home'));
    } finally {
      disk.setReadOnly(false);
      await disk.remove();
    }
  },
);
