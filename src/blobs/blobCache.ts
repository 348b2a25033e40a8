import { utimes } from 'node:fs/promises';
import type { BlobEntry, BlobStore } from './blobStore.ts';
import { createLocalStore } from './localStore.ts';

export interface BlobCacheOptions {
  readonly cacheDirectory: string;
  readonly cacheLimitBytes: number;
}

/** Copies of blobs on this machine, the least recently used of which go when there are too many. */
export interface BlobCache extends Pick<BlobStore, 'put' | 'adopt' | 'has' | 'local' | 'delete'> {
  /**
   * Path of the copy, made of `fetch` when there is none: once, however many ask for it.
   * @throws Error when what is fetched has another hash; nothing is kept then
   */
  provide(hash: string, fetch: () => AsyncIterable<Uint8Array>): Promise<string>;
  /** Removes copies beyond the limit. */
  trim(): Promise<void>;
}

/** Milliseconds for which a copy stays after its last use: whoever was given its path may still be about to open it. */
const inUse = 3_600_000;

/** @param options.cacheDirectory a folder of this cache alone; processes may share it */
export function createBlobCache({ cacheDirectory, cacheLimitBytes }: BlobCacheOptions): BlobCache {
  const copies = createLocalStore(cacheDirectory);
  const fetching = new Map<string, Promise<string>>();

  async function use(hash: string): Promise<string> {
    const file = await copies.local(hash);
    const now = new Date();
    await utimes(file, now, now);
    return file;
  }

  async function fetchCopy(hash: string, content: AsyncIterable<Uint8Array>): Promise<string> {
    const copy = await copies.put(content);
    if (copy.hash !== hash) {
      await copies.delete(copy.hash);
      throw new Error(`the bytes of blob ${hash} have the SHA-256 ${copy.hash}: they are damaged`);
    }
    await trim();
    return copies.local(hash);
  }

  async function trim(): Promise<void> {
    const entries: BlobEntry[] = [];
    for await (const entry of copies.list()) entries.push(entry);
    let excess = entries.reduce((sum, { size }) => sum + size, 0) - cacheLimitBytes;
    entries.sort((a, b) => a.storedAt.getTime() - b.storedAt.getTime());
    for (const { hash, size, storedAt } of entries) {
      if (excess <= 0 || Date.now() - storedAt.getTime() < inUse) return;
      await copies.delete(hash);
      excess -= size;
    }
  }

  return {
    put: copies.put,
    adopt: copies.adopt,
    has: copies.has,
    delete: copies.delete,
    local: use,
    async provide(hash, fetch) {
      if (await copies.has(hash)) return use(hash);
      const pending = fetching.get(hash) ?? fetchCopy(hash, fetch()).finally(() => fetching.delete(hash));
      fetching.set(hash, pending);
      return pending;
    },
    trim,
  };
}
