/** Archives from the blobs to a data set, and what keeps an import whole. */

import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CommandContext } from '../../src/commands/context.ts';
import { deleteDataset, importDataset } from '../../src/commands/dataset.ts';
import {
  beginImport,
  cancelImport,
  completeImport,
  failImport,
  reportImport,
  retryImport,
} from '../../src/commands/datasetImport.ts';
import { storeUpload } from '../../src/commands/upload.ts';
import { importFolder } from '../../src/datasets/importFolder.ts';
import { folderLock, removeAbandonedFolders } from '../../src/files/datasetFolders.ts';
import type { FilePolicy } from '../../src/files/roots.ts';
import { acquireLock } from '../../src/locks/lockFile.ts';
import { findDataset, findUnpackedDatasets, listProblems, readManifest } from '../../src/store/dataset.ts';
import { findRun } from '../../src/store/run.ts';
import { importDatasetJob } from '../../src/worker/datasetImport.ts';
import { provideImages } from '../../src/worker/images.ts';
import { provideUnpacked } from '../../src/worker/unpacked.ts';
import { type TarPart, tarBytes, zipBytes } from '../support/archiveFiles.ts';
import { experimentOf, manifest, testRun } from '../support/catalogue.ts';
import { silent, type TestContext, testContext } from '../support/commandContext.ts';
import { jpegBytes, writeFolder } from '../support/imageFiles.ts';
import { problemsOf } from '../support/problems.ts';

let ctx: TestContext;
let scratch: string;
/** What every archive here holds: in the competition's shape, with an image of no use. */
let files: Record<string, Buffer>;
beforeAll(async () => {
  ctx = await testContext();
  scratch = await mkdtemp(path.join(os.tmpdir(), 'rungraph-archives-'));
  files = {
    'train.csv': Buffer.from('image_id,label\n1.jpg,rust\n2.jpg,rust\n3.jpg,blight\n4.jpg,blight\nbad.jpg,rust\n'),
    'train_images/rust/bad.jpg': Buffer.from('no image'),
    'test_images/9.jpg': await jpegBytes({ seed: 9 }),
  };
  for (const [i, label] of ['rust', 'rust', 'blight', 'blight'].entries()) {
    files[`train_images/${label}/${i + 1}.jpg`] = await jpegBytes({ seed: i + 1 });
  }
});
afterAll(async () => {
  await ctx.close();
  await rm(scratch, { recursive: true, force: true });
});
beforeEach(() => rm(path.join(ctx.files.home, 'datasets'), { recursive: true, force: true }));

const named = (prefix: string) => Object.entries(files).map(([name, data]) => ({ name: `${prefix}${name}`, data }));
const run = (id: string, signal = new AbortController().signal, from: CommandContext = ctx) =>
  importDatasetJob(from, id, { signal, log: silent });
const dataset = async (id: string) => (await findDataset(ctx.db.prisma, { id }))!;
const problems = async (id: string) =>
  (await listProblems(ctx.db.prisma, id, { first: 100 })).items.map(
    ({ path: at, reason, severity }) => `${severity} ${at}: ${reason}`,
  );
const unpacked = () =>
  readdir(path.join(ctx.files.home, 'datasets')).then(
    (names) => names.filter((name) => name !== 'drafts'),
    () => [],
  );
const drafts = () => readdir(path.join(ctx.files.home, 'datasets/drafts')).catch(() => []);

let count = 0;
async function uploaded(bytes: Buffer): Promise<string> {
  const upload = await storeUpload(ctx, {
    name: 'x.zip',
    arriving: { bytes: 0 },
    announced: 0,
    content: (async function* () {
      yield bytes;
    })(),
  });
  return importDataset(ctx, { name: `archive ${++count}`, uploadId: upload.id });
}
async function imported(bytes: Buffer): Promise<string> {
  const id = await uploaded(bytes);
  await run(id);
  return id;
}

describe('the same files', () => {
  it('are the same data set from a folder, a zip, a tar and a tar.gz, with or without a folder around them', async () => {
    const folder = path.join(scratch, 'folder');
    await writeFolder(folder, files);
    await writeFolder(path.join(scratch, 'around/paddy'), files);
    const tar = (parts: readonly TarPart[]) => tarBytes([...parts].reverse());
    const ids = [
      ...(await Promise.all(
        ['folder', 'around'].map((name) => importDataset(ctx, { name, path: path.join(scratch, name) })),
      )),
      ...(await Promise.all(
        [
          zipBytes(named('')),
          zipBytes(named('paddy/')),
          tar(named('')),
          tar(named('./paddy/')),
          gzipSync(tar(named(''))),
        ].map(uploaded),
      )),
    ];
    for (const id of ids) await run(id);
    const found = await Promise.all(ids.map(dataset));
    expect(found.map(({ status, failure }) => failure ?? status)).toEqual(ids.map(() => 'READY'));
    expect(new Set(found.map(({ contentHash }) => contentHash)).size).toBe(1);
    for (const id of ids) {
      expect((await readManifest(ctx.db.prisma, id)).map(({ path: at }) => at)).toEqual([
        ...[
          'train_images/blight/3.jpg',
          'train_images/blight/4.jpg',
          'train_images/rust/1.jpg',
          'train_images/rust/2.jpg',
          'test_images/9.jpg',
        ],
      ]);
      expect(await problems(id)).toEqual([
        expect.stringMatching(/^REJECTED train_images\/rust\/bad\.jpg: not an image/),
        expect.stringMatching(/^WARNING train\.csv:6: lists "bad\.jpg", of which there is no usable image/),
      ]);
    }
    expect(found.map(({ root }) => root.replace(/^.*rungraph-archives-\w+/, '').replace(/ds_\w+/, 'ID'))).toEqual([
      ...['/folder', '/around/paddy', 'datasets/ID/files', 'datasets/ID/files/paddy'],
      ...['datasets/ID/files', 'datasets/ID/files/paddy', 'datasets/ID/files'],
    ]);
  });

  it('come from an archive on the machine too, which is kept among the blobs', async () => {
    const file = path.join(scratch, 'named.zip');
    await writeFile(file, zipBytes(named('')));
    const id = await importDataset(ctx, { name: 'by path', path: file });
    await run(id);
    await rm(file);
    const { status, archiveHash, archivePath } = await dataset(id);
    expect({ status, archivePath }).toEqual({ status: 'READY', archivePath: file });
    expect(await ctx.blobs.has(archiveHash!)).toBe(true);
  });
});

describe('an archive', () => {
  it('whose entries cannot all be taken says which, beside the images that cannot', async () => {
    const id = await imported(
      zipBytes([
        ...named(''),
        { name: 'train_images/rust/link.jpg', data: '/etc/hostname', mode: 0o120777 },
        { name: 'train_images/rust/1.jpg', data: 'twice' },
      ]),
    );
    expect((await dataset(id)).status).toBe('READY');
    expect((await problems(id)).slice(0, 3)).toEqual([
      'REJECTED train_images/rust/link.jpg: is a link; links in archives are not followed',
      'REJECTED train_images/rust/1.jpg: occurs more than once in the archive; the first one is taken',
      expect.stringMatching(/^REJECTED train_images\/rust\/bad\.jpg/),
    ]);
  });

  it.each([
    ['no archive', Buffer.from('text'), /^the archive is neither a zip, a tar nor a tar\.gz archive$/],
    [
      'a way out',
      zipBytes([{ name: '../../escaped.jpg' }]),
      /^the archive has an entry "\.\.\/\.\.\/escaped\.jpg", which leads out/,
    ],
    ['nothing to train on', zipBytes([{ name: 'notes.txt', data: 'x' }]), /^the archive has no class folders/],
  ])('with %s makes the data set FAILED, saying why, and leaves nothing', async (_, bytes, reason) => {
    const id = await imported(bytes);
    const { status, failure, importProgress } = await dataset(id);
    expect({ status, importProgress }).toEqual({ status: 'FAILED', importProgress: null });
    expect(failure).toMatch(reason);
    expect(failure).not.toContain(ctx.files.home);
    expect([await unpacked(), await drafts()]).toEqual([[], []]);
    expect(await readdir(os.tmpdir())).not.toContain('escaped.jpg');
  });

  it('that is not among the blobs of the machine fails, and can be tried again when it is', async () => {
    const id = await uploaded(zipBytes([...named(''), { name: 'a' }]));
    const { archiveHash } = await dataset(id);
    const bytes = await readFile(await ctx.blobs.local(archiveHash!));
    await ctx.blobs.delete(archiveHash!);
    await run(id);
    expect((await dataset(id)).failure).toMatch(/is not among the blobs of this machine/);
    await ctx.blobs.put(bytes);
    await retryImport(ctx, id);
    expect(await dataset(id)).toMatchObject({ status: 'IMPORTING', failure: null });
    await run(id);
    expect(await dataset(id)).toMatchObject({ status: 'READY', importAttempt: 2 });
  });
});

describe('an import', () => {
  it('that is canceled ends at once and leaves nothing; tried again it goes through', async () => {
    const id = await uploaded(zipBytes(named('')));
    const canceling: CommandContext = {
      ...ctx,
      blobs: {
        ...ctx.blobs,
        local: async (hash) => {
          await cancelImport(ctx, id);
          return ctx.blobs.local(hash);
        },
      },
    };
    await run(id, undefined, canceling);
    expect(await dataset(id)).toMatchObject({
      status: 'CANCELED',
      importProgress: null,
      failure: null,
      contentHash: '',
    });
    expect([await unpacked(), await drafts()]).toEqual([[], []]);
    await run(id); // A job that comes late finds nothing to do.
    expect((await dataset(id)).status).toBe('CANCELED');
    expect(await problemsOf(cancelImport(ctx, id))).toEqual([
      `CONFLICT id: data set ${id} is CANCELED: only an import that is going on can be canceled`,
    ]);

    await retryImport(ctx, id);
    await run(id);
    expect((await dataset(id)).status).toBe('READY');
    expect(await unpacked()).toEqual([id]);
    expect(await problemsOf(retryImport(ctx, id))).toEqual([
      `CONFLICT id: data set ${id} is READY: only one that has FAILED or was CANCELED is tried again`,
    ]);
    expect(await problemsOf(retryImport(ctx, 'ds_x'))).toEqual(['NOT_FOUND id: there is no data set ds_x']);
  });

  it('of a worker that is stopped is thrown back, and another worker finishes it', async () => {
    const id = await uploaded(zipBytes(named('')));
    const stopping = new AbortController();
    const reason = new Error('this worker is stopping');
    const blobs = {
      ...ctx.blobs,
      local: async (hash: string) => {
        stopping.abort(reason);
        return ctx.blobs.local(hash);
      },
    };
    await expect(run(id, stopping.signal, { ...ctx, blobs })).rejects.toBe(reason);
    expect(await dataset(id)).toMatchObject({ status: 'IMPORTING', importAttempt: 1 });
    expect([await unpacked(), await drafts()]).toEqual([[], []]);
    await run(id);
    expect(await dataset(id)).toMatchObject({ status: 'READY', importAttempt: 2 });
  });

  it('that ends its workers again and again is not tried for ever', async () => {
    const id = await uploaded(zipBytes(named('')));
    for (let i = 0; i < 9; i++) await beginImport(ctx, id);
    await importDatasetJob(ctx, id, { signal: new AbortController().signal, log: silent, redelivered: true });
    expect(await dataset(id)).toMatchObject({
      status: 'FAILED',
      failure: expect.stringMatching(
        /^workers were stopped or lost at this import 10 times; .*; retryImport tries again$/,
      ),
    });
    await retryImport(ctx, id);
    await run(id);
    expect((await dataset(id)).status).toBe('READY');
  });

  it('belongs to its newest attempt: what an earlier one says counts no more', async () => {
    const id = await importDataset(ctx, { name: 'fenced', path: scratch });
    const first = (await beginImport(ctx, id))!;
    const second = (await beginImport(ctx, id))!;
    const [old, current] = [first, second].map(({ importAttempt }) => ({ datasetId: id, attempt: importAttempt })) as [
      { datasetId: string; attempt: number },
      { datasetId: string; attempt: number },
    ];
    const progress = { phase: 'CHECKING', done: 1, total: 2, rejected: 0, bytes: 3, bytesTotal: null } as const;
    expect(await reportImport(ctx, old, progress)).toBe(false);
    expect(await completeImport(ctx, old, manifest([]))).toBe(false);
    expect(await failImport(ctx, old, 'too late')).toBe(false);
    expect(await dataset(id)).toMatchObject({ status: 'IMPORTING', importProgress: null });
    expect(await reportImport(ctx, current, progress)).toBe(true);
    expect((await dataset(id)).importProgress).toEqual({ ...progress, attempt: 2 });
    expect(await completeImport(ctx, current, manifest([]))).toBe(true);
    expect(await reportImport(ctx, current, progress)).toBe(false);
  });

  it('is refused outside of the roots, also when a link is put there later', async () => {
    const root = path.join(scratch, 'allowed');
    await writeFolder(path.join(root, 'leaves'), files);
    await mkdir(path.join(scratch, 'elsewhere'));
    await symlink(path.join(scratch, 'elsewhere'), path.join(root, 'link'));
    const policy: FilePolicy = { ...ctx.files, dataRoots: [root] };
    const limited: CommandContext = { ...ctx, files: policy };
    for (const at of ['elsewhere', 'nothing', 'allowed/link', 'allowed/../elsewhere']) {
      expect(await problemsOf(importDataset(limited, { name: 'outside', path: path.join(scratch, at) })), at).toEqual([
        expect.stringMatching(
          /^INVALID path: .* is outside of the folders that may be named here \(.*allowed\); RUNGRAPH_DATA_ROOTS sets them/,
        ),
      ]);
    }
    const id = await importDataset(limited, { name: 'inside', path: path.join(root, 'leaves') });
    await rm(path.join(root, 'leaves'), { recursive: true });
    await symlink(path.join(scratch, 'elsewhere'), path.join(root, 'leaves'));
    await run(id, undefined, limited);
    expect((await dataset(id)).failure).toMatch(/is outside of the folders that may be named/);
  });

  it('does not follow a link that is put in the place of its folder when that has been checked', async () => {
    const folder = path.join(scratch, 'links/leaves');
    await writeFolder(folder, files);
    await writeFolder(path.join(scratch, 'secret/leaves'), files);
    const limited: CommandContext = { ...ctx, files: { ...ctx.files, dataRoots: [path.dirname(folder)] } };
    const id = await importDataset(limited, { name: 'changed', path: folder });
    const importing = (replaced: string) =>
      importDatasetJob(limited, id, {
        ...{ signal: new AbortController().signal, log: silent },
        read: async (...asked) => {
          await rm(replaced, { recursive: true });
          await symlink(path.join(scratch, 'secret', path.relative(path.join(scratch, 'links'), replaced)), replaced);
          return importFolder(...asked);
        },
      });
    // The folder itself, and one above it.
    for (const replaced of [folder, path.dirname(folder)]) {
      await importing(replaced);
      expect(await dataset(id)).toMatchObject({
        status: 'FAILED',
        failure: `${folder} was replaced by a link while it was imported; leave it alone and try again`,
      });
      await rm(replaced);
      await writeFolder(folder, files);
      await retryImport(limited, id);
    }
    await run(id, undefined, limited);
    expect((await dataset(id)).status).toBe('READY');
  });

  it('of a folder that is gone says so', async () => {
    const folder = path.join(scratch, 'gone');
    await mkdir(folder);
    const id = await importDataset(ctx, { name: 'gone', path: folder });
    await rm(folder, { recursive: true });
    await run(id);
    expect(await dataset(id)).toMatchObject({ status: 'FAILED', failure: `there is no folder ${folder}` });
  });

  it('names what cannot be named', async () => {
    const refused = (input: object) => problemsOf(importDataset(ctx, { name: 'refused', ...input }));
    expect(await refused({})).toEqual(['INVALID path: give exactly one of path and uploadId']);
    expect(await refused({ path: scratch, uploadId: 'upl_x' })).toEqual([
      'INVALID path: give exactly one of path and uploadId',
    ]);
    expect(await refused({ uploadId: 'upl_x' })).toEqual([
      'NOT_FOUND uploadId: there is no upload upl_x, or it has expired; send the archive again',
    ]);
    await writeFile(path.join(scratch, 'text.zip'), 'not a zip\n');
    expect(await refused({ path: path.join(scratch, 'text.zip') })).toEqual([
      expect.stringMatching(/text\.zip is not a folder, and is neither a zip, a tar nor a tar\.gz archive$/),
    ]);
    expect(await refused({ path: '/dev/zero' })).toEqual(['INVALID path: /dev/zero is neither a folder nor a file']);
  });
});

describe('on another machine', () => {
  /** A machine that shares database and blobs, with a home of its own. */
  const elsewhere = async (): Promise<CommandContext> => ({
    ...ctx,
    files: { ...ctx.files, home: await mkdtemp(path.join(scratch, 'home-')) },
  });
  const trained = async (datasetId: string) => {
    const experimentId = await experimentOf(ctx.db.prisma, datasetId, { name: `on ${datasetId}` });
    return (await findRun(ctx.db.prisma, await testRun(ctx.db.prisma, experimentId)))!;
  };
  const provide = async (other: CommandContext, id: string) => {
    const lines: string[] = [];
    const signal = new AbortController().signal;
    const outcome = await provideImages(other, await trained(id), {
      signal,
      tell: (event) => event.kind === 'log' && lines.push(event.line),
    });
    return { lines, ...outcome };
  };

  it('the archive is unpacked before a run needs it, once, and again when files are gone', async () => {
    const id = await imported(zipBytes(named('paddy/')));
    const other = await elsewhere();
    const experimentId = await experimentOf(ctx.db.prisma, id, { name: 'elsewhere' });
    const trainRun = (await findRun(ctx.db.prisma, await testRun(ctx.db.prisma, experimentId)))!;
    const lines: string[] = [];
    const find = async () => {
      const found = await provideImages(other, trainRun, {
        signal: new AbortController().signal,
        tell: (event) => event.kind === 'log' && lines.push(event.line),
      });
      if (found.outcome) throw new Error(JSON.stringify(found.outcome));
      return found.images;
    };
    const images = await find();
    expect(images.map(({ path: at }) => path.relative(other.files.home, at))[0]).toBe(
      `datasets/${id}/files/paddy/train_images/blight/3.jpg`,
    );
    expect(await readFile(images![0]!.path)).toEqual(files['train_images/blight/3.jpg']);
    expect(lines).toEqual([
      expect.stringMatching(/^the archive of data set "archive \d+" is unpacked on this machine$/),
    ]);
    await find();
    expect(lines).toHaveLength(1);
    await rm(images![1]!.path);
    await find();
    expect(lines).toHaveLength(2);
    expect(await readFile(images![1]!.path)).toEqual(files['train_images/blight/4.jpg']);
  });

  it('bytes that are not those imported, or cannot be had, end the attempt as DATA_UNREADABLE', async () => {
    const id = await imported(zipBytes(named('')));
    await ctx.db.prisma.datasetImage.updateMany({
      where: { datasetId: id, imageId: '3.jpg' },
      data: { contentHash: '0'.repeat(64) },
    });
    const other = await elsewhere();
    const changed = await provide(other, id);
    expect(changed.outcome).toMatchObject({
      status: 'FAILED',
      failure: {
        code: 'DATA_UNREADABLE',
        message: expect.stringMatching(/does not hold what was imported: train_images\/blight\/3\.jpg has other bytes/),
        retryable: false,
      },
    });
    expect(await readdir(path.join(other.files.home, 'datasets/drafts'))).toEqual([]);

    const gone = await imported(zipBytes([...named(''), { name: 'b' }]));
    await ctx.blobs.delete((await dataset(gone)).archiveHash!);
    expect((await provide(other, gone)).outcome).toMatchObject({
      status: 'FAILED',
      failure: {
        code: 'DATA_UNREADABLE',
        message: expect.stringMatching(/is not among the blobs of this machine/),
        retryable: true, // another machine may have them
      },
    });
  });

  it('a worker that is frozen while it unpacks keeps no other one from it', async () => {
    const id = await imported(zipBytes(named('')));
    const other = await elsewhere();
    const { home } = other.files;
    // This process holds the lock, and lives.
    const lock = await acquireLock(folderLock(home, id));
    const request = {
      ...{ datasetId: id, archiveHash: (await dataset(id)).archiveHash!, signal: new AbortController().signal },
      lockPatience: 50,
    };
    // While it unpacks, the frozen one ends: the first whole folder stays.
    const fast = await provideUnpacked(other, {
      ...request,
      verify: async (_, fresh) => {
        if (fresh) await provideUnpacked({ ...other, blobs: ctx.blobs }, request).catch(() => {});
        return undefined;
      },
    });
    expect(fast).toEqual([]);
    expect(await readdir(path.join(home, 'datasets', id))).toEqual(['files', 'unpacked.json']);
    await lock.release();
    expect(await readdir(path.join(home, 'datasets/drafts'))).toEqual([]);
  });

  it('a data set outside of the roots of the worker is not trained on', async () => {
    const folder = path.join(scratch, 'plain');
    await writeFolder(folder, files);
    const id = await importDataset(ctx, { name: 'plain', path: folder });
    await run(id);
    const limited = { ...ctx, files: { ...ctx.files, dataRoots: [path.join(scratch, 'other')] } };
    expect((await provide(limited, id)).outcome).toMatchObject({
      failure: { code: 'DATA_UNREADABLE', message: expect.stringMatching(/outside of the folders/) },
    });
  });
});

it('a worker that starts removes what killed ones have left, and folders of data sets that are gone', async () => {
  const { home } = ctx.files;
  const kept = await imported(zipBytes(named('')));
  const gone = await imported(zipBytes(named('')));
  await ctx.db.prisma.dataset.delete({ where: { id: gone } });
  const of = (name: string) => path.join(home, 'datasets', name);
  await writeFolder(of(''), {
    [`drafts/${gone}.${os.hostname()}.999999999.a1/files/half.jpg`]: 'half',
    [`drafts/${gone}.${os.hostname()}.${process.pid}-1.a2/files/half.jpg`]: 'half',
    [`drafts/${kept}.another-host.1.b2/files/half.jpg`]: 'half',
    'my-own-images/rust/1.jpg': 'mine',
  });
  await removeAbandonedFolders(home, (ids) => findUnpackedDatasets(ctx.db.prisma, ids));
  expect((await unpacked()).sort()).toEqual([kept, 'my-own-images'].sort());
  expect(await drafts()).toEqual([`${kept}.another-host.1.b2`]);
  await deleteDataset(ctx, kept);
  expect(await unpacked()).toEqual(['my-own-images']);
});
