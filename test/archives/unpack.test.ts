import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, mkdtemp, open, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ArchiveError } from '../../src/archives/errors.ts';
import { type ArchiveLimits, defaultArchiveLimits } from '../../src/archives/limits.ts';
import { type UnpackProgress, unpackArchive } from '../../src/archives/unpack.ts';
import { paxPart, type TarPart, tarBlocks, tarBytes, type ZipPart, zipBytes } from '../support/archiveFiles.ts';
import { spawnTypeScript } from '../support/processes.ts';

let scratch: string;
beforeEach(async () => {
  scratch = await mkdtemp(path.join(os.tmpdir(), 'unpack-'));
});
afterEach(() => rm(scratch, { recursive: true, force: true }));

const target = () => path.join(scratch, 'below/target');

async function unpack(bytes: Buffer, limits: Partial<ArchiveLimits> = {}) {
  const archive = path.join(scratch, 'archive');
  await writeFile(archive, bytes);
  const problems = await unpackArchive(archive, target(), { limits: { ...defaultArchiveLimits, ...limits } });
  return { files: await contents(target()), problems: problems.map(({ path: at, reason }) => `${at}: ${reason}`) };
}

/** Every file by its path; folders end in a slash. */
async function contents(root: string): Promise<Record<string, string>> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry) => {
      const file = path.join(entry.parentPath, entry.name);
      const name = path.relative(root, file);
      return entry.isFile() ? [name, await readFile(file, 'utf8')] : [`${name}/`, ''];
    }),
  );
  return Object.fromEntries(found.sort(([a], [b]) => (a! < b! ? -1 : 1)));
}

/** The whole archive is refused for this reason, and nothing of it is left anywhere. */
async function refusal(bytes: Buffer, limits: Partial<ArchiveLimits> = {}): Promise<string> {
  const error: unknown = await unpack(bytes, limits).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ArchiveError);
  expect(Object.keys(await contents(scratch)).sort()).toEqual(['archive', 'below/']);
  return (error as ArchiveError).message;
}

/** 3000 characters that hardly get smaller. */
function noise(seed: string): string {
  return Array.from({ length: 47 }, (_, i) => createHash('sha256').update(`${seed}${i}`).digest('hex')).join('');
}

/** One archive of each kind with the same regular files. */
const kinds: readonly (readonly [string, (files: Readonly<Record<string, string>>) => Buffer])[] = [
  ['zip', (files) => zipBytes(Object.entries(files).map(([name, data]) => ({ name, data })))],
  ['tar', (files) => tarBytes(Object.entries(files).map(([name, data]) => ({ name, data })))],
  ['tar.gz', (files) => gzipSync(tarBytes(Object.entries(files).map(([name, data]) => ({ name, data }))))],
];

describe.each(kinds)('%s', (_, archive) => {
  it('gives its files, whatever their names look like', async () => {
    const files = {
      'a/b/one.txt': 'one',
      'a/./b//two.txt': 'two',
      'ñandú/水稲 🌾.txt': 'three',
      '-rf': '',
      '$(touch pwned);&\'"': '4',
      '%2e%2e%2fescape': '5',
      [`${'n'.repeat(90)}/x`]: '6',
    };
    expect(await unpack(archive(files))).toEqual({
      problems: [],
      files: {
        ...{ 'a/': '', 'a/b/': '', 'a/b/one.txt': 'one', 'a/b/two.txt': 'two' },
        ...{
          'ñandú/': '',
          'ñandú/水稲 🌾.txt': 'three',
          '-rf': '',
          '$(touch pwned);&\'"': '4',
          '%2e%2e%2fescape': '5',
        },
        ...{ [`${'n'.repeat(90)}/`]: '', [`${'n'.repeat(90)}/x`]: '6' },
      },
    });
  });

  it.each([
    ['../escaped', /"\.\.\/escaped", which leads out of the archive; nothing was unpacked/],
    ['a/../../escaped', /leads out of the archive/],
    ['/tmp/escaped', /is an absolute path/],
    ['..\\escaped', /contains a backslash/],
    ['C:/escaped', /begins with a drive letter/],
    ['C:escaped', /begins with a drive letter/],
  ])('is refused as a whole for an entry %s', async (name, reason) => {
    expect(await refusal(archive({ 'good.txt': 'good', [name]: 'escaped' }))).toMatch(reason);
  });

  it('is unpacked without what macOS and Windows leave behind', async () => {
    const { files, problems } = await unpack(
      archive({ 'a/1': '1', '__MACOSX/a/._1': 'x', 'a/.DS_Store': 'x', 'a/._1': 'x', 'a/Thumbs.db': 'x' }),
    );
    expect(files).toEqual({ 'a/': '', 'a/1': '1' });
    expect(problems).toEqual([]);
  });

  it('leaves out a file where the archive has a folder, and a folder where it has a file', async () => {
    const { files, problems } = await unpack(archive({ 'a/b': '1', a: '2', c: '3', 'c/d/e': '4' }));
    expect(files).toEqual({ 'a/': '', 'a/b': '1', c: '3' });
    expect(problems).toEqual([
      'a: is a file where the archive has a folder',
      'c/d/e: needs a folder where the archive has a file (c)',
    ]);
  });

  it('keeps names apart that differ in case or in the form of an accent', async () => {
    const { files } = await unpack(archive({ 'x/cafe\u0301': '1', 'x/caf\u00e9': '2', 'x/A': '3', 'x/a': '4' }));
    // A file system that does not tell them apart gets the first; the other is reported.
    expect(Object.values(files).filter(Boolean).sort()).toEqual(['1', '2', '3', '4']);
  });

  it('leaves out what is too large, too deep, or has too long a name', async () => {
    const deep = `${'d/'.repeat(20)}x`;
    const long = `${'l/'.repeat(2)}${'é'.repeat(40)}`.padEnd(100, 'n');
    const { files, problems } = await unpack(archive({ big: 'x'.repeat(1001), [deep]: '1', [long]: '2', ok: '3' }), {
      entryBytes: 1000,
    });
    expect(problems).toEqual([
      'big: unpacks to 1001 bytes; at most 1000 are accepted',
      `${deep}: lies more than 15 folders deep`,
    ]);
    expect(Object.keys(files).at(-1)).toBe('ok');
  });

  it('is refused when it unpacks to too much, has too many entries, or unpacks as no pictures do', async () => {
    const three = archive({ a: 'x'.repeat(4000), b: 'y'.repeat(4000), c: 'z'.repeat(4000) });
    expect(await refusal(three, { totalBytes: 9000 })).toBe('unpacks to more than 9000 bytes');
    expect(await refusal(three, { entries: 2 })).toBe('holds more than 2 files and folders');
    expect(await refusal(three, { freeBytes: 0, ratio: 0.5 })).toMatch(/^unpacks to more than 0.5 times its \d+ bytes/);
  });

  it('tells how far it is, up to the whole archive', async () => {
    const file = path.join(scratch, 'archive');
    const bytes = archive({ a: '1', b: '2' });
    await writeFile(file, bytes);
    const seen: UnpackProgress[] = [];
    await unpackArchive(file, target(), {
      limits: defaultArchiveLimits,
      onProgress: (progress) => seen.push(progress),
    });
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.at(-1)!.bytesTotal).toBe(bytes.length);
    expect(seen.at(-1)!.bytes).toBeGreaterThan(0);
    expect(seen.at(-1)!.bytes).toBeLessThanOrEqual(bytes.length);
  });

  it('leaves nothing when it is told to stop, or when the disk is full', async () => {
    const file = path.join(scratch, 'archive');
    await writeFile(file, archive({ a: '1', b: 'x'.repeat(100_000) }));
    const stopping = new AbortController();
    const options = { limits: defaultArchiveLimits };
    const stopped = unpackArchive(file, target(), {
      ...{ ...options, signal: stopping.signal },
      openFile: async (name) => {
        if (name.endsWith('b')) stopping.abort(new Error('enough'));
        return open(name, 'wx');
      },
    });
    await expect(stopped).rejects.toThrow('enough');
    expect(await readdir(path.join(scratch, 'below'))).toEqual([]);

    const full = unpackArchive(file, target(), {
      ...options,
      openFile: async (name) => {
        const handle = await open(name, 'wx');
        if (!name.endsWith('b')) return handle;
        const failing = { writeFile: () => Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' })) };
        return Object.assign(handle, failing) as FileHandle;
      },
    });
    await expect(full).rejects.toThrow(/the disk that holds .* is full; free some space and try again/);
    expect(await readdir(path.join(scratch, 'below'))).toEqual([]);
  });

  it('that is cut off anywhere is refused', async () => {
    const bytes = archive({ a: noise('a'), b: noise('b') });
    for (const share of [0.1, 0.5, 0.9, 0.99]) {
      const cut = bytes.subarray(0, Math.floor(bytes.length * share));
      expect(await refusal(cut), `${share}`).toMatch(/cut off|neither a zip/);
    }
  });
});

it.each([
  ['', Buffer.alloc(0)],
  ['text', Buffer.from('not a zip\n')],
  ['a picture with a zip behind it', Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), zipBytes([{ name: 'a' }])])],
])('refuses %s', async (_, bytes) => {
  expect(await refusal(bytes)).toBe('is neither a zip, a tar nor a tar.gz archive');
});

describe('zip', () => {
  const zip = (...parts: readonly ZipPart[]) => unpack(zipBytes(parts));

  it('is read stored, deflated, streamed with sizes behind, and with 64-bit sizes', async () => {
    const { files, problems } = await zip(
      { name: 'folder/', mode: 0o040755 },
      { name: 'stored', data: 'stored', method: 0 },
      { name: 'deflated', data: 'deflated'.repeat(1000) },
      { name: 'streamed', data: 'streamed', descriptor: true },
      { name: 'large', data: 'large', zip64: true },
      { name: 'unsaid', data: 'unsaid', mode: 0 },
    );
    expect(problems).toEqual([]);
    expect(files).toMatchObject({ stored: 'stored', streamed: 'streamed', large: 'large', unsaid: 'unsaid' });
    expect(files.deflated).toHaveLength(8000);
    expect(files).toHaveProperty('folder/');
  });

  it('may be empty', async () => {
    expect(await zip()).toEqual({ files: {}, problems: [] });
  });

  it('names are UTF-8, said or not, else the first code page', async () => {
    const { files, problems } = await zip(
      { name: 'é', flags: 0 },
      { name: Buffer.from([0x82]), flags: 0 },
      { name: Buffer.from([0x82, 0x83]), flags: 0x800 },
    );
    // 0x82 is é in code page 437: the same name a second time.
    expect(files).toEqual({ é: '' });
    expect(problems).toEqual([
      'é: occurs more than once in the archive; the first one is taken',
      '(a name that is no text): its name is not UTF-8 text',
    ]);
  });

  it('leaves out links and devices, and never writes through one', async () => {
    const { files, problems } = await zip(
      { name: 'out', data: scratch, mode: 0o120777 },
      { name: 'out/escaped', data: 'escaped' },
      { name: 'pipe', mode: 0o010644 },
      { name: 'device', mode: 0o060644 },
      { name: 'ok', data: 'ok' },
    );
    expect(problems).toEqual([
      'out: is a link; links in archives are not followed',
      'pipe: is neither a file nor a folder',
      'device: is neither a file nor a folder',
    ]);
    expect(files).toEqual({ 'out/': '', 'out/escaped': 'escaped', ok: 'ok' });
    expect(await readdir(scratch)).not.toContain('escaped');
  });

  it('takes the first of equal names and reports the other', async () => {
    const { files, problems } = await zip({ name: 'a/1', data: 'first' }, { name: 'a//1', data: 'second' });
    expect(files['a/1']).toBe('first');
    expect(problems).toEqual(['a/1: occurs more than once in the archive; the first one is taken']);
  });

  it('leaves out files that are damaged or that their two headers disagree about; the rest is taken', async () => {
    const packed = zipBytes([{ name: 'x', data: 'x'.repeat(100), method: 0 }]);
    const { files, problems } = await zip(
      { name: 'name', data: '1', local: { name: 'eman' } },
      { name: 'size', data: '12', local: { size: 3 } },
      { name: 'checksum', data: '12', local: { crc: 3 } },
      { name: 'method', data: '12', local: { method: 0 } },
      { name: 'both', data: '12', claims: { crc: 7 } },
      { name: 'small', data: '123456', claims: { size: 3 } },
      { name: 'large', data: '123456', claims: { size: 9 } },
      { name: 'inflate', data: packed, method: 0, claims: {} },
      { name: 'ok', data: 'ok' },
    );
    expect(problems).toEqual([
      'name: the archive contradicts itself about its name',
      'size: the archive contradicts itself about its size',
      'checksum: the archive contradicts itself about its checksum',
      'method: the archive contradicts itself about its compression',
      'both: is damaged in the archive: its checksum is wrong',
      expect.stringMatching(/^small: is damaged in the archive: /),
      expect.stringMatching(/^large: is damaged in the archive: /),
    ]);
    expect(Object.keys(files).sort()).toEqual(['inflate', 'ok']);
  });

  it('stops at what an entry says of itself, before it is unpacked', async () => {
    const bomb = { name: 'bomb', data: Buffer.alloc(20_000_000) };
    const said = await unpack(zipBytes([bomb, { name: 'ok', data: 'ok' }]), { entryBytes: 1e6 });
    expect(said).toEqual({
      files: { ok: 'ok' },
      problems: ['bomb: unpacks to 20000000 bytes; at most 1000000 are accepted'],
    });
    const lied = await unpack(zipBytes([{ ...bomb, claims: { size: 1000 } }]), { entryBytes: 1e6 });
    expect(lied.problems).toEqual([expect.stringMatching(/^bomb: is damaged in the archive: too many bytes/)]);
    expect(await refusal(zipBytes([bomb]), { freeBytes: 1e6 })).toMatch(
      /^unpacks to more than 100 times its \d+ bytes/,
    );
  });

  it('that is encrypted or packed otherwise is refused', async () => {
    expect(await refusal(zipBytes([{ name: 'a', flags: 1 }]))).toBe('is encrypted (a); make it without a password');
    expect(await refusal(zipBytes([{ name: 'a', method: 14 }]))).toMatch(/^packs a by method 14; stored and deflated/);
  });

  it('with a NUL in a name is refused', async () => {
    expect(await refusal(zipBytes([{ name: 'a\0.jpg' }]))).toMatch(/"a␀\.jpg", which contains a NUL byte/);
  });
});

describe('tar', () => {
  const tar = (...parts: readonly TarPart[]) => unpack(tarBytes(parts));

  it('is read with long names in every form, and sizes to base 256', async () => {
    const long = `${'folder-of-a-long-name/'.repeat(10)}é.txt`;
    const { files, problems } = await tar(
      { name: 'plain/', type: '5' },
      { name: 'name', prefix: 'prefix', data: 'prefix' },
      { name: 'name', prefix: 'ignored', format: 'gnu', data: 'gnu' },
      paxPart({ path: `pax/${long}`, mtime: '1.5' }),
      { name: 'short', data: 'pax' },
      { name: '././@LongLink', type: 'L', data: `long/${long}\0`, format: 'gnu' },
      { name: 'short', data: 'long', format: 'gnu' },
      { name: 'binary', data: 'binary', binarySize: true },
      { name: 'old', data: 'old', type: '\0' },
      paxPart({ comment: 'a commit' }, 'g'),
      { name: 'last', data: 'last' },
    );
    expect(problems).toEqual([]);
    expect(files).toMatchObject({
      ...{ 'prefix/name': 'prefix', name: 'gnu', [`pax/${long}`]: 'pax', [`long/${long}`]: 'long' },
      ...{ binary: 'binary', old: 'old', last: 'last' },
    });
    expect(files).toHaveProperty('plain/');
    expect(files).not.toHaveProperty('short');
  });

  it('leaves out links, devices, pipes and what only some programs know, and never writes through one', async () => {
    const { files, problems } = await tar(
      { name: 'hard', type: '1', link: '/etc/passwd' },
      { name: 'out', type: '2', link: scratch },
      { name: 'out/escaped', data: 'escaped' },
      ...['3', '4', '6', 'S', 'Z'].map((type) => ({ name: `type-${type}`, type })),
      paxPart({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0' }),
      { name: 'holes', data: 'holes' },
      { name: 'ok', data: 'ok' },
    );
    expect(problems).toEqual([
      'hard: is a link; links in archives are not followed',
      'out: is a link; links in archives are not followed',
      ...['3', '4', '6', 'S', 'Z'].map((type) => `type-${type}: is neither a file nor a folder`),
      'holes: is stored with holes; make the archive without --sparse',
    ]);
    expect(files).toEqual({ 'out/': '', 'out/escaped': 'escaped', ok: 'ok' });
  });

  it('refuses names that escape through longer headers, and leaves out those that are no text', async () => {
    expect(await refusal(tarBytes([paxPart({ path: '../x' }), { name: 'x' }]))).toMatch(/leads out/);
    expect(await refusal(tarBytes([{ name: 'L', type: 'L', data: '/x\0' }, { name: 'x' }]))).toMatch(/absolute/);
    expect(await refusal(tarBytes([paxPart({ path: 'a\0b' }), { name: 'x' }]))).toMatch(/NUL byte/);
    const { problems } = await tar({ name: Buffer.from([0xff, 0xfe]) }, { name: 'ok' });
    expect(problems).toEqual(['(a name that is no text): its name is not UTF-8 text']);
  });

  it('keeps no header that is longer than a name can be, whatever it says', async () => {
    for (const type of ['x', 'g', 'L', 'K']) {
      const claims = tarBlocks([{ name: 'huge', type, size: 2 ** 33, binarySize: true }]);
      expect(await refusal(claims)).toMatch(/^has a header of 8589934592 bytes; at most 1048576 are read$/);
    }
  });

  it('that is damaged, or has no end, is refused', async () => {
    const whole = tarBlocks([{ name: 'a', data: 'x'.repeat(600) }]);
    expect(await refusal(whole)).toMatch(/^is cut off: its end is missing/);
    const flipped = tarBytes([{ name: 'a' }, { name: 'b' }]);
    flipped[512]! ^= 1;
    expect(await refusal(flipped)).toMatch(/^is damaged: a header before byte 1024 has a wrong checksum/);
    expect(await refusal(tarBytes([{ name: 'x', type: 'x', data: '99 path=short\n' }]))).toMatch(/has no sense/);
    expect(await refusal(tarBytes([paxPart({ size: '-1' }), { name: 'x' }]))).toMatch(/a size that cannot be/);
  });

  it('that is packed with a wrong checksum, or holds a bomb, is refused', async () => {
    const packed = gzipSync(tarBytes([{ name: 'a', data: 'a' }]));
    packed[packed.length - 8]! ^= 1;
    expect(await refusal(packed)).toMatch(/^is damaged or cut off: incorrect data check/);
    const bomb = gzipSync(tarBytes([{ name: 'a', data: Buffer.alloc(20_000_000) }]));
    expect(await refusal(bomb, { freeBytes: 1e6 })).toMatch(/^unpacks to more than 100 times its \d+ bytes/);
    // Headers count too, and what is skipped.
    const endless = gzipSync(tarBytes(Array.from({ length: 3000 }, () => paxPart({ comment: 'x'.repeat(900) }))));
    expect(await refusal(endless, { freeBytes: 1e6, ratio: 1 })).toMatch(/^unpacks to more than 1 times/);
  });
});

it('keeps nothing of the headers that go before its entries but what it needs: 160 MB of them fit a heap of 64', async () => {
  const archive = path.join(scratch, 'archive');
  const tar = await open(archive, 'w');
  for (let i = 0; i < 160; i++) {
    const records = Array.from({ length: 100 }, (_, n) => [`${i}.${n}`, 'x'.repeat(10_000)]);
    await tar.write(tarBlocks([paxPart(Object.fromEntries(records), i % 2 ? 'x' : 'g')]));
  }
  await tar.write(tarBytes([{ name: 'a', data: 'a' }]));
  await tar.close();
  const { finished } = spawnTypeScript('test/support/bin/unpack.ts', [archive, target()], {
    NODE_OPTIONS: '--max-old-space-size=64',
  });
  expect(await finished).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(await contents(target())).toEqual({ a: 'a' });
});

it.skipIf(process.platform === 'win32')('reads what tar writes, in both of its formats', async () => {
  const source = path.join(scratch, 'source');
  const long = `${'a-folder-of-some-length/'.repeat(8)}水稲.txt`;
  await mkdir(path.dirname(path.join(source, long)), { recursive: true });
  await writeFile(path.join(source, long), 'long');
  await writeFile(path.join(source, 'b'), 'b');
  await symlink('b', path.join(source, 'link'));
  for (const format of ['--format=ustar', '--format=pax']) {
    const file = path.join(scratch, `${format}.tgz`);
    await promisify(execFile)('tar', ['-czf', file, format, '-C', source, '.']);
    const root = path.join(scratch, `out${format}`);
    const problems = await unpackArchive(file, root, { limits: defaultArchiveLimits });
    expect(problems.map(({ path: at }) => at)).toEqual(['link']);
    expect(await contents(root)).toMatchObject({ [long]: 'long', b: 'b' });
  }
});
