/** The cache on disk. */

import fs from 'node:fs';
import { lstat, mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { commit } from '../support/hubServer.ts';
import { blobs, content, etag, expectDownloaded, fetchFile, folder, hub, pauses, refusal, stopHub } from './client.ts';

describe('the cache is that of the Hugging Face libraries', () => {
  test('a download lies where they look for it, and is not repeated', async () => {
    const progress: number[] = [];
    const notes: string[] = [];
    const file = await fetchFile(
      undefined,
      {},
      {
        onProgress: (received, size) => progress.push(received / size),
        note: (line) => notes.push(line),
      },
    );
    const repository = path.join(folder, 'models--timm--tiny.in1k');
    expect(file).toBe(path.join(repository, 'snapshots', commit, 'model.safetensors'));
    expect(await readlink(file)).toBe(`../../blobs/${etag}`);
    expect(await readFile(path.join(repository, 'refs', 'main'), 'utf8')).toBe(commit);
    await expectDownloaded(file);
    expect(progress.at(-1)).toBe(1);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect(notes).toEqual([
      `downloading hf://timm/tiny.in1k/model.safetensors (0.3 MB) from ${new URL(hub.url).host}`,
      'downloaded hf://timm/tiny.in1k/model.safetensors',
    ]);
    expect(hub.methods()).toBe('HEAD GET');

    expect(await fetchFile()).toBe(file);
    expect(hub.methods()).toBe('HEAD GET HEAD');
    expect(await fetchFile(`hf://timm/tiny.in1k@${commit}`)).toBe(file);
    expect(hub.methods()).toBe('HEAD GET HEAD');
  });

  test('what they have downloaded is found', async () => {
    await mkdir(blobs(), { recursive: true });
    await writeFile(path.join(blobs(), etag), content);
    const file = await fetchFile();
    expect(hub.methods()).toBe('HEAD');
    expect(await readlink(file)).toBe(`../../blobs/${etag}`);
  });

  test('a blob of another size than the hub says is replaced', async () => {
    await mkdir(blobs(), { recursive: true });
    await writeFile(path.join(blobs(), etag), content.subarray(0, 10));
    await expectDownloaded(await fetchFile());
  });

  test('files in folders and other revisions have their own places', async () => {
    hub.files.set('timm/tiny.in1k/deep/er.bin', content);
    const file = await fetchFile('hf://timm/tiny.in1k@refs%2Fpr%2F1/deep/er.bin');
    expect(file).toMatch(/snapshots\/[0-9a-f]{40}\/deep\/er\.bin$/);
    expect(await readlink(file)).toBe(`../../../blobs/${etag}`);
    expect(await readFile(path.join(folder, 'models--timm--tiny.in1k/refs/refs/pr/1'), 'utf8')).toBe(commit);
    expect(hub.seen[0]!.path).toBe('/timm/tiny.in1k/resolve/refs%2Fpr%2F1/deep/er.bin');
  });

  test('pytorch_model.bin is taken where there is no model.safetensors', async () => {
    hub.files.clear();
    hub.files.set('timm/tiny.in1k/pytorch_model.bin', content);
    expect(await fetchFile()).toMatch(/pytorch_model\.bin$/);
  });

  test('offline, only the cache is asked', async () => {
    const nothing = await refusal(fetchFile(undefined, { offline: true }));
    expect(nothing.message).toMatch(/neither model\.safetensors nor pytorch_model\.bin in the cache .*HF_HUB_OFFLINE/);
    const file = await fetchFile();
    const asked = hub.seen.length;
    expect(await fetchFile(undefined, { offline: true })).toBe(file);
    expect(hub.seen).toHaveLength(asked);
  });

  test('a hub that cannot be reached does not matter when the file is there', async () => {
    const file = await fetchFile();
    await stopHub();
    const notes: string[] = [];
    expect(await fetchFile(undefined, {}, { note: (line) => notes.push(line) })).toBe(file);
    expect(notes.join()).toMatch(/cannot be asked .*from the cache/);
    expect(pauses).toEqual([]);
  });

  test('where links are not allowed, files are copied', async () => {
    const { symlink: allowed } = fs.promises;
    fs.promises.symlink = async () => {
      throw Object.assign(new Error('EPERM: operation not permitted'), { code: 'EPERM', syscall: 'symlink' });
    };
    syncBuiltinESMExports();
    try {
      const file = await fetchFile();
      expect((await lstat(file)).isFile()).toBe(true);
      expect(await readdir(path.dirname(file))).toEqual(['model.safetensors']);
      await expectDownloaded(file);
    } finally {
      fs.promises.symlink = allowed;
      syncBuiltinESMExports();
    }
  });

  test('a folder that cannot be used is named', async () => {
    const file = path.join(folder, 'file');
    await writeFile(file, '');
    const { message } = await refusal(fetchFile(undefined, { cacheDirectory: path.join(file, 'hub') }));
    expect(message).toMatch(/the cache .*file\/hub cannot be used: .*HF_HOME or HF_HUB_CACHE/);
  });
});

test('links that lead nowhere are downloaded again', async () => {
  const snapshot = path.join(folder, 'models--timm--tiny.in1k', 'snapshots', commit);
  await mkdir(snapshot, { recursive: true });
  await symlink('../../blobs/gone', path.join(snapshot, 'model.safetensors'));
  await expectDownloaded(await fetchFile(`hf://timm/tiny.in1k@${commit}`));
});
