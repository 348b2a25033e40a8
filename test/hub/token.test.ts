/** The token of the hub. */

import { mkdir, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { content, cut, expectDownloaded, fetchFile, hub, key, open, refusal, tokenFile, useHub } from './client.ts';

describe('the token', () => {
  const token = 'hf_secret';

  test('goes to the endpoint only, not to where it redirects', async () => {
    const storage = await open({});
    await useHub({ [key]: content }, { storage, token });
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
    await useHub({ [key]: content }, { token });
    const { message } = await refusal(fetchFile(undefined, { token: 'hf_wrong' }));
    expect(message).toMatch(/your access token \(HF_TOKEN, or that of huggingface-cli\) is wrong or has no access/);
    expect(message).not.toContain('hf_');
  });

  test('that is saved in a file is used where none is given, from the next request on', async () => {
    await useHub({ [key]: content }, { token });
    expect((await refusal(fetchFile())).message).toMatch(/set HF_TOKEN or log in/);
    await writeFile(tokenFile(), `${token}\n`);
    expect((await refusal(fetchFile(undefined, { token: 'hf_other' }))).message).toMatch(/is wrong or has no access/);
    await expectDownloaded(await fetchFile());
    expect(hub.seen.at(-1)!.headers.authorization).toBe(`Bearer ${token}`);
  });

  test.each([
    ['two words', (file: string) => writeFile(file, 'hf_secret hf_other')],
    ['a folder', (file: string) => mkdir(file)],
  ])('in a file that holds %s is refused with its name, without being shown', async (_, make) => {
    await make(tokenFile());
    const { message, retryable } = await refusal(fetchFile());
    expect(message).toContain(tokenFile());
    expect(message).toMatch(/log in again with huggingface-cli, set HF_TOKEN/);
    expect(message).not.toContain('hf_');
    expect(retryable).toBe(false);
    expect(hub.seen).toEqual([]);
  });

  test('and signatures of redirects do not stand in messages', async () => {
    const storage = await open({});
    await useHub({ [key]: content }, { storage });
    storage.faults.GET.push(...Array.from({ length: 5 }, () => ({ kind: 'cut', after: 0 }) as const));
    const { message } = await refusal(fetchFile());
    expect(message).toContain(new URL(storage.url).host);
    expect(message).not.toContain('secret');
  });
});
