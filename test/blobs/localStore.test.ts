import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BlobEntry, BlobStore } from '../../src/blobs/blobStore.ts';
import { createLocalStore } from '../../src/blobs/localStore.ts';
import { UserInputError } from '../../src/errors.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'rungraph-blobs-'));
});
afterEach(() => rm(root, { recursive: true }));

const bytes = (text: string) => new TextEncoder().encode(text);
const sha = (text: string) => createHash('sha256').update(text).digest('hex');
const files = async () => (await readdir(root, { recursive: true, withFileTypes: true })).filter((f) => f.isFile());

async function listed(store: BlobStore): Promise<BlobEntry[]> {
  const entries: BlobEntry[] = [];
  for await (const entry of store.list()) entries.push(entry);
  return entries;
}

describe('local blob store', () => {
  test('stores bytes under their SHA-256 and gives them back', async () => {
    const store = createLocalStore(root);
    const { hash, size } = await store.put(bytes('leaf'));
    expect({ hash, size }).toEqual({ hash: sha('leaf'), size: 4 });
    expect((await buffer(store.open(hash))).toString()).toBe('leaf');
    expect(await readFile(await store.local(hash), 'utf8')).toBe('leaf');
    expect(await store.has(hash)).toBe(true);
  });

  test('stores a stream as the concatenation of its chunks', async () => {
    const store = createLocalStore(root);
    async function* chunks() {
      yield bytes('one,');
      yield bytes('two');
    }
    expect(await store.put(chunks())).toEqual({ hash: sha('one,two'), size: 7 });
    expect((await buffer(store.open(sha('one,two')))).toString()).toBe('one,two');
  });

  test('stores equal content once, also when many store it at once', async () => {
    const store = createLocalStore(root);
    const stored = await Promise.all(Array.from({ length: 16 }, () => store.put(bytes('same'))));
    expect(new Set(stored.map((s) => s.hash))).toEqual(new Set([sha('same')]));
    expect(await files()).toHaveLength(1);
  });

  test('adopts a file by moving it, also from another file system', async () => {
    const store = createLocalStore(root);
    for (const folder of [path.join(root, 'outputs'), await mkdtemp('/dev/shm/rungraph-outputs-')]) {
      await mkdir(folder, { recursive: true });
      const file = path.join(folder, 'weights');
      await writeFile(file, `from ${folder}`);
      const hash = sha(`from ${folder}`);
      expect(await store.adopt(file)).toEqual({ hash, size: `from ${folder}`.length });
      expect(await readFile(await store.local(hash), 'utf8')).toBe(`from ${folder}`);
      expect(await readdir(folder)).toEqual([]);
      await rm(folder, { recursive: true });
    }
    expect(await files()).toHaveLength(2);
  });

  test('a file that cannot be adopted stays where it was', async () => {
    const file = path.join(root, 'weights');
    await writeFile(file, 'leaf');
    await writeFile(path.join(root, sha('leaf').slice(0, 2)), 'where the folder should be');
    await expect(createLocalStore(root).adopt(file)).rejects.toMatchObject({ code: 'EEXIST' });
    expect(await readFile(file, 'utf8')).toBe('leaf');
    await expect(createLocalStore(root).adopt(path.join(root, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('deletes, and deleting twice is no error', async () => {
    const store = createLocalStore(root);
    const { hash } = await store.put(bytes('leaf'));
    await store.delete(hash);
    await store.delete(hash);
    expect(await store.has(hash)).toBe(false);
    await expect(buffer(store.open(hash))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('a full disk refuses with the reason and leaves nothing behind', async () => {
    // The kernel's own full device: every write to it ends with ENOSPC.
    const store = createLocalStore(root, () => open('/dev/full', 'w'));
    const failure = await store.put(bytes('leaf')).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UserInputError);
    expect((failure as UserInputError).problems).toEqual([
      { code: 'UNAVAILABLE', message: expect.stringContaining(`${root} is full`), path: [] },
    ]);
    expect(await files()).toEqual([]);
  });

  test('a stream that fails half-way leaves nothing behind', async () => {
    const store = createLocalStore(root);
    async function* broken() {
      yield bytes('half');
      throw new Error('connection reset');
    }
    await expect(store.put(broken())).rejects.toThrow('connection reset');
    expect(await files()).toEqual([]);
  });

  test('removes drafts of killed processes, keeps the drafts of living ones', async () => {
    await createLocalStore(root).put(bytes('makes the folders'));
    const abandoned = path.join(root, 'drafts', 'abandoned');
    const fresh = path.join(root, 'drafts', 'fresh');
    await writeFile(abandoned, 'half');
    await writeFile(fresh, 'half');
    const longAgo = new Date(Date.now() - 7_200_000);
    await utimes(abandoned, longAgo, longAgo);
    await createLocalStore(root).put(bytes('leaf'));
    expect(await readdir(path.join(root, 'drafts'))).toEqual(['fresh']);
  });

  test('lists what is there: blobs, not drafts, with size and time; storing again makes it new', async () => {
    const store = createLocalStore(root);
    expect(await listed(store)).toEqual([]);
    const { hash } = await store.put(bytes('leaf'));
    await store.put(bytes('root'));
    await writeFile(path.join(root, 'drafts', 'draft'), 'half');
    await writeFile(path.join(root, hash.slice(0, 2), 'note.txt'), 'no blob');
    const entries = await listed(store);
    expect(new Set(entries.map((entry) => entry.hash))).toEqual(new Set([sha('leaf'), sha('root')]));
    expect(entries.map((entry) => entry.size)).toEqual([4, 4]);
    const longAgo = new Date('2001-01-01');
    await utimes(await store.local(hash), longAgo, longAgo);
    expect(await store.find(hash)).toEqual({ hash, size: 4, storedAt: longAgo });
    await store.put(bytes('leaf'));
    expect((await store.find(hash))!.storedAt.getTime()).toBeGreaterThan(longAgo.getTime());
    expect(await store.find(sha('none'))).toBeNull();
    await expect(store.local(sha('none'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('takes nothing but a SHA-256 for a name', async () => {
    const store = createLocalStore(root);
    await expect(store.local('../../etc/passwd')).rejects.toThrow('Not a SHA-256');
    expect(() => store.open('')).toThrow('Not a SHA-256');
  });
});
