import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isBelow, OutsideRootsError, realpathWithin } from '../../src/files/roots.ts';

let scratch: string;
let root: string;
beforeEach(async () => {
  scratch = await mkdtemp(path.join(os.tmpdir(), 'roots-'));
  root = path.join(scratch, 'root');
  await mkdir(path.join(root, 'data'), { recursive: true });
  await mkdir(path.join(scratch, 'root-of-another'));
  await writeFile(path.join(scratch, 'secret'), '');
});
afterEach(() => rm(scratch, { recursive: true }));

const within = (roots: readonly string[] | null, file: string) => realpathWithin(roots, file, 'RUNGRAPH_DATA_ROOTS');

it('lets through the roots and what is below them', async () => {
  expect(await within([root], root)).toBe(root);
  expect(await within([root], `${root}/data/../data/`)).toBe(path.join(root, 'data'));
  expect(await within([scratch, root], path.join(scratch, 'secret'))).toBe(path.join(scratch, 'secret'));
  expect(await within(null, path.join(scratch, 'secret'))).toBe(path.join(scratch, 'secret'));
});

it('refuses what is outside, by whatever way, whether it is there or not', async () => {
  await symlink(path.join(scratch, 'secret'), path.join(root, 'link'));
  await symlink(scratch, path.join(root, 'up'));
  const outside = [
    ...[scratch, path.join(scratch, 'secret'), path.join(scratch, 'nothing'), '/', '/etc/passwd', '.'],
    ...[`${root}/..`, `${root}/data/../../secret`, `${root}-of-another`, `${root}/link`, `${root}/up/secret`],
  ];
  for (const file of outside) {
    const error: unknown = await within([root], file).catch((thrown: unknown) => thrown);
    expect(error, file).toBeInstanceOf(OutsideRootsError);
    expect((error as Error).message, file).toMatch(
      /is outside of the folders that may be named here \(.*\/root\); RUNGRAPH_DATA_ROOTS sets/,
    );
  }
  await expect(within([], root)).rejects.toThrow(/\(none\)/);
});

it('tells of what is missing inside as the file system does', async () => {
  await expect(within([root], path.join(root, 'nothing'))).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(within([path.join(scratch, 'no-root')], path.join(scratch, 'no-root/x'))).rejects.toMatchObject({
    code: 'ENOENT',
  });
});

it('takes a root that is a link, by both of its names', async () => {
  const link = path.join(scratch, 'link');
  await symlink(root, link);
  expect(await within([link], path.join(link, 'data'))).toBe(path.join(root, 'data'));
  expect(await within([link], path.join(root, 'data'))).toBe(path.join(root, 'data'));
});

it.each([
  ['/a', '/a', true],
  ['/a/b', '/a', true],
  ['/a/..b', '/a', true],
  ['/ab', '/a', false],
  ['/', '/a', false],
  ['/b', '/a', false],
])('%s below %s: %s', (file, folder, expected) => {
  expect(isBelow(file, folder)).toBe(expected);
});
