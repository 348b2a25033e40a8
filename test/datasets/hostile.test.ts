/** Every row of the table of odd inputs, in a folder and in uploaded archives: of a collection made here, and of one of others where it is. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ArchiveError } from '../../src/archives/errors.ts';
import { defaultArchiveLimits } from '../../src/archives/limits.ts';
import { unpackArchive } from '../../src/archives/unpack.ts';
import { type ImportedFolder, importFolder } from '../../src/datasets/importFolder.ts';
import type { ImportProblem } from '../../src/domain/dataset.ts';
import { decodeImage } from '../../src/vision/decode.ts';
import { paxPart, type TarPart, tarBytes, type ZipPart, zipBytes } from '../support/archiveFiles.ts';
import { writeOddFiles } from '../support/oddFiles.ts';
import { statedPolicies } from './statedPolicies.ts';

/** It lies beside some checkouts, and needs Python with Pillow to draw its images. */
const maker = fileURLToPath(new URL('../../../shared/data/hostile/make_hostile.py', import.meta.url));

/** Makes the collection in a folder; false where it cannot be had. */
const collections: readonly (readonly [string, (scratch: string) => Promise<boolean>])[] = [
  [
    'made here',
    async (scratch) => {
      await writeOddFiles(join(scratch, 'hostile'));
      return true;
    },
  ],
  [
    'of others',
    async (scratch) => {
      try {
        await mkdir(join(scratch, 'tools'));
        await copyFile(maker, join(scratch, 'tools/make_hostile.py'));
        await promisify(execFile)('/usr/bin/python3', [join(scratch, 'tools/make_hostile.py')]);
        return true;
      } catch (error) {
        console.log(`That collection cannot be made here, its tests are skipped: ${String(error).split('\n')[0]}`);
        return false;
      }
    },
  ],
];

describe.each(collections)('the collection %s', (_, make) => {
  let scratch: string;
  let root: string;
  let made: boolean;
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'hostile-'));
    root = join(scratch, 'hostile');
    made = await make(scratch);
  });
  afterAll(() => rm(scratch, { recursive: true }));

  /** Rows of the table below a folder, with what becomes of each. */
  const stated = (folder: string) => Object.entries(statedPolicies).filter(([path]) => path.startsWith(folder));

  /** Compares what an import tells with what is stated for the rows below `folder`. `at`: where that folder is in the data set. */
  function expectStated(
    { images, problems }: Pick<ImportedFolder, 'images' | 'problems'>,
    folder: string,
    at: string,
    more: readonly ImportProblem[] = [],
  ) {
    for (const [row, outcome] of stated(folder)) {
      const path = at + row.slice(folder.length);
      const told = [...more, ...problems].filter((problem) => problem.path === path);
      const lines = told.map(({ severity, reason }) => `${severity} ${reason}`);
      const refused = told.some(({ severity }) => severity !== 'WARNING');
      const taken = images.some((image) => image.path === path);
      if (outcome === 'quiet') expect([taken, lines], row).toEqual([false, []]);
      else if (outcome === 'taken') expect([taken, refused], row).toEqual([true, false]);
      else {
        expect(lines.filter((line) => new RegExp(outcome).test(line)).length, `${row}: ${lines}`).toBe(1);
        if (!path.endsWith('/')) expect(taken, row).toBe(!refused);
      }
    }
  }

  it('has no row for which nothing is stated, and what is stated is as expected there', async (context) => {
    const file = await readFile(join(root, 'expected.csv'), 'utf8').catch(() => undefined);
    if (file === undefined) return context.skip();
    const rows = parse(file, { columns: true }) as { path: string; expect: string }[];
    expect(rows.length).toBeGreaterThan(100);
    for (const { path, expect: verdict } of rows) {
      const outcome = statedPolicies[path];
      expect(outcome, path).toBeDefined();
      const words = String(outcome);
      const severity =
        words === 'taken' || words.includes('^WARNING')
          ? 'accept'
          : words === 'quiet' || words.includes('^SKIPPED')
            ? 'skip'
            : 'reject';
      if (verdict !== 'policy') expect([path, severity]).toEqual([path, verdict]);
    }
  });

  it('as a folder does what is stated', async (context) => {
    if (!made) return context.skip();
    // Two class folders of a data set in the plain shape, and one in the competition's.
    const plain = await importFolder(root);
    expectStated(plain, 'images/', 'images/');
    expectStated(plain, 'names/', 'names/');
    expectStated(await importFolder(join(root, 'layout')), 'layout/', '');
  });

  it('as a zip, a tar and a tar.gz does the same, but for links, which no archive may have', async (context) => {
    if (!made) return context.skip();
    const entries = await treeOf(root, ['images', 'names', 'layout']);
    const tar = tarBytes(entries.flatMap(tarPartsOf));
    const kinds: [string, Buffer][] = [
      ['zip', zipBytes(entries.map(zipPartOf))],
      ['tar', tar],
      ['tar.gz', gzipSync(tar)],
    ];
    const folders = [await importFolder(join(root, 'layout')), await importFolder(root)];
    for (const [kind, bytes] of kinds) {
      const { target, problems } = await unpack(kind, bytes);
      const layout = await importFolder(join(target, 'layout'));
      const plain = await importFolder(target);
      expect(layout.contentHash, kind).toBe(folders[0]!.contentHash);
      expectStated(plain, 'images/', 'images/');
      expectStated(plain, 'names/', 'names/');
      const links = problems.map(({ path, reason }) => `${path}: ${reason}`).sort();
      expect(links).toEqual(
        ['link-dangling.jpg', 'link-outside-abs.jpg', 'link-outside-rel.jpg', 'loop'].map(
          (name) => `layout/train_images/blast/${name}: is a link; links in archives are not followed`,
        ),
      );
      // Everything else is said as of the folder.
      const said = ({ problems: all }: ImportedFolder) =>
        all.filter(({ path }) => !/\/(link-[a-z-]+\.jpg|loop)$/.test(path));
      expect(said(layout)).toEqual(said(folders[0]!));
      await rm(target, { recursive: true });
    }
  });

  it('takes every train.csv for what it is', async (context) => {
    if (!made) return context.skip();
    const layout = join(root, 'layout');
    const usual = new Set((await importFolder(layout)).problems.map((problem) => JSON.stringify(problem)));
    for (const [row, outcome] of stated('csv/')) {
      await copyFile(join(root, row), join(layout, 'train.csv'));
      const { images, problems } = await importFolder(layout);
      const about = problems.filter((problem) => !usual.has(JSON.stringify(problem)));
      const lines = about.map(({ severity, path, reason }) => `${severity} ${path} ${reason}`);
      if (outcome === 'taken') expect(lines, row).toEqual([]);
      else expect(lines[0], row).toMatch(outcome);
      // Folders decide: nothing in a table adds an image or a class.
      expect(images.filter(({ split }) => split === 'TRAIN').length, row).toBe(23);
      expect(new Set(images.flatMap(({ label }) => label ?? [])).size, row).toBe(4);
    }
    await copyFile(join(root, 'csv/ok.csv'), join(layout, 'train.csv'));
  });

  it('has archives of which each is taken or refused as stated', async (context) => {
    if (!made) return context.skip();
    const before = await readdir(tmpdir());
    const hashes = new Map<string, string>();
    for (const [row, outcome] of stated('archives/')) {
      const target = join(scratch, 'unpacked', row);
      const result = await unpackArchive(join(root, row), target, { limits: defaultArchiveLimits }).catch(
        (error: unknown) => error,
      );
      if (result instanceof ArchiveError) {
        expect(`REFUSED ${result.message}`, row).toMatch(outcome);
        expect(await readdir(join(scratch, 'unpacked/archives')), row).not.toContain(row.slice('archives/'.length));
        continue;
      }
      const lines = (result as ImportProblem[]).map(({ severity, path, reason }) => `${severity} ${path} ${reason}`);
      if (outcome === 'taken') expect(lines, row).toEqual([]);
      else expect(lines[0], row).toMatch(outcome);
      const imported = await importFolder(target);
      expect(
        imported.problems.filter(({ severity }) => severity !== 'WARNING'),
        row,
      ).toEqual([]);
      expect(imported.images.length, row).toBe(2);
      hashes.set(row, imported.contentHash);
    }
    // The first of equal names, without leftovers, links and bombs: all the same two images.
    expect(hashes.size).toBe(6);
    expect(new Set(hashes.values()).size).toBe(1);
    const everywhere = [
      ...(await readdir(scratch, { recursive: true })),
      ...(await readdir(tmpdir())).filter((name) => !before.includes(name)),
    ];
    expect(everywhere.filter((name) => name.includes('escaped'))).toEqual([]);
  });

  it('leaves nothing behind and reaches nothing outside', async (context) => {
    if (!made) return context.skip();
    const secret = createHash('sha256')
      .update(await readFile(join(scratch, 'hostile-outside/secret.jpg')))
      .digest('hex');
    for (const folder of [root, join(root, 'layout')]) {
      const { images } = await importFolder(folder);
      expect(images.map(({ contentHash }) => contentHash)).not.toContain(secret);
    }
    const names = await readdir(scratch);
    expect(names.filter((name) => !['hostile', 'hostile-outside', 'tools', 'unpacked'].includes(name))).toEqual([]);
    expect(await readdir(process.cwd())).not.toContain('pwned');
  });

  async function unpack(kind: string, bytes: Buffer) {
    const archive = join(scratch, `archive.${kind}`);
    await writeFile(archive, bytes);
    const target = join(scratch, 'unpacked', kind);
    const problems = await unpackArchive(archive, target, { limits: defaultArchiveLimits });
    await rm(archive);
    return { target, problems };
  }
});

interface Entry {
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'link';
  readonly data: Buffer;
}

/** Everything below some folders, links as links. */
async function treeOf(root: string, folders: readonly string[]): Promise<Entry[]> {
  const found: Entry[] = [];
  for (const folder of folders) {
    for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name);
      const name = relative(root, file);
      if (entry.isSymbolicLink()) found.push({ name, kind: 'link', data: Buffer.from(await readlink(file)) });
      else if (entry.isDirectory()) found.push({ name, kind: 'folder', data: Buffer.alloc(0) });
      else found.push({ name, kind: 'file', data: await readFile(file) });
    }
  }
  return found;
}

function zipPartOf({ name, kind, data }: Entry): ZipPart {
  const modes = { file: 0o100644, folder: 0o040755, link: 0o120777 };
  return { name: kind === 'folder' ? `${name}/` : name, data, mode: modes[kind] };
}

function tarPartsOf({ name, kind, data }: Entry): TarPart[] {
  const part = { name: 'short', type: { file: '0', folder: '5', link: '2' }[kind] };
  const content = kind === 'link' ? { link: data.toString() } : { data };
  return [paxPart({ path: name }), { ...part, ...content }];
}

describe('odd but good images', () => {
  it('decode to the right colours and size', async (context) => {
    const scratch = await mkdtemp(join(tmpdir(), 'hostile-'));
    const made = await collections[1]![1](scratch);
    const decode = async (name: string) => decodeImage(await readFile(join(scratch, 'hostile/images', name)));
    const mean = (image: { data: Uint8Array }, channel: number) => {
      let sum = 0;
      for (let i = channel; i < image.data.length; i += 3) sum += image.data[i]!;
      return sum / (image.data.length / 3);
    };
    try {
      if (!made) return context.skip();
      expect(mean(await decode('gray16.png'), 0)).toBeCloseTo(153.6, 0);
      expect(mean(await decode('rgb16.png'), 1)).toBeCloseTo(171.6, 0);
      const gray = await decode('gray.jpg');
      expect(gray.data.length).toBe(gray.width * gray.height * 3);
      const cmyk = await decode('cmyk.jpg');
      expect(mean(cmyk, 1)).toBeGreaterThan(mean(cmyk, 0));
      const upright = await decode('exif-orientation-6.jpg');
      expect([upright.width, upright.height]).toEqual([320, 480]);
      const topLeft = upright.data.subarray(0, 3);
      expect(topLeft[0]).toBeGreaterThan(180);
      expect(topLeft[1]).toBeLessThan(80);
      const rgba = await decode('rgba.png');
      expect([...rgba.data.subarray(0, 3)]).toEqual([255, 255, 255]);
    } finally {
      await rm(scratch, { recursive: true });
    }
  });
});
