import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BlobStore } from '../../src/blobs/blobStore.ts';
import { createS3Store } from '../../src/blobs/s3Store.ts';
import { UserInputError } from '../../src/errors.ts';
import { type S3Server, startS3Server } from '../support/s3Server.ts';

let folder: string;
let server: S3Server;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-s3-'));
  server = await startS3Server(['lab']);
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

const sha = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');
const keyOf = (hash: string) => `lab/runs/${hash.slice(0, 2)}/${hash}`;

/** A store of its own cache: a machine. */
function machine(name: string, options: { bucket?: string; cacheLimitBytes?: number } = {}): BlobStore {
  const client = new S3Client({
    ...{ endpoint: server.url, region: 'eu-central-1', forcePathStyle: true, maxAttempts: 1 },
    credentials: { accessKeyId: 'test', secretAccessKey: 'secret' },
  });
  const { bucket = 'lab', cacheLimitBytes = 2 ** 30 } = options;
  return createS3Store({ client, bucket, prefix: 'runs', cacheDirectory: path.join(folder, name), cacheLimitBytes });
}

async function listed(store: BlobStore): Promise<string[]> {
  const hashes: string[] = [];
  for await (const { hash } of store.list()) hashes.push(hash);
  return hashes;
}

describe('S3 blob store', () => {
  test('what one machine stores another one reads, as a stream and as a file', async () => {
    const { hash, size } = await machine('a').put(Buffer.from('leaf'));
    expect({ hash, size }).toEqual({ hash: sha('leaf'), size: 4 });
    expect(server.objects.get(keyOf(hash))?.bytes.toString()).toBe('leaf');
    const other = machine('b');
    expect((await buffer(other.open(hash))).toString()).toBe('leaf');
    expect(await readFile(await other.local(hash), 'utf8')).toBe('leaf');
    expect(await other.find(hash)).toEqual({ hash, size: 4, storedAt: expect.any(Date) });
  });

  test('stores what is larger than a part in parts, and an empty stream', async () => {
    const large = Buffer.alloc(12 * 2 ** 20, 'leaf and root ');
    async function* chunks() {
      for (let at = 0; at < large.length; at += 100_000) yield large.subarray(at, at + 100_000);
    }
    const { hash } = await machine('a').put(chunks());
    expect(server.requests.filter((call) => call === `PUT ${keyOf(hash)}`).length).toBeGreaterThan(1);
    expect(server.openUploads()).toBe(0);
    expect(sha(await readFile(await machine('b').local(hash)))).toBe(sha(large));
    expect(await machine('a').put((async function* () {})())).toEqual({ hash: sha(''), size: 0 });
    expect(await machine('b').find(sha(''))).toMatchObject({ size: 0 });
  });

  test('a copy is fetched once, however many ask for it, and used again', async () => {
    const { hash } = await machine('a').put(Buffer.from('leaf'));
    const other = machine('b');
    const files = await Promise.all(Array.from({ length: 8 }, () => other.local(hash)));
    expect(new Set(files).size).toBe(1);
    await other.local(hash);
    expect(server.requests.filter((call) => call === `GET ${keyOf(hash)}`)).toHaveLength(1);
  });

  test('adopts a file; one that the bucket does not take stays where it was', async () => {
    const store = machine('a');
    await mkdir(path.join(folder, 'outputs'));
    const file = path.join(folder, 'outputs', 'weights');
    await writeFile(file, 'weights');
    server.refuse = (call) => (call.startsWith('PUT') ? 500 : undefined);
    await expect(store.adopt(file)).rejects.toThrow('s3://lab/runs did not take 7 bytes, nothing was stored');
    expect(await readFile(file, 'utf8')).toBe('weights');
    expect(await store.has(sha('weights'))).toBe(false);
    server.refuse = () => undefined;
    expect(await store.adopt(file)).toEqual({ hash: sha('weights'), size: 7 });
    expect(await readdir(path.dirname(file))).toEqual([]);
    expect(await store.has(sha('weights'))).toBe(true);
  });

  test('a store that is away is refused as UNAVAILABLE, not taken for an absent blob', async () => {
    const store = machine('a');
    server.refuse = () => 503;
    const failure = await store.put(Buffer.from('leaf')).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UserInputError);
    expect((failure as UserInputError).problems[0]!.code).toBe('UNAVAILABLE');
    await expect(store.has(sha('leaf'))).rejects.toThrow();
    await expect(store.checkWritable()).rejects.toThrow('s3://lab/runs cannot be written to');
  });

  test('is asked to prove that it takes objects once a minute, and again after it did not', async () => {
    const store = machine('a');
    const proofs = () => server.requests.filter((call) => call === 'PUT lab/runs/writable').length;
    await store.checkWritable();
    await store.checkWritable();
    expect(proofs()).toBe(1);
    server.refuse = (call) => (call.startsWith('PUT') ? 500 : undefined);
    await expect(store.put(Buffer.from('leaf'))).rejects.toThrow('nothing was stored');
    await expect(store.checkWritable()).rejects.toThrow('cannot be written to');
    server.refuse = () => undefined;
    await store.checkWritable();
    expect(proofs()).toBe(3);
  });

  test('refuses a bucket that is not there', async () => {
    await expect(machine('a', { bucket: 'other' }).checkWritable()).rejects.toThrow(
      /s3:\/\/other\/runs .*NoSuchBucket/,
    );
    await machine('a').checkWritable();
    expect(server.objects.size).toBe(0);
  });

  test('damaged bytes are not handed out, and not kept', async () => {
    const { hash } = await machine('a').put(Buffer.from('leaf'));
    server.objects.get(keyOf(hash))!.bytes = Buffer.from('lead');
    const other = machine('b');
    await expect(other.local(hash)).rejects.toThrow(`the bytes of blob ${hash} have the SHA-256 ${sha('lead')}`);
    server.objects.get(keyOf(hash))!.bytes = Buffer.from('leaf');
    expect(await readFile(await other.local(hash), 'utf8')).toBe('leaf');
  });

  test('lists every page, blobs alone', async () => {
    const store = machine('a');
    const hashes = [];
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) hashes.push((await store.put(Buffer.from(name))).hash);
    server.objects.set('lab/runs/note.txt', { bytes: Buffer.from('no blob'), modified: new Date() });
    server.objects.set('lab/other/ab/blob', { bytes: Buffer.from('of others'), modified: new Date() });
    expect((await listed(machine('b'))).sort()).toEqual(hashes.sort());
  });

  test('deletes, and what is not there fails with ENOENT', async () => {
    const store = machine('a');
    const { hash } = await store.put(Buffer.from('leaf'));
    await store.delete(hash);
    await store.delete(hash);
    expect(await store.has(hash)).toBe(false);
    await expect(buffer(store.open(hash))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(store.local(hash)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(buffer(store.open('../../etc/passwd'))).rejects.toThrow('Not a SHA-256');
  });

  test('old copies make room for new ones; copies in use stay', async () => {
    const store = machine('a', { cacheLimitBytes: 10 });
    const [old, recent] = [await store.put(Buffer.from('old leaf')), await store.put(Buffer.from('new leaf'))];
    const longAgo = new Date(Date.now() - 7_200_000);
    await utimes(await store.local(old.hash), longAgo, longAgo);
    const copies = async () =>
      (await readdir(path.join(folder, 'a'), { recursive: true })).filter((name) => /\/[0-9a-f]{64}$/.test(name));
    expect(await copies()).toHaveLength(2);
    const { hash } = await store.put(Buffer.from('leaf'));
    expect((await copies()).map((name) => name.slice(3)).sort()).toEqual([recent.hash, hash].sort());
    expect(await readFile(await store.local(old.hash), 'utf8')).toBe('old leaf');
  });
});
