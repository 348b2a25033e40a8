/** One file from the hub into the cache: resumed where it broke off, checked, then moved into place. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '../makeFolder.ts';
import { type RepositoryCache, sizeIfThere } from './cache.ts';
import { HubError } from './errors.ts';
import { type HubHttp, type HubResponse, request } from './http.ts';
import { withRetries } from './retry.ts';
import type { HubTiming } from './timing.ts';
import { etagOf, type FileVersion, fileUrl, type HubFile, nameOf, requireAnswer } from './version.ts';

/** The file has another content by now. */
export class FileChangedError extends HubError {}

export interface DownloadOptions {
  readonly http: HubHttp;
  readonly timing: HubTiming;
  readonly cache: RepositoryCache;
  readonly signal: AbortSignal;
  /** Bytes of the file that are there, of all. */
  readonly onProgress: (received: number, size: number) => void;
  /** Tells of every try that failed. */
  readonly note: (line: string) => void;
}

/**
 * Makes the blob of `version`. What was received stays for the next time when the signal aborts or the network fails for good.
 * @throws FileChangedError, HubError
 */
export async function download(wanted: HubFile, version: FileVersion, options: DownloadOptions): Promise<void> {
  const partial = options.cache.partial(version.etag);
  let received = 0;
  let broken = 0;
  await makeFolder(path.dirname(partial));
  await withRetries(
    options.timing,
    options.signal,
    async () => {
      received = (await sizeIfThere(partial)) ?? 0;
      if (received > version.size) received = await startOver(partial);
      if (received < version.size) {
        await receive(wanted, version, options, partial, received, (bytes) => {
          received = bytes;
          options.onProgress(bytes, version.size);
        });
      }
      const problem = await damage(partial, version);
      if (!problem) return;
      received = await startOver(partial);
      // a second whole download with the same end is no accident
      throw new HubError(`${nameOf(options.http, wanted)} ${problem}`, { retryable: ++broken < 2 });
    },
    { note: options.note, progress: () => received },
  );
  await rename(partial, options.cache.blob(version.etag));
}

/** Asks for the bytes from `from` on and appends them to `partial`. */
async function receive(
  wanted: HubFile,
  version: FileVersion,
  { http, signal }: DownloadOptions,
  partial: string,
  from: number,
  onReceived: (bytes: number) => void,
): Promise<void> {
  const response = await request(http, {
    method: 'GET',
    // the commit pins the content, whatever the branch means meanwhile
    url: fileUrl(http, wanted, version.commit),
    name: nameOf(http, wanted),
    headers: from > 0 ? { range: `bytes=${from}-` } : {},
    // where large files lie has etags of its own
    ownHeaders: from > 0 ? { 'if-range': `"${version.etag}"` } : {},
    leave: true,
    signal,
  });
  try {
    const begin = await firstByte(wanted, version, http, response, partial, from);
    const handle = await open(partial, begin > 0 ? 'a' : 'w');
    try {
      let received = begin;
      for await (const chunk of response.body()) {
        received += chunk.length;
        if (received > version.size) break;
        await handle.writeFile(chunk);
        onReceived(received);
      }
      await handle.sync();
      if (received !== version.size) {
        const howMany = received > version.size ? 'more' : `only ${received}`;
        throw new HubError(`${nameOf(http, wanted)} has ${howMany} of ${version.size} bytes`, { retryable: true });
      }
    } finally {
      await handle.close();
    }
  } finally {
    response.close();
  }
}

/** Where the answer's bytes begin: at `from`, or at 0 when the server sends the whole file. */
async function firstByte(
  wanted: HubFile,
  version: FileVersion,
  http: HubHttp,
  response: HubResponse,
  partial: string,
  from: number,
): Promise<number> {
  const { status, headers, own } = response;
  const name = nameOf(http, wanted);
  if (status === 416) {
    await startOver(partial);
    throw new HubError(`${name} cannot be resumed at byte ${from}`, { retryable: true });
  }
  requireAnswer(http, wanted, response);
  const etag = etagOf(own.headers);
  if (etag !== undefined && etag !== version.etag) {
    await startOver(partial);
    throw new FileChangedError(`${name} changed while it was downloaded`, { retryable: false });
  }
  if (status === 200) {
    const length = headers.get('content-length');
    if (length !== null && Number(length) !== version.size) {
      throw new HubError(`${name}: the server sends ${length} bytes instead of ${version.size}`, { retryable: true });
    }
    return 0;
  }
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
  const fits = range && Number(range[1]) === from && (range[2] === '*' || Number(range[2]) === version.size);
  if (status === 206 && fits) return from;
  await startOver(partial);
  throw new HubError(`${name}: the server sends another part than was asked for (status ${status})`, {
    retryable: true,
  });
}

/** What is wrong with a complete download, or null. */
async function damage(file: string, { etag, size }: FileVersion): Promise<string | null> {
  const found = await sizeIfThere(file);
  if (found !== size) return `has ${found} bytes instead of ${size}`;
  if (!/^[0-9a-f]{64}$/.test(etag)) return null;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  const actual = hash.digest('hex');
  return actual === etag ? null : `arrived damaged: its SHA-256 is ${actual} instead of ${etag}`;
}

async function startOver(partial: string): Promise<0> {
  await rm(partial, { force: true });
  return 0;
}
