/** The hub against a real server that misbehaves. Only waiting is played: pauses are noted and over at once. */

import { lstat, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { parseHubReference } from '../../src/domain/hubReference.ts';
import { repositoryCache } from '../../src/hub/cache.ts';
import { HubError } from '../../src/hub/errors.ts';
import { createHub, type FetchOptions, type HubOptions } from '../../src/hub/hub.ts';
import { type Fault, type HubServer, ruleOf, sha256, startHub } from '../support/hubServer.ts';

export const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i) % 251));
export const etag = sha256(content);
export const key = 'timm/tiny.in1k/model.safetensors';

export let folder: string;
export let hub: HubServer;
const closing: HubServer[] = [];
export const pauses: number[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-hub-'));
  hub = await open({ [key]: content });
  pauses.length = 0;
});
afterEach(async () => {
  for (const server of closing.splice(0)) await server.close();
  await rm(folder, { recursive: true });
});

export async function open(...args: Parameters<typeof startHub>): Promise<HubServer> {
  const server = await startHub(...args);
  closing.push(server);
  return server;
}

export const timing = {
  idleMilliseconds: 10_000,
  tries: 5,
  pause: async (milliseconds: number) => {
    pauses.push(milliseconds);
  },
};

export function fetchFile(
  reference = 'hf://timm/tiny.in1k',
  options: Partial<HubOptions> = {},
  fetching: Partial<FetchOptions> = {},
): Promise<string> {
  const client = createHub({
    ...{ endpoint: hub.url, token: undefined, tokenFile: tokenFile(), cacheDirectory: folder, offline: false, timing },
    hosts: [hub, ...closing].map(ruleOf),
    ...options,
  });
  return client.fetch(parseHubReference(reference)!, { signal: new AbortController().signal, ...fetching });
}

export async function refusal(promise: Promise<unknown>): Promise<HubError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HubError);
  return error as HubError;
}

/** Where a login would leave its token. */
export const tokenFile = () => path.join(folder, 'token');
export const blobs = () => path.join(folder, 'models--timm--tiny.in1k', 'blobs');
/** What there is of a download so far. */
export const partialOf = (etag: string) => repositoryCache(folder, 'timm/tiny.in1k').partial(etag);
export const partial = () => partialOf(etag);
export const lock = () => path.join(folder, '.locks', 'models--timm--tiny.in1k', `${etag}.rungraph.lock`);
export const isThere = (file: string) =>
  lstat(file).then(
    () => true,
    () => false,
  );

/** The connection breaks after `after` bytes, as soon as the partial file has `size` in all. */
export function cut(after: number, size = after): Fault {
  const once = () => vi.waitFor(async () => expect((await lstat(partial())).size).toBe(size), { timeout: 60_000 });
  return { kind: 'cut', after, once };
}

export async function expectDownloaded(file: string): Promise<void> {
  expect(sha256(await readFile(file))).toBe(etag);
  expect(await readdir(blobs())).toEqual([etag]);
  expect(await isThere(lock())).toBe(false);
}

/** The tests' hub from now on. */
export async function useHub(...args: Parameters<typeof startHub>): Promise<void> {
  hub = await open(...args);
}

export async function stopHub(): Promise<void> {
  closing.splice(closing.indexOf(hub), 1);
  await hub.close();
}
