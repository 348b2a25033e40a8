import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importFolder } from '../../src/datasets/importFolder.ts';
import type { ImportResult } from '../../src/domain/dataset.ts';
import { decodeImage } from '../../src/vision/decode.ts';

/** A collection of hostile inputs that lies beside some checkouts; it needs Python with Pillow to draw its images. */
const maker = fileURLToPath(new URL('../../../shared/data/hostile/make_hostile.py', import.meta.url));
const run = promisify(execFile);

interface Expected {
  readonly path: string;
  readonly expect: 'accept' | 'reject' | 'skip' | 'policy';
}

let scratch: string;
let expected: Expected[] | undefined;
let result: ImportResult;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'hostile-'));
  try {
    await mkdir(join(scratch, 'tools'));
    await copyFile(maker, join(scratch, 'tools/make_hostile.py'));
    await run('/usr/bin/python3', [join(scratch, 'tools/make_hostile.py')]);
  } catch (error) {
    console.log(`The hostile collection cannot be made here, its tests are skipped: ${String(error).split('\n')[0]}`);
    return;
  }
  expected = parse(await readFile(join(scratch, 'hostile/expected.csv')), { columns: true }) as Expected[];
  // `images/` and `names/` are two class folders of a data set in the plain shape.
  result = await importFolder(join(scratch, 'hostile'));
});
afterAll(() => rm(scratch, { recursive: true }));

const table = (folder: string) => expected!.filter(({ path }) => path.startsWith(folder));
const accepted = (path: string) => result.images.some((image) => image.path === path);
const refused = (path: string) =>
  result.problems.some((problem) => problem.path === path && problem.severity !== 'WARNING' && problem.reason);

describe('hostile collection', () => {
  it('accepts what is an image and names what it refuses', (context) => {
    if (!expected) return context.skip();
    const rows = [...table('images/'), ...table('names/')];
    expect(rows.length).toBeGreaterThan(40);
    const quiet = /Thumbs\.db|\.DS_Store|__MACOSX/;
    const wrong = rows.filter((row) => {
      if (quiet.test(row.path)) return accepted(row.path) || refused(row.path);
      const taken = accepted(row.path);
      const named = Boolean(refused(row.path));
      if (taken === named) return true;
      return row.expect === 'accept' ? !taken : row.expect === 'policy' ? false : taken;
    });
    expect(wrong).toEqual([]);
  });

  it('leaves nothing behind and reaches nothing outside', async (context) => {
    if (!expected) return context.skip();
    expect((await readdir(scratch)).sort()).toEqual(['hostile', 'hostile-outside', 'tools']);
    const layout = await importFolder(join(scratch, 'hostile/layout'));
    const links = table('layout/').filter(({ path, expect: e }) => e === 'reject' && path.includes('/blast/'));
    expect(links.length).toBe(4);
    for (const { path } of links) {
      const problem = layout.problems.find((p) => `layout/${p.path}` === path);
      expect(problem, path).toMatchObject({ severity: 'REJECTED' });
    }
  });

  it('takes every train.csv for what it is: silent about a good one, naming what it refuses of a bad one', async (context) => {
    if (!expected) return context.skip();
    const layout = join(scratch, 'hostile/layout');
    const rows = table('csv/');
    expect(rows.length).toBeGreaterThan(30);
    for (const { path, expect: verdict } of rows) {
      await copyFile(join(scratch, 'hostile', path), join(layout, 'train.csv'));
      const { images, problems } = await importFolder(layout);
      const about = problems.filter((problem) => problem.path.startsWith('train.csv'));
      if (verdict === 'accept') expect(about, path).toEqual([]);
      if (verdict === 'reject') expect(about, path).toContainEqual(expect.objectContaining({ severity: 'REJECTED' }));
      // Folders decide: nothing in a table adds an image or a class.
      expect(images.filter(({ split }) => split === 'TRAIN').length, path).toBe(23);
      expect(new Set(images.flatMap(({ label }) => label ?? [])).size, path).toBe(4);
    }
  });

  it('decodes odd but good images to the right colours and size', async (context) => {
    if (!expected) return context.skip();
    const decode = async (name: string) => decodeImage(await readFile(join(scratch, 'hostile/images', name)));
    const mean = (image: { data: Uint8Array }, channel: number) => {
      let sum = 0;
      for (let i = channel; i < image.data.length; i += 3) sum += image.data[i]!;
      return sum / (image.data.length / 3);
    };
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
  });
});
