import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { diskProblem } from '../errors.ts';
import { makeFolder } from '../makeFolder.ts';
import type { BlobEntry, BlobStore, StoredBlob } from './blobStore.ts';

/** A draft this old (milliseconds) is of a process that was killed. */
const abandonedAge = 3_600_000;

/**
 * Blobs as files below `root`: `ab/abcdef…`, written as `drafts/…` first, flushed, then renamed.
 * @param openDraft opens a draft for writing; tests put a full disk here
 */
export function createLocalStore(
  root: string,
  openDraft: (file: string) => Promise<FileHandle> = (file) => open(file, 'wx'),
): BlobStore {
  const drafts = path.join(root, 'drafts');

  function pathOf(hash: string): string {
    if (!isHash(hash)) throw new Error(`Not a SHA-256: ${JSON.stringify(hash)}`);
    return path.join(root, hash.slice(0, 2), hash);
  }

  let swept = false;
  async function prepare(): Promise<void> {
    await makeFolder(drafts);
    if (swept) return;
    swept = true;
    await removeAbandoned(drafts);
  }

  /** Gives a whole, flushed file its name among the blobs. */
  async function place(file: string, hash: string): Promise<void> {
    const target = pathOf(hash);
    await makeFolder(path.dirname(target));
    await rename(file, target);
    await flushFolder(path.dirname(target));
  }

  async function put(content: Uint8Array | AsyncIterable<Uint8Array>): Promise<StoredBlob> {
    const draft = path.join(drafts, randomUUID());
    try {
      await prepare();
      const blob = await writeDraft(await openDraft(draft), content);
      await place(draft, blob.hash);
      return blob;
    } catch (error) {
      await rm(draft, { force: true });
      throw diskProblem(error, root) ?? error;
    }
  }

  async function find(hash: string): Promise<BlobEntry | null> {
    try {
      const { size, mtime: storedAt } = await stat(pathOf(hash));
      return { hash, size, storedAt };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  return {
    put,
    async adopt(file) {
      const blob = await digestFile(file);
      try {
        await place(file, blob.hash);
        return blob;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw diskProblem(error, root) ?? error;
      }
      const copy = await put(createReadStream(file));
      await rm(file, { force: true });
      return copy;
    },
    open: (hash) => createReadStream(pathOf(hash)),
    async local(hash) {
      const file = pathOf(hash);
      await access(file);
      return file;
    },
    has: async (hash) => (await find(hash)) !== null,
    find,
    async *list() {
      for (const folder of await namesIn(root)) {
        if (!/^[0-9a-f]{2}$/.test(folder)) continue;
        for (const name of await namesIn(path.join(root, folder))) {
          const entry = isHash(name) && name.startsWith(folder) ? await find(name) : null;
          if (entry) yield entry;
        }
      }
    },
    delete: (hash) => rm(pathOf(hash), { force: true }),
    async checkWritable() {
      const draft = path.join(drafts, randomUUID());
      await prepare();
      try {
        const file = await openDraft(draft);
        await file.writeFile('x').finally(() => file.close());
      } finally {
        await rm(draft, { force: true });
      }
    },
  };
}

async function writeDraft(file: FileHandle, content: Uint8Array | AsyncIterable<Uint8Array>): Promise<StoredBlob> {
  const sha = createHash('sha256');
  let size = 0;
  try {
    for await (const chunk of content instanceof Uint8Array ? [content] : content) {
      sha.update(chunk);
      size += chunk.byteLength;
      await file.writeFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { hash: sha.digest('hex'), size };
}

function isHash(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

/** Empty when there is no such folder. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Hashes a file, dates it now and makes sure that it is on the disk. */
export async function digestFile(file: string): Promise<StoredBlob> {
  const sha = createHash('sha256');
  let size = 0;
  const handle = await open(file, 'r+');
  try {
    for await (const chunk of handle.createReadStream({ autoClose: false }) as AsyncIterable<Uint8Array>) {
      sha.update(chunk);
      size += chunk.byteLength;
    }
    const now = new Date();
    await handle.utimes(now, now);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { hash: sha.digest('hex'), size };
}

/** Makes the rename itself survive a power loss. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function removeAbandoned(drafts: string): Promise<void> {
  for (const name of await readdir(drafts)) {
    const file = path.join(drafts, name);
    const age = await stat(file).then(
      (s) => Date.now() - s.mtimeMs,
      () => 0,
    );
    if (age > abandonedAge) await rm(file, { force: true });
  }
}
