import { expect, test } from 'vitest';
import { ruleOf } from '../support/hubServer.ts';
import { content, expectDownloaded, fetchFile, hub, isThere, key, open, partial, refusal, useHub } from './client.ts';

test('a redirect is followed to a host that is allowed', async () => {
  const storage = await open({});
  await useHub({ [key]: content }, { storage });
  await expectDownloaded(await fetchFile(undefined, { hosts: [ruleOf(hub), ruleOf(storage)] }));
});

test('a redirect to any other host is refused by its name, and nothing is asked of it', async () => {
  const elsewhere = await open({});
  await useHub({ [key]: content }, { storage: elsewhere });
  const { message, retryable } = await refusal(fetchFile(undefined, { hosts: [ruleOf(hub)] }));
  expect(message).toContain(`${new URL(elsewhere.url).host} is not a host that may be asked`);
  expect(message).not.toContain('signature');
  expect(retryable).toBe(false);
  expect(elsewhere.seen).toEqual([]);
  expect(await isThere(partial())).toBe(false);
});

test('a redirect to an address of a private network is refused unless the host is named in full', async () => {
  const inside = await open({});
  await useHub({ [key]: content }, { storage: inside });
  const rules = [ruleOf(hub), { ...ruleOf(inside), mayBePrivate: false }];
  const { message } = await refusal(fetchFile(undefined, { hosts: rules }));
  expect(message).toContain('is no address of the public Internet');
  expect(inside.seen).toEqual([]);
});
