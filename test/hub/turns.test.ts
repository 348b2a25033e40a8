/** Several who want the same file, and cancels. */

import { lstat } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { spawnTypeScript } from '../support/processes.ts';
import { expectDownloaded, fetchFile, folder, hub, isThere, lock, partial } from './client.ts';

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
    await expect.poll(async () => (await lstat(partial())).size).toBe(100_000);
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
