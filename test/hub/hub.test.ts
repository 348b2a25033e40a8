/** Against a real server that misbehaves. Only waiting is played: pauses are noted and over at once. */

import fs from 'node:fs';
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { HubError } from '../../src/hub/errors.ts';
import { createHub, type FetchOptions, type HubOptions } from '../../src/hub/hub.ts';
import { parseHubReference } from '../../src/hub/reference.ts';
import { commit, type Fault, type HubServer, sha256, startHub } from '../support/hubServer.ts';
import { spawnTypeScript } from '../support/processes.ts';

const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i) % 251));
const etag = sha256(content);
const key = 'timm/tiny.in1k/model.safetensors';

let folder: string;
let hub: HubServer;
const closing: HubServer[] = [];
const pauses: number[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-hub-'));
  hub = await open({ [key]: content });
  pauses.length = 0;
});
afterEach(async () => {
  for (const server of closing.splice(0)) await server.close();
  await rm(folder, { recursive: true });
});

async function open(...args: Parameters<typeof startHub>): Promise<HubServer> {
  const server = await startHub(...args);
  closing.push(server);
  return server;
}

const timing = {
  idleMilliseconds: 10_000,
  tries: 5,
  pause: async (milliseconds: number) => {
    pauses.push(milliseconds);
  },
};

function fetchFile(
  reference = 'hf://timm/tiny.in1k',
  options: Partial<HubOptions> = {},
  fetching: Partial<FetchOptions> = {},
): Promise<string> {
  const client = createHub({
    ...{ endpoint: hub.url, token: undefined, cacheDirectory: folder, offline: false, timing },
    ...options,
  });
  return client.fetch(parseHubReference(reference)!, { signal: new AbortController().signal, ...fetching });
}

async function refusal(promise: Promise<unknown>): Promise<HubError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HubError);
  return error as HubError;
}

const blobs = () => path.join(folder, 'models--timm--tiny.in1k', 'blobs');
const partial = () => path.join(blobs(), `${etag}.rungraph.incomplete`);
const lock = () => path.join(folder, '.locks', 'models--timm--tiny.in1k', `${etag}.rungraph.lock`);
const isThere = (file: string) =>
  lstat(file).then(
    () => true,
    () => false,
  );

/** The connection breaks after `after` bytes, as soon as the partial file has `size` in all. */
function cut(after: number, size = after): Fault {
  const once = () => vi.waitFor(async () => expect((await lstat(partial())).size).toBe(size), { timeout: 20_000 });
  return { kind: 'cut', after, once };
}

async function expectDownloaded(file: string): Promise<void> {
  expect(sha256(await readFile(file))).toBe(etag);
  expect(await readdir(blobs())).toEqual([etag]);
  expect(await isThere(lock())).toBe(false);
}

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
    await hub.close();
    closing.length = 0;
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

describe('a download goes on', () => {
  const ranges = () => hub.seen.filter(({ method }) => method === 'GET').map(({ headers }) => headers.range);

  test('where the connection broke', async () => {
    hub.faults.GET.push(cut(100_000), cut(50_000, 150_000));
    await expectDownloaded(await fetchFile());
    expect(ranges()).toEqual([undefined, 'bytes=100000-', 'bytes=150000-']);
    expect(hub.seen[2]!.headers['if-range']).toBe(`"${etag}"`);
  });

  test('from the beginning when the server cannot resume', async () => {
    hub.faults.GET.push(cut(100_000), { kind: 'content', body: content });
    await expectDownloaded(await fetchFile());
  });

  test.each([
    ['knows no such range', { kind: 'status', status: 416 } as const],
    [
      'sends another range',
      {
        kind: 'content',
        body: content.subarray(5),
        status: 206,
        headers: { 'content-range': 'bytes 5-299999/300000' },
      } as const,
    ],
  ])('from the beginning when the server %s', async (_, fault) => {
    hub.faults.GET.push(cut(100_000), fault);
    await expectDownloaded(await fetchFile());
    expect(ranges().at(-1)).toBeUndefined();
  });

  test('after the server fell silent', async () => {
    hub.faults.GET.push({ kind: 'stall', after: 1000 });
    await expectDownloaded(await fetchFile(undefined, { timing: { ...timing, idleMilliseconds: 200 } }));
    expect(hub.methods()).toBe('HEAD GET GET');
  });

  test('after errors that pass, with longer and longer pauses', async () => {
    hub.faults.HEAD.push({ kind: 'status', status: 503 }, { kind: 'status', status: 500 });
    hub.faults.GET.push({ kind: 'status', status: 429, headers: { 'retry-after': '7' } });
    await expectDownloaded(await fetchFile());
    expect(pauses).toEqual([1000, 2000, 7000]);
  });

  test('with the new content when the file changed meanwhile', async () => {
    const old = sha256(Buffer.from('old'));
    hub.faults.HEAD.push({ kind: 'headers', headers: { etag: `"${old}"` } });
    await mkdir(blobs(), { recursive: true });
    await writeFile(path.join(blobs(), `${old}.rungraph.incomplete`), 'half of the old content');
    await expectDownloaded(await fetchFile());
    expect(hub.methods()).toBe('HEAD GET HEAD GET');
    expect(hub.seen.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=23-', undefined, undefined]);
  });

  test('until it has been tried often enough', async () => {
    hub.faults.GET.push(...Array.from({ length: 5 }, () => ({ kind: 'status', status: 502 }) as const));
    const error = await refusal(fetchFile());
    expect(error).toMatchObject({
      retryable: true,
      message: expect.stringMatching(/model\.safetensors of timm\/tiny\.in1k .*502/),
    });
    expect(pauses).toEqual([1000, 2000, 4000, 8000]);
    expect(await isThere(lock())).toBe(false);
  });
});

describe('a download is refused', () => {
  test('that never has the right length', async () => {
    hub.faults.GET.push(
      ...Array.from({ length: 5 }, () => ({ kind: 'content', body: Buffer.from('<html>busy</html>') }) as const),
    );
    const error = await refusal(fetchFile());
    expect(error.message).toMatch(/sends 17 bytes instead of 300000/);
    expect(error.retryable).toBe(true);
  });

  test('that arrives damaged twice, and nothing of it is kept', async () => {
    hub.faults.GET.push({ kind: 'corrupt' }, { kind: 'corrupt' });
    const error = await refusal(fetchFile());
    expect(error.message).toMatch(new RegExp(`damaged: its SHA-256 is [0-9a-f]{64} instead of ${etag}`));
    expect(error.retryable).toBe(false);
    expect(await readdir(blobs())).toEqual([]);
  });

  test('that was damaged once, it is repeated', async () => {
    hub.faults.GET.push({ kind: 'corrupt' });
    await expectDownloaded(await fetchFile());
  });

  test.each([
    [
      'nothing of the name is there',
      'hf://timm/none',
      /hf:\/\/timm\/none has neither model\.safetensors nor pytorch_model\.bin/,
    ],
    ['the file is not there', 'hf://timm/tiny.in1k/other.bin', /there is no other\.bin of timm\/tiny\.in1k .*404/],
  ])('when %s', async (_, reference, message) => {
    const error = await refusal(fetchFile(reference));
    expect(error.message).toMatch(message);
    expect(error.message).toContain(hub.url);
    expect(error.retryable).toBe(false);
  });

  test.each([
    [{ status: 401 }, /there is no such repository, if it is private, set HF_TOKEN/],
    [
      { status: 403, headers: { 'x-error-code': 'GatedRepo' } },
      /accept its conditions on .*timm\/tiny\.in1k and set HF_TOKEN/,
    ],
    [{ status: 404, headers: { 'x-error-code': 'RepoNotFound' } }, /there is no repository timm\/tiny\.in1k/],
    [{ status: 404, headers: { 'x-error-code': 'RevisionNotFound' } }, /has no revision main/],
    [{ status: 418 }, /answers 418/],
  ])('with what to do: %j', async (answer, message) => {
    hub.faults.HEAD.push({ kind: 'status', ...answer });
    expect((await refusal(fetchFile())).message).toMatch(message);
  });

  test.each([
    ['no commit', { 'x-repo-commit': null }],
    ['an etag that is a path', { etag: '"../../../evil"' }],
    ['a commit that is a path', { 'x-repo-commit': '../../evil' }],
    ['no etag', { etag: null }],
  ])('from a server that tells %s', async (_, headers) => {
    hub.faults.HEAD.push({ kind: 'headers', headers });
    expect((await refusal(fetchFile())).message).toMatch(/does not answer as the Hugging Face hub does.*HF_ENDPOINT/);
    expect(await readdir(folder)).toEqual([]);
  });

  test('that leads in circles, or to what is no web address', async () => {
    hub.faults.HEAD.push(
      ...Array.from({ length: 20 }, () => ({ kind: 'status', status: 307, headers: { location: '/again' } }) as const),
    );
    expect((await refusal(fetchFile())).message).toMatch(/redirects more than 10 times/);
    hub.faults.HEAD.length = 0;
    hub.faults.GET.push({ kind: 'status', status: 302, headers: { location: 'file:///etc/passwd' } });
    expect((await refusal(fetchFile())).message).toMatch(/redirects to file:/);
  });
});

describe('the token', () => {
  const token = 'hf_secret';

  test('goes to the endpoint only, not to where it redirects', async () => {
    const storage = await open({});
    hub = await open({ [key]: content }, { storage, token });
    storage.faults.GET.push(cut(100_000));
    await expectDownloaded(await fetchFile(undefined, { token }));
    expect(hub.methods()).toBe('HEAD GET GET');
    for (const { headers } of hub.seen) expect(headers.authorization).toBe(`Bearer ${token}`);
    expect(storage.methods()).toBe('GET GET');
    for (const { headers } of storage.seen) {
      expect(headers.authorization).toBeUndefined();
      // its etags are others: a condition on ours would make it send everything again
      expect(headers['if-range']).toBeUndefined();
    }
    expect(storage.seen[1]!.headers.range).toBe('bytes=100000-');
  });

  test('that is wrong is refused without being shown', async () => {
    hub = await open({ [key]: content }, { token });
    const { message } = await refusal(fetchFile(undefined, { token: 'hf_wrong' }));
    expect(message).toMatch(/HF_TOKEN is wrong or has no access/);
    expect(message).not.toContain('hf_');
  });

  test('and signatures of redirects do not stand in messages', async () => {
    const storage = await open({});
    hub = await open({ [key]: content }, { storage });
    storage.faults.GET.push(...Array.from({ length: 5 }, () => ({ kind: 'cut', after: 0 }) as const));
    const { message } = await refusal(fetchFile());
    expect(message).toContain(new URL(storage.url).host);
    expect(message).not.toContain('secret');
  });
});

describe('one download at a time', () => {
  test('for two callers of one process', async () => {
    const files = await Promise.all([fetchFile(), fetchFile()]);
    expect(files[0]).toBe(files[1]);
    expect(hub.seen.filter(({ method }) => method === 'GET')).toHaveLength(1);
  });

  test('for two processes: the second waits and finds it', async () => {
    let letGo = () => {};
    const released = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    hub.faults.GET.push({ kind: 'wait', until: released });
    const run = () => spawnTypeScript('test/support/bin/fetchFromHub.ts', [hub.url, folder, 'hf://timm/tiny.in1k']);
    const first = run();
    await first.until(/^downloading /m);
    const second = run();
    await second.until(/^waiting for process \d+/m);
    letGo();
    const ends = await Promise.all([first.finished, second.finished]);
    expect(ends.map(({ status }) => status)).toEqual([0, 0]);
    expect(ends[1].stdout).not.toMatch(/^downloading/m);
    expect(hub.seen.filter(({ method }) => method === 'GET')).toHaveLength(1);
  });

  test('a process that was killed while it downloaded leaves its part and no obstacle', async () => {
    let reached = () => {};
    const halfway = new Promise<void>((resolve) => {
      reached = resolve;
    });
    hub.faults.GET.push({ kind: 'stall', after: 100_000, reached });
    const killed = spawnTypeScript('test/support/bin/fetchFromHub.ts', [hub.url, folder, 'hf://timm/tiny.in1k']);
    await halfway;
    await expect.poll(async () => (await lstat(partial())).size, { timeout: 20_000 }).toBe(100_000);
    killed.child.kill('SIGKILL');
    await killed.finished;
    expect(await isThere(lock())).toBe(true);
    await expectDownloaded(await fetchFile());
    expect(hub.seen.at(-1)!.headers.range).toBe('bytes=100000-');
  });
});

describe('a cancel', () => {
  test('ends a download, leaves its part and no lock; the next one goes on from there', async () => {
    const controller = new AbortController();
    hub.faults.GET.push({ kind: 'stall', after: 100_000 });
    const canceled = fetchFile(
      undefined,
      {},
      {
        signal: controller.signal,
        onProgress: (received) => {
          if (received === 100_000) controller.abort('cancel');
        },
      },
    );
    await expect(canceled).rejects.toBe('cancel');
    expect((await lstat(partial())).size).toBe(100_000);
    expect(await isThere(lock())).toBe(false);
    await expectDownloaded(await fetchFile());
    expect(hub.seen.at(-1)!.headers.range).toBe('bytes=100000-');
  });

  test('ends the wait for another process', async () => {
    const controller = new AbortController();
    let letGo = () => {};
    const until = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    hub.faults.GET.push({ kind: 'wait', until });
    const first = fetchFile();
    await expect.poll(() => isThere(lock())).toBe(true);
    const waiting = fetchFile(undefined, {}, { signal: controller.signal, note: () => controller.abort('cancel') });
    await expect(waiting).rejects.toBe('cancel');
    letGo();
    await expectDownloaded(await first);
  });
});

test('links that lead nowhere are downloaded again', async () => {
  const snapshot = path.join(folder, 'models--timm--tiny.in1k', 'snapshots', commit);
  await mkdir(snapshot, { recursive: true });
  await symlink('../../blobs/gone', path.join(snapshot, 'model.safetensors'));
  await expectDownloaded(await fetchFile(`hf://timm/tiny.in1k@${commit}`));
});
