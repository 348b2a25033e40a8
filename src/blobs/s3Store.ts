import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { messageOf, refuse } from '../errors.ts';
import { type BlobCache, createBlobCache } from './blobCache.ts';
import type { BlobEntry, BlobStore, StoredBlob } from './blobStore.ts';
import { digestFile } from './localStore.ts';

/** Milliseconds for which a bucket that took an object counts as one that takes more: requests to write are paid for. */
const trusted = 60_000;

export interface S3Location {
  readonly bucket: string;
  /** Without a slash at either end; may be empty. */
  readonly prefix: string;
}

export interface S3StoreOptions extends S3Location {
  readonly client: S3Client;
  /** Folder of the copies on this machine, for this store alone. */
  readonly cacheDirectory: string;
  /** Bytes of copies that are kept; what was used within the hour stays in any case. */
  readonly cacheLimitBytes: number;
}

/**
 * Blobs as objects `prefix/ab/abcdef…` of a bucket. An object appears whole or not at all: bytes are collected and hashed in a folder
 * of this machine first, which also keeps copies of what is read.
 */
export function createS3Store({ client, bucket, prefix, ...cacheOptions }: S3StoreOptions): BlobStore {
  const cache: BlobCache = createBlobCache(cacheOptions);
  const place = prefix ? `s3://${bucket}/${prefix}` : `s3://${bucket}`;
  const root = prefix ? `${prefix}/` : '';
  const at = (hash: string) => ({ Bucket: bucket, Key: `${root}${hash.slice(0, 2)}/${hash}` });

  /** When an object was taken. */
  let taken = Number.NEGATIVE_INFINITY;

  async function upload({ hash, size }: StoredBlob, file: string): Promise<void> {
    try {
      // One request for small blobs, parts for large ones; the parts of an upload that fails are removed.
      await new Upload({ client, params: { ...at(hash), Body: createReadStream(file), ContentLength: size } }).done();
      taken = performance.now();
    } catch (error) {
      taken = Number.NEGATIVE_INFINITY;
      throw refuse('UNAVAILABLE', `${place} did not take ${size} bytes, nothing was stored: ${messageOf(error)}`);
    }
  }

  async function find(hash: string): Promise<BlobEntry | null> {
    requireHash(hash);
    try {
      const { ContentLength, LastModified } = await client.send(new HeadObjectCommand(at(hash)));
      return { hash, size: ContentLength!, storedAt: LastModified! };
    } catch (error) {
      if (isAbsence(error)) return null;
      throw error;
    }
  }

  async function* bytes(hash: string): AsyncGenerator<Uint8Array> {
    requireHash(hash);
    if (await cache.has(hash)) {
      yield* createReadStream(await cache.local(hash));
      return;
    }
    try {
      const { Body } = await client.send(new GetObjectCommand(at(hash)));
      yield* Body as Readable;
    } catch (error) {
      throw isAbsence(error) ? missing(place, hash) : error;
    }
  }

  return {
    async put(content) {
      const blob = await cache.put(content);
      await upload(blob, await cache.local(blob.hash));
      await cache.trim();
      return blob;
    },
    async adopt(file) {
      const blob = await digestFile(file);
      // While it is where it was, and stays there if the bucket does not take it.
      await upload(blob, file);
      await cache.adopt(file);
      await cache.trim();
      return blob;
    },
    open: (hash) => Readable.from(bytes(hash), { objectMode: false }),
    local: (hash) => cache.provide(hash, () => bytes(hash)),
    has: async (hash) => (await find(hash)) !== null,
    find,
    async *list() {
      let ContinuationToken: string | undefined;
      do {
        const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: root, ContinuationToken }));
        for (const { Key = '', Size, LastModified } of page.Contents ?? []) {
          const hash = /^([0-9a-f]{2})\/(\1[0-9a-f]{62})$/.exec(Key.slice(root.length))?.[2];
          if (hash) yield { hash, size: Size!, storedAt: LastModified! };
        }
        ContinuationToken = page.NextContinuationToken;
      } while (ContinuationToken);
    },
    async delete(hash) {
      requireHash(hash);
      await client.send(new DeleteObjectCommand(at(hash)));
      await cache.delete(hash);
    },
    async checkWritable() {
      if (performance.now() - taken < trusted) return;
      const Key = `${root}writable`;
      try {
        await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'x' }));
        await client.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
        taken = performance.now();
      } catch (error) {
        throw refuse('UNAVAILABLE', `${place} cannot be written to: ${messageOf(error)}`);
      }
    },
  };
}

function requireHash(hash: string): void {
  if (!/^[0-9a-f]{64}$/.test(hash)) throw new Error(`Not a SHA-256: ${JSON.stringify(hash)}`);
}

function isAbsence(error: unknown): boolean {
  const { name } = error as { readonly name?: string };
  return name === 'NotFound' || name === 'NoSuchKey';
}

function missing(place: string, hash: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`ENOENT: no blob ${hash} in ${place}`), { code: 'ENOENT' });
}
