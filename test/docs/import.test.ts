import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { statedPolicies } from '../datasets/statedPolicies.ts';

it('docs/import.md names every odd input for which something is stated', async () => {
  const page = await readFile(new URL('../../docs/import.md', import.meta.url), 'utf8');
  const name = (path: string) =>
    path
      .split('/')
      .slice(path.startsWith('layout/') || path.includes('__MACOSX') ? -1 : 1)
      .join('/');
  const missing = Object.keys(statedPolicies).filter((path) => !page.includes(name(path)) && !path.includes('aaaa'));
  expect(missing).toEqual([]);
});
