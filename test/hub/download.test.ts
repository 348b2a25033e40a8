/** Downloads that break off, or that must be refused. */

import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../support/hubServer.ts';
import {
  blobs,
  content,
  cut,
  etag,
  expectDownloaded,
  fetchFile,
  folder,
  hub,
  isThere,
  lock,
  partialOf,
  pauses,
  refusal,
  stopHub,
  timing,
} from './client.ts';

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
    await expectDownloaded(await fetchFile(undefined, { timing: { ...timing, idleMilliseconds: 2_000 } }));
    expect(hub.methods()).toBe('HEAD GET GET');
  });

  test('after errors that pass, with longer and longer pauses', async () => {
    hub.faults.HEAD.push({ kind: 'status', status: 503 }, { kind: 'status', status: 500 });
    hub.faults.GET.push({ kind: 'status', status: 429, headers: { 'retry-after': '7' } });
    const notes: string[] = [];
    await expectDownloaded(await fetchFile(undefined, {}, { note: (line) => notes.push(line) }));
    expect(pauses).toEqual([1000, 2000, 7000]);
    const failed = notes.filter((line) => line.includes('trying again'));
    expect(failed).toHaveLength(3);
    expect(failed[2]).toBe(
      `model.safetensors of timm/tiny.in1k (${hub.url}): the server answers 429; trying again in 7 s`,
    );
  });

  test('with the new content when the file changed meanwhile', async () => {
    const old = sha256(Buffer.from('old'));
    hub.faults.HEAD.push({ kind: 'headers', headers: { etag: `"${old}"` } });
    await mkdir(blobs(), { recursive: true });
    await writeFile(partialOf(old), 'half of the old content');
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
  test('by the name of the file when the hub cannot be reached', async () => {
    await stopHub();
    const { message, retryable } = await refusal(fetchFile());
    const { host } = new URL(hub.url);
    expect(message).toMatch(
      `model.safetensors of timm/tiny.in1k (${hub.url}) cannot be fetched: ${host}: connect ECONNREFUSED`,
    );
    expect(retryable).toBe(true);
  });

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
    [{ status: 401 }, /there is no such repository, if it is private, set HF_TOKEN or log in with huggingface-cli/],
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
