import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CheckProgress, comparePaths, importFolder } from '../../src/datasets/importFolder.ts';
import type { ImportProblem, ImportResult } from '../../src/domain/dataset.ts';
import { UserInputError } from '../../src/errors.ts';
import { jpegBytes, picture, writeFolder } from '../support/imageFiles.ts';

let scratch: string;
let root: string;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'import-'));
  root = join(scratch, 'data');
  await mkdir(root);
});
afterEach(() => rm(scratch, { recursive: true }));

/** A flawless data set in the competition's shape. */
const sound = {
  'train_images/rust/1.jpg': 1,
  'train_images/rust/2.jpg': 2,
  'train_images/blight/3.jpg': 3,
  'train_images/blight/4.jpg': 4,
  'test_images/8.jpg': 8,
  'test_images/9.jpg': 9,
  'train.csv': 'image_id,label,variety\n1.jpg,rust,A\n2.jpg,rust,A\n3.jpg,blight,B\n4.jpg,blight,B\n',
  'sample_submission.csv': 'image_id,label\n9.jpg,\n8.jpg,\n',
};

const problemsAt = (result: ImportResult, path: string): ImportProblem[] =>
  result.problems.filter((problem) => problem.path === path);

const refusal = async (promise: Promise<unknown>): Promise<string> => {
  const thrown = await promise.catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(UserInputError);
  const { problems, message } = thrown as UserInputError;
  expect(problems[0]!.path).toEqual(['path']);
  return message;
};

describe('a sound data set', () => {
  it('gives a sorted manifest with measured, hashed images, test in the order of the submission', async () => {
    await writeFolder(root, sound);
    const result = await importFolder(root);
    expect(result.problems).toEqual([]);
    expect(result.vocab).toEqual(['blight', 'rust']);
    expect(result.images.map(({ split, path, label, imageId }) => [split, path, label, imageId])).toEqual([
      ['TRAIN', 'train_images/blight/3.jpg', 'blight', '3.jpg'],
      ['TRAIN', 'train_images/blight/4.jpg', 'blight', '4.jpg'],
      ['TRAIN', 'train_images/rust/1.jpg', 'rust', '1.jpg'],
      ['TRAIN', 'train_images/rust/2.jpg', 'rust', '2.jpg'],
      ['TEST', 'test_images/9.jpg', null, '9.jpg'],
      ['TEST', 'test_images/8.jpg', null, '8.jpg'],
    ]);
    const bytes = await jpegBytes({ seed: 3 });
    expect(result.images[0]).toMatchObject({
      width: 48,
      height: 36,
      bytes: bytes.length,
      contentHash: createHash('sha256').update(bytes).digest('hex'),
    });
  });

  it('hashes to the same value wherever the same bytes lie, and to another when a label or a byte differs', async () => {
    await writeFolder(root, sound);
    const first = await importFolder(root);
    const moved = join(scratch, 'elsewhere');
    await rename(root, moved);
    expect((await importFolder(moved)).contentHash).toBe(first.contentHash);
    await rename(join(moved, 'train_images/rust'), join(moved, 'train_images/scab'));
    const relabelled = await importFolder(moved);
    await writeFolder(moved, { 'train_images/blight/4.jpg': 5 });
    const changed = await importFolder(moved);
    expect(new Set([first, relabelled, changed].map(({ contentHash }) => contentHash)).size).toBe(3);
  });

  it('takes plain class folders, with the class in the image id', async () => {
    await writeFolder(root, { 'rust/1.jpg': 1, 'rust/2.jpg': 2, 'blight/1.jpg': 3, 'blight/2.jpg': 4 });
    const result = await importFolder(root);
    expect(result.images.map(({ imageId }) => imageId)).toEqual([
      'blight/1.jpg',
      'blight/2.jpg',
      'rust/1.jpg',
      'rust/2.jpg',
    ]);
    expect(result.problems.map(({ path, severity }) => [path, severity])).toEqual([['test_images/', 'WARNING']]);
  });

  it('measures images upright', async () => {
    const turned = await picture({ width: 40, height: 20 }).jpeg().withMetadata({ orientation: 6 }).toBuffer();
    await writeFolder(root, { ...sound, 'train_images/rust/1.jpg': turned });
    const { images } = await importFolder(root);
    expect(images.find(({ imageId }) => imageId === '1.jpg')).toMatchObject({ width: 20, height: 40 });
  });

  it('reports progress up to the total', async () => {
    await writeFolder(root, { ...sound, 'train_images/rust/5.jpg': 'no image' });
    const seen: CheckProgress[] = [];
    await importFolder(root, { onProgress: (progress) => seen.push(progress) });
    expect(seen.map(({ done }) => done)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(seen.at(-1)).toMatchObject({ done: 7, total: 7, rejected: 1 });
    expect(seen.at(-1)!.bytes).toBeGreaterThan(6 * 500);
  });

  it('stops when the signal aborts', async () => {
    await writeFolder(root, sound);
    const controller = new AbortController();
    const reason = new Error('enough');
    const stopped = importFolder(root, { signal: controller.signal, onProgress: () => controller.abort(reason) });
    await expect(stopped).rejects.toBe(reason);
  });
});

describe('images that cannot be used', () => {
  it('are reported with path and reason while the import goes on', async () => {
    const good = await jpegBytes({ seed: 1, width: 200, height: 200 });
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>';
    await writeFolder(root, {
      ...sound,
      'train_images/rust/cut.jpg': good.subarray(0, good.length / 2),
      'train_images/rust/empty.jpg': '',
      'train_images/rust/text.jpg': 'no image',
      'train_images/rust/drawing.svg': svg,
      'train_images/rust/drawing.jpg': svg,
      'train_images/rust/notes.txt': 'notes',
      'train_images/rust/dot.png': await picture({ width: 1, height: 1 }).png().toBuffer(),
      'train_images/rust/huge.png': await picture({ width: 300, height: 300 }).png().toBuffer(),
      'test_images/bad.jpg': 'no image',
    });
    const result = await importFolder(root, { maxPixels: 50_000 });
    const of = (name: string) => problemsAt(result, name).map(({ severity, reason }) => `${severity}: ${reason}`);
    expect(of('train_images/rust/cut.jpg')[0]).toMatch(
      /^REJECTED: it cannot be decoded: the file is damaged or cut off$/,
    );
    expect(of('train_images/rust/empty.jpg')).toEqual(['REJECTED: the file is empty']);
    for (const name of ['text.jpg', 'drawing.svg', 'drawing.jpg']) {
      expect(of(`train_images/rust/${name}`)[0]).toMatch(/^REJECTED: not an image of a supported format/);
    }
    expect(of('train_images/rust/notes.txt')).toEqual(['SKIPPED: is not an image']);
    expect(of('train_images/rust/dot.png')[0]).toMatch(/^REJECTED: its size is 1x1/);
    expect(of('train_images/rust/huge.png')[0]).toMatch(/^REJECTED: its header claims 300x300/);
    expect(of('test_images/bad.jpg')[0]).toMatch(/^REJECTED/);
    expect(result.images.length).toBe(6);
  });

  it('takes every supported format by content, whatever the name, and says when only a first frame is used', async () => {
    const frames = sharp(await Promise.all([1, 2].map((seed) => picture({ seed }).png().toBuffer())), {
      join: { animated: true },
    });
    await writeFolder(root, {
      ...sound,
      'train_images/rust/png.jpg': await picture({ seed: 11 }).png().toBuffer(),
      'train_images/rust/webp': await picture({ seed: 12 }).webp().toBuffer(),
      'train_images/rust/t.tif': await picture({ seed: 13 }).tiff().toBuffer(),
      'train_images/rust/moving.gif': await frames.gif().toBuffer(),
    });
    const result = await importFolder(root);
    expect(result.images.filter(({ label }) => label === 'rust').length).toBe(6);
    expect(problemsAt(result, 'train_images/rust/moving.gif')[0]).toMatchObject({
      severity: 'WARNING',
      reason: 'has 2 frames or pages; only the first is used',
    });
    expect(result.images.find(({ imageId }) => imageId === 'moving.gif')).toMatchObject({ width: 48, height: 36 });
  });

  it('never follows a link out of the folder, to a folder or to nothing', async () => {
    await writeFolder(scratch, { 'outside/secret.jpg': 66, 'outside/label.csv': 'image_id,label\n' });
    const { 'train.csv': _, ...files } = sound;
    await writeFolder(root, files);
    const links = {
      'train_images/rust/out.jpg': '../../../outside/secret.jpg',
      'train_images/rust/outdir': '../../../outside',
      'train_images/rust/loop': '..',
      'train_images/rust/nothing.jpg': 'missing.jpg',
      'train_images/escape': '../../outside',
      'train.csv': '../outside/label.csv',
    };
    for (const [at, target] of Object.entries(links)) await symlink(target, join(root, at));
    await symlink('1.jpg', join(root, 'train_images/rust/inside.jpg'));
    const result = await importFolder(root);
    for (const at of Object.keys(links)) expect(problemsAt(result, at)[0]?.severity, at).toBe('REJECTED');
    const hash = createHash('sha256')
      .update(await jpegBytes({ seed: 66 }))
      .digest('hex');
    expect(result.images.map(({ contentHash }) => contentHash)).not.toContain(hash);
    expect(result.images.map(({ imageId }) => imageId)).toContain('inside.jpg');
    expect(result.vocab).toEqual(['blight', 'rust']);
  });

  it('skips dot files and folders below a class, leftovers of operating systems without a word', async () => {
    await writeFolder(root, {
      ...sound,
      'train_images/rust/.hidden.jpg': 20,
      'train_images/rust/deeper/21.jpg': 21,
      'train_images/stray.jpg': 22,
      'train_images/rust/Thumbs.db': 'junk',
      'train_images/.DS_Store': 'junk',
      'train_images/__MACOSX/._1.jpg': 'junk',
    });
    const result = await importFolder(root);
    expect(result.problems.map(({ path, severity }) => [path, severity])).toEqual([
      ['train_images/rust/.hidden.jpg', 'SKIPPED'],
      ['train_images/rust/deeper/', 'SKIPPED'],
      ['train_images/stray.jpg', 'SKIPPED'],
    ]);
    expect(result.images.length).toBe(6);
  });
});

describe('train.csv', () => {
  const importWith = async (csv: string | Uint8Array) => {
    await writeFolder(root, { ...sound, 'train.csv': csv });
    return importFolder(root);
  };
  const rows = '1.jpg,rust\n2.jpg,rust\n3.jpg,blight\n4.jpg,blight\n';

  it('that disagrees is reported with its line and both labels; the folder decides', async () => {
    const result = await importWith('image_id,label\n1.jpg,blight\n2.jpg,rsut\n3.jpg,blight\n4.jpg,blight\n');
    expect(result.problems).toEqual([
      {
        path: 'train.csv:2',
        severity: 'WARNING',
        reason: 'gives "1.jpg" the label "blight", but it lies in the folder of "rust"; the folder decides',
      },
      {
        path: 'train.csv:3',
        severity: 'WARNING',
        reason:
          'gives "2.jpg" the label "rsut" (no class folder has that name), but it lies in the folder of "rust"; the folder decides',
      },
    ]);
    expect(result.images.filter(({ label }) => label === 'rust').map(({ imageId }) => imageId)).toEqual([
      '1.jpg',
      '2.jpg',
    ]);
  });

  it('reports rows without image, images without row, repeated and contradicting rows', async () => {
    const result = await importWith(
      'image_id,label\n1.jpg,rust\n1.jpg,rust\n3.jpg,blight\n3.jpg,rust\n7.jpg,rust\n2.jpg,rust\n',
    );
    expect(result.problems.map(({ path, severity }) => [path, severity])).toEqual([
      ['train.csv:3', 'WARNING'],
      ['train.csv:5', 'REJECTED'],
      ['train.csv:6', 'WARNING'],
      ['train_images/blight/4.jpg', 'WARNING'],
    ]);
    expect(problemsAt(result, 'train.csv:5')[0]!.reason).toMatch(/"rust", but line 4 says "blight"/);
  });

  it('keeps line numbers over quoted line breaks and blank lines', async () => {
    const result = await importWith(
      `image_id,label,note\n\n1.jpg,rust,"two\nlines"\n2.jpg,blight,x\n3.jpg,blight,\n4.jpg,blight,\n`,
    );
    expect(result.problems.map(({ path }) => path)).toEqual(['train.csv:5']);
  });

  it.each([
    ['a byte order mark and CRLF', `\ufeffimage_id,label\r\n${rows.replaceAll('\n', '\r\n')}`],
    ['CR alone', `image_id,label\n${rows}`.replaceAll('\n', '\r')],
    ['other case and spaces', `Image_ID, Label \n${rows.replaceAll(',', ' , ')}`],
    ['no line end at the end', `image_id,label\n${rows.trimEnd()}`],
  ])('is read with %s', async (_, csv) => {
    expect((await importWith(csv)).problems).toEqual([]);
  });

  it.each<[string, string | Uint8Array, RegExp]>([
    ['no header', rows, /no column image_id, label/],
    ['semicolons', `image_id;label\n${rows.replaceAll(',', ';')}`, /no column image_id, label/],
    ['no rows', 'image_id,label\n', /has no rows/],
    ['nothing', '', /is empty/],
    ['UTF-16', Buffer.from(`\ufeffimage_id,label\n${rows}`, 'utf16le'), /not UTF-8/],
    [
      'an open quote',
      `image_id,label\n${rows}"9.jpg,rust\n${rows}`,
      /not valid CSV: a quote is never closed \(line 6\)/,
    ],
    [
      'a giant field',
      `image_id,label\n${'x'.repeat(1_000_000)},rust\n${rows}`,
      /longer than 65536 characters \(line 2\)/,
    ],
  ])('with %s is refused as a whole, and the folders alone count', async (_, csv, reason) => {
    const result = await importWith(csv);
    expect(result.problems).toHaveLength(1);
    expect(result.problems[0]).toMatchObject({ path: 'train.csv', severity: 'REJECTED' });
    expect(result.problems[0]!.reason).toMatch(reason);
    expect(result.problems[0]!.reason.length).toBeLessThan(400);
    expect(result.images.length).toBe(6);
  });

  it('refuses single rows that are ragged, empty, paths or hold NUL, naming the line', async () => {
    const result = await importWith(
      `image_id,label\n${rows}9.jpg\n9.jpg,rust,more\n9.jpg,\n,rust\n../9.jpg,rust\n9.jpg,../x\n9\0.jpg,rust\n`,
    );
    expect(result.problems.map(({ path, severity }) => `${severity} ${path}`).sort()).toEqual([
      'REJECTED train.csv:10',
      'REJECTED train.csv:11',
      'REJECTED train.csv:12',
      'REJECTED train.csv:6',
      'REJECTED train.csv:7',
      'REJECTED train.csv:8',
      'REJECTED train.csv:9',
    ]);
    expect(result.problems.some(({ reason }) => reason.includes('\0'))).toBe(false);
  });
});

describe('sample_submission.csv', () => {
  it('reports rows without an image and leaves out images without a row', async () => {
    await writeFolder(root, {
      ...sound,
      'test_images/7.jpg': 7,
      'sample_submission.csv': 'image_id,label\n9.jpg,\n6.jpg,\n9.jpg,\n8.jpg,\n',
    });
    const result = await importFolder(root);
    expect(result.images.filter(({ split }) => split === 'TEST').map(({ imageId }) => imageId)).toEqual([
      '9.jpg',
      '8.jpg',
    ]);
    expect(result.problems.map(({ path, severity }) => [path, severity])).toEqual([
      ['sample_submission.csv:3', 'REJECTED'],
      ['sample_submission.csv:4', 'REJECTED'],
      ['test_images/7.jpg', 'SKIPPED'],
    ]);
  });

  it('without it, or with an unreadable one, test images come by name', async () => {
    const { 'sample_submission.csv': _, ...files } = sound;
    await writeFolder(root, files);
    expect((await importFolder(root)).images.slice(-2).map(({ imageId }) => imageId)).toEqual(['8.jpg', '9.jpg']);
    await writeFile(join(root, 'sample_submission.csv'), '9.jpg\n8.jpg\n');
    const result = await importFolder(root);
    expect(result.images.slice(-2).map(({ imageId }) => imageId)).toEqual(['8.jpg', '9.jpg']);
    expect(result.problems.map(({ path, severity }) => [path, severity])).toEqual([
      ['sample_submission.csv', 'REJECTED'],
    ]);
  });
});

describe('faults of the whole', () => {
  it('refuses a missing folder, a file, a folder without classes, classes without a usable image', async () => {
    expect(await refusal(importFolder(join(root, 'gone')))).toMatch(/there is no folder .*gone/);
    await writeFile(join(scratch, 'file'), '');
    expect(await refusal(importFolder(join(scratch, 'file')))).toMatch(/file is not a folder/);
    expect(await refusal(importFolder(root))).toMatch(/has no class folders; put/);
    await symlink(scratch, join(root, 'train_images'));
    expect(await refusal(importFolder(root))).toMatch(/no class folders \(train_images links to a folder/);
    await rm(join(root, 'train_images'));
    await mkdir(join(root, 'train_images'));
    expect(await refusal(importFolder(root))).toMatch(/has no class folders in train_images/);
    await writeFolder(root, { 'train_images/rust/1.jpg': 'no image' });
    expect(await refusal(importFolder(root))).toMatch(/no usable image .*train_images\/rust\/1\.jpg: not an image/);
  });

  it('warns of a class with one image, a class with none and an empty test set, and says what to do', async () => {
    const { 'test_images/8.jpg': _8, 'test_images/9.jpg': _9, 'sample_submission.csv': _, ...files } = sound;
    await writeFolder(root, {
      ...files,
      'train_images/scab/30.jpg': 30,
      'train_images/smut/31.jpg': 'no image',
      'train.csv': `${sound['train.csv']}30.jpg,scab,C\n`,
    });
    const result = await importFolder(root);
    expect(problemsAt(result, 'train_images/scab/')[0]!.reason).toMatch(
      /single usable image: .*add images, or train without/,
    );
    expect(problemsAt(result, 'train_images/smut/')[0]!.reason).toMatch(/no such class/);
    expect(problemsAt(result, 'test_images/')[0]!.reason).toMatch(/no submission can be written/);
    expect(result.vocab).toEqual(['blight', 'rust', 'scab']);
  });

  it('reports copies, contradictory copies and leaks into the test set', async () => {
    await writeFolder(root, {
      ...sound,
      'train_images/blight/4.jpg': 3,
      'train_images/rust/1.jpg': 3,
      'test_images/8.jpg': 2,
    });
    const result = await importFolder(root);
    expect(problemsAt(result, 'train_images/blight/4.jpg')[0]!.reason).toMatch(/same bytes as .*3\.jpg: a copy/);
    expect(problemsAt(result, 'train_images/rust/1.jpg')[0]!.reason).toMatch(/label "rust" instead of "blight"/);
    expect(problemsAt(result, 'test_images/8.jpg')[0]!.reason).toMatch(/also in training/);
  });

  it('gives images of one name in two classes different ids', async () => {
    await writeFolder(root, { ...sound, 'train_images/rust/3.jpg': 40 });
    const result = await importFolder(root);
    const ids = result.images.map(({ imageId }) => imageId);
    expect(ids).toContain('3.jpg');
    expect(ids).toContain('rust/3.jpg');
    expect(problemsAt(result, 'train_images/rust/3.jpg')[0]!.reason).toMatch(/name of train_images\/blight\/3\.jpg/);
  });
});

it('orders paths by component and code point', () => {
  const sorted = ['b', 'a/z', 'a-b/c', 'a/b/c', 'B', 'a/b', 'a/😀', 'a/｡'].sort(comparePaths);
  expect(sorted).toEqual(['B', 'a/b', 'a/b/c', 'a/z', 'a/｡', 'a/😀', 'a-b/c', 'b']);
});
