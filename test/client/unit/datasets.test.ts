import { describe, expect, test } from 'vitest';
import { columnsIn, gap, moveTo } from '../../../client/src/pages/datasets/galleryGrid.ts';
import {
  type ImportForm,
  parseImportForm,
  placeProblems,
  suggestName,
} from '../../../client/src/pages/datasets/importForm.ts';
import { describeProgress } from '../../../client/src/pages/datasets/importProgress.ts';
import { imagesLink, problemsLink } from '../../../client/src/pages/datasets/links.ts';
import { filterProblems, groupByFile, placeOf, rowsOf } from '../../../client/src/pages/datasets/problems.ts';
import { perImage, summarizeSizes } from '../../../client/src/pages/datasets/sizes.ts';
import { pace, remember } from '../../../client/src/pages/datasets/upload.ts';

describe('the form of an import', () => {
  const form: ImportForm = { source: 'path', name: 'paddy', path: '/data', holdOut: false, share: '', seed: '' };

  test('gives what is sent; the hold-out only where it is asked for', () => {
    expect(parseImportForm(form, null)).toEqual({
      facts: { name: 'paddy', holdoutFraction: null, holdoutSeed: null },
    });
    expect(parseImportForm({ ...form, holdOut: true, share: '12.3', seed: '7' }, null)).toEqual({
      facts: { name: 'paddy', holdoutFraction: 0.123, holdoutSeed: 7 },
    });
    expect(parseImportForm({ ...form, holdOut: true, share: '0,7', seed: '0' }, null)).toMatchObject({
      facts: { holdoutFraction: 0.007 },
    });
    expect(parseImportForm({ ...form, source: 'upload', path: '' }, { name: 'a.zip', size: 1 })).toHaveProperty(
      'facts',
    );
  });

  test('says everything that is wrong, each at its field', () => {
    const wrong = { ...form, name: ' ', path: '  ', holdOut: true, share: '100', seed: '2147483648' };
    expect(Object.keys((parseImportForm(wrong, null) as { problems: object }).problems)).toEqual([
      ...['path', 'name', 'share', 'seed'],
    ]);
    for (const share of ['', '0', '-1', 'x', 'Infinity']) {
      expect(parseImportForm({ ...form, holdOut: true, share, seed: '0' }, null)).toHaveProperty('problems.share');
    }
    for (const seed of ['', '-1', '1.5', 'x']) {
      expect(parseImportForm({ ...form, holdOut: true, share: '20', seed }, null)).toHaveProperty('problems.seed');
    }
    const upload = { ...form, source: 'upload' as const };
    expect(parseImportForm(upload, null)).toHaveProperty('problems.file');
    expect(parseImportForm(upload, { name: 'a.zip', size: 0 })).toEqual({
      problems: { file: 'a.zip is empty (0 B).' },
    });
  });

  test('has a place for every refusal of the server', () => {
    expect(
      placeProblems([
        { message: 'must be more than 0', path: ['holdoutFraction'] },
        { message: 'there is no upload upl_1', path: ['uploadId'] },
        { message: 'too long', path: ['name'] },
        { message: 'Taken!', path: ['name'] },
        { message: 'the disk is full', path: [] },
      ]),
    ).toEqual({
      share: 'Must be more than 0.',
      file: 'There is no upload upl_1.',
      name: 'Too long. Taken!',
      form: 'The disk is full.',
    });
  });

  test.each([
    ['paddy.zip', 'paddy'],
    ['paddy.tar.gz', 'paddy'],
    [String.raw`C:\photos\My Set.TGZ`, 'My Set'],
    ['/data/paddy/', 'paddy'],
    ['/data/v1.2', 'v1.2'],
    ['', ''],
  ])('suggests a name for %s', (file, name) => expect(suggestName(file)).toBe(name));
});

describe('an upload', () => {
  test('has a pace once it has gone on for half a second, that of the last seconds', () => {
    expect(pace([], 100)).toEqual({ rate: null, left: null });
    expect(
      pace(
        [
          { at: 0, sent: 0 },
          { at: 499, sent: 50 },
        ],
        100,
      ),
    ).toEqual({ rate: null, left: null });
    expect(
      pace(
        [
          { at: 0, sent: 0 },
          { at: 1000, sent: 40 },
        ],
        100,
      ),
    ).toEqual({ rate: 40, left: 1.5 });
    expect(
      pace(
        [
          { at: 0, sent: 40 },
          { at: 1000, sent: 40 },
        ],
        100,
      ),
    ).toEqual({ rate: null, left: null });
    let marks = [{ at: 0, sent: 0 }] as Parameters<typeof remember>[0];
    for (let at = 1000; at <= 20_000; at += 1000) marks = remember(marks, { at, sent: at < 10_000 ? at : 10 * at });
    expect(marks.length).toBeLessThanOrEqual(6);
    expect(pace(marks, 10 * 20_000)).toEqual({ rate: 10_000, left: 0 });
  });
});

describe('the progress of an import', () => {
  const progress = { attempt: 1, done: 30, rejected: 0, bytes: 2 ** 20 };

  test('is unknown before a worker has begun', () => {
    expect(describeProgress(null)).toMatchObject({ title: 'Waits for a worker', share: null });
  });

  test('counts bytes while unpacking, images while checking', () => {
    expect(describeProgress({ ...progress, phase: 'UNPACKING', total: null, bytesTotal: 2 ** 22 })).toEqual({
      title: 'Unpacking',
      share: 0.25,
      detail: '1.00 MiB of 4.00 MiB · 30 files',
    });
    expect(
      describeProgress({ ...progress, phase: 'CHECKING', total: 1200, bytesTotal: null, rejected: 2, attempt: 3 }),
    ).toEqual({
      title: 'Checking images',
      share: 0.025,
      detail: '30 of 1,200 · 1.00 MiB · 2 refused so far · try 3: an earlier worker was lost',
    });
  });

  test('never divides by nothing', () => {
    for (const total of [0, null]) {
      expect(describeProgress({ ...progress, phase: 'CHECKING', total, done: 0, bytesTotal: null })).toEqual({
        ...{ title: 'Checking images', share: null, detail: '0 · 1.00 MiB' },
      });
    }
  });
});

describe('import problems', () => {
  const problem = (path: string, severity: 'REJECTED' | 'WARNING' = 'WARNING', reason = 'is odd') => ({
    ...{ path, severity, reason },
  });

  test('of tables know their line; other names with colons are whole', () => {
    expect(placeOf('train.csv:17')).toEqual({ file: 'train.csv', line: 17 });
    expect(placeOf('a:b/c.csv')).toEqual({ file: 'a:b/c.csv', line: null });
    expect(placeOf('photo:17')).toEqual({ file: 'photo:17', line: null });
    expect(placeOf('odd\nname.csv:3')).toEqual({ file: 'odd\nname.csv', line: 3 });
  });

  test('are grouped by file in the order found, also of files with names of objects', () => {
    const problems = ['train.csv:9', '__proto__', 'train.csv:2', 'constructor', '__proto__'].map((path) =>
      problem(path),
    );
    expect(groupByFile(problems).map(({ file, problems: own }) => [file, own.length])).toEqual([
      ...[
        ['train.csv', 2],
        ['__proto__', 2],
        ['constructor', 1],
      ],
    ]);
  });

  test('are found by path or reason, and by severity', () => {
    const problems = [problem('A.jpg', 'REJECTED'), problem('b.jpg', 'WARNING', 'has the name of a.JPG'), problem('c')];
    expect(filterProblems(problems, { search: ' a.jpg', severity: null })).toHaveLength(2);
    expect(filterProblems(problems, { search: 'a.jpg', severity: 'REJECTED' })).toEqual([problems[0]]);
    expect(filterProblems(problems, { search: '', severity: null })).toBe(problems);
    expect(filterProblems(problems, { search: '.*', severity: null })).toEqual([]);
  });

  test('of a file with many are closed until they are opened', () => {
    const many = Array.from({ length: 6000 }, (_, line) => problem(`train.csv:${line}`));
    const groups = groupByFile([...many, problem('x'), problem('y'), problem('y')]);
    const kinds = (turned: string[]) => rowsOf(groups, new Set(turned)).map(({ kind }) => kind);
    expect(kinds([])).toEqual(['file', 'single', 'file', 'part', 'part']);
    expect(kinds(['y'])).toEqual(['file', 'single', 'file']);
    expect(kinds(['train.csv'])).toHaveLength(6005);
    const keys = rowsOf(groups, new Set(['train.csv'])).map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('image sizes', () => {
  const sizes = [
    { width: 640, height: 480, count: 3 },
    { width: 480, height: 640, count: 2 },
    { width: 20, height: 20, count: 1 },
  ];

  test('are summed up', () => {
    expect(summarizeSizes(sizes)).toEqual({
      ...{ images: 6, distinct: 3, landscape: 3, portrait: 2, square: 1 },
      ...{ width: [20, 640], height: [20, 640] },
    });
    expect(summarizeSizes([])).toBeNull();
  });

  test('count once per image in histograms', () => {
    expect(perImage(sizes, 'width')).toEqual([640, 640, 640, 480, 480, 20]);
  });
});

describe('the gallery', () => {
  test('has as many columns as have room, at least one', () => {
    expect(columnsIn(0, 132)).toBe(1);
    expect(columnsIn(132, 132)).toBe(1);
    expect(columnsIn(2 * 132 + gap, 132)).toBe(2);
    expect(columnsIn(2 * 132 + gap - 1, 132)).toBe(1);
  });

  test('is gone through by keys, and never left by them', () => {
    const at = 6;
    expect(['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'].map((key) => moveTo(key, at, 20, 5))).toEqual([
      ...[5, 7, 1, 11],
    ]);
    expect(moveTo('Home', at, 20, 5)).toBe(0);
    expect(moveTo('End', at, 20, 5)).toBe(19);
    expect(moveTo('PageUp', at, 20, 5)).toBe(1);
    expect(moveTo('PageDown', at, 20, 5)).toBe(19);
    expect(moveTo('ArrowUp', 2, 20, 5)).toBeNull();
    expect(moveTo('ArrowLeft', 0, 20, 5)).toBeNull();
    expect(moveTo('ArrowDown', 17, 20, 5)).toBeNull();
    expect(moveTo('Tab', at, 20, 5)).toBeNull();
  });

  test('of a class is a link, whatever the class is called', () => {
    const url = new URL(imagesLink('ds_1', 'HOLDOUT', 'a&b=<c> #?'), 'http://x');
    expect(url.pathname).toBe('/datasets/ds_1');
    expect(Object.fromEntries(url.searchParams)).toEqual({ view: 'images', split: 'HOLDOUT', label: 'a&b=<c> #?' });
    expect(imagesLink('ds_1', 'TRAIN')).toBe('/datasets/ds_1?view=images');
    expect(problemsLink('ds_1')).toBe('/datasets/ds_1?view=problems');
  });
});
