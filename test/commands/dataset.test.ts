import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deleteDataset, importDataset } from '../../src/commands/dataset.ts';
import { cancelImport, completeImport, failImport, retryImport } from '../../src/commands/datasetImport.ts';
import { createExperiment } from '../../src/commands/experiment.ts';
import { startRun } from '../../src/commands/run.ts';
import { startSweep } from '../../src/commands/sweep.ts';
import { findDataset, readManifest } from '../../src/store/dataset.ts';
import { findExperiment } from '../../src/store/experiment.ts';
import { experimentOf, image, manifest } from '../support/catalogue.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { problemsOf } from '../support/problems.ts';

let ctx: TestContext;
let folder: string;
beforeAll(async () => {
  ctx = await testContext();
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-data-'));
});
afterAll(async () => {
  await ctx.close();
  await rm(folder, { recursive: true, force: true });
});

const dataset = (id: string) => findDataset(ctx.db.prisma, { id });
const jobsOf = async (id: string) =>
  (await ctx.db.pool.query(`select from pgboss.job where name = 'dataset.import' and data->>'datasetId' = $1`, [id]))
    .rowCount;
const images = [image('TRAIN', '1.jpg', 'blast'), image('TEST', '1.jpg', null)];

describe('importDataset', () => {
  it('registers the folder and its job', async () => {
    const id = await importDataset(ctx, { name: 'registered', path: folder });
    expect(await dataset(id)).toMatchObject({ name: 'registered', status: 'IMPORTING', root: folder });
    expect(await jobsOf(id)).toBe(1);
  });

  it('takes a path relative to where the server was started', async () => {
    const id = await importDataset(ctx, { name: 'relative', path: path.relative(process.cwd(), folder) });
    expect(await dataset(id)).toMatchObject({ root: folder });
  });

  it('makes one data set of a repeated request', async () => {
    const input = { name: 'repeated', path: folder, idempotencyKey: 'import 1' };
    const id = await importDataset(ctx, input);
    expect(await importDataset(ctx, input)).toBe(id);
    expect(await jobsOf(id)).toBe(1);
    await expect(importDataset(ctx, { ...input, name: 'other' })).rejects.toThrow('idempotencyKey: "import 1" was');
  });

  it('refuses a folder that is not there, naming it, together with every other problem', async () => {
    const missing = path.join(folder, 'missing');
    await expect(importDataset(ctx, { name: ' ', path: missing })).rejects.toMatchObject({
      problems: [
        { code: 'INVALID', path: ['name'] },
        {
          code: 'NOT_FOUND',
          path: ['path'],
          message: `there is no folder or archive ${missing} on the server's machine`,
        },
      ],
    });
    expect(await ctx.db.prisma.dataset.count({ where: { name: ' ' } })).toBe(0);
  });

  it('keeps which share to hold out, with the seed that draws it', async () => {
    const asked = async (name: string, holdout: object) =>
      dataset(await importDataset(ctx, { name, path: folder, ...holdout }));
    expect(await asked('whole', {})).toMatchObject({ holdoutFraction: null, holdoutSeed: null });
    expect(await asked('held out', { holdoutFraction: 0.2 })).toMatchObject({ holdoutFraction: 0.2, holdoutSeed: 0 });
    const drawn = { holdoutFraction: 0.1, holdoutSeed: 2147483647 };
    expect(await asked('drawn', drawn)).toMatchObject(drawn);
  });

  it.each([
    [{ holdoutFraction: 0 }, 'holdoutFraction', 'must be more than 0 and less than 1, got 0; leave it out'],
    [{ holdoutFraction: 1 }, 'holdoutFraction', 'must be more than 0 and less than 1, got 1'],
    [{ holdoutFraction: -0.1 }, 'holdoutFraction', 'got -0.1'],
    [{ holdoutFraction: 0.5, holdoutSeed: -1 }, 'holdoutSeed', 'must be from 0 to 2147483647, got -1'],
    [{ holdoutFraction: 0.5, holdoutSeed: 2 ** 31 }, 'holdoutSeed', 'must be from 0 to 2147483647, got 2147483648'],
    [{ holdoutSeed: 1 }, 'holdoutSeed', 'says nothing without holdoutFraction'],
  ])('refuses %j, naming the field', async (holdout, field, message) => {
    await expect(importDataset(ctx, { name: 'refused', path: folder, ...holdout })).rejects.toMatchObject({
      problems: [{ code: 'INVALID', path: [field], message: expect.stringContaining(message) }],
    });
    expect(await ctx.db.prisma.dataset.count({ where: { name: 'refused' } })).toBe(0);
  });

  it('refuses what is no folder', async () => {
    const file = path.join(folder, 'file.txt');
    await writeFile(file, '');
    const attempt = (where: string) => importDataset(ctx, { name: 'file', path: where });
    await expect(attempt(file)).rejects.toThrow(`path: ${file} is not a folder`);
    await expect(attempt(path.join(file, 'below'))).rejects.toThrow('path: a part of');
    await expect(attempt('')).rejects.toThrow('path: must be the path of a folder');
    await expect(attempt('x'.repeat(300))).rejects.toThrow('path: is longer than the paths of this file system');
    await symlink('circle', path.join(folder, 'circle'));
    await expect(attempt(path.join(folder, 'circle'))).rejects.toThrow('/circle lead in a circle');
    await expect(attempt('a\0b')).rejects.toThrow('path: must be the path of a folder');
  });

  // A superuser may read everything.
  it.skipIf(process.getuid?.() === 0)('refuses a folder it may not read', async () => {
    const closed = await mkdtemp(path.join(folder, 'closed-'));
    await chmod(closed, 0);
    await expect(importDataset(ctx, { name: 'closed', path: closed })).rejects.toThrow(`may not read ${closed}`);
  });

  it('refuses a name that is taken, also by a data set that failed', async () => {
    const id = await importDataset(ctx, { name: 'taken', path: folder });
    await failImport(ctx, { datasetId: id, attempt: 0 }, 'no images');
    await expect(importDataset(ctx, { name: 'taken', path: folder })).rejects.toMatchObject({
      problems: [
        { code: 'ALREADY_EXISTS', path: ['name'], message: expect.stringContaining('"taken" already (FAILED)') },
      ],
    });
  });

  it('lets only one of two requests at the same time have the name', async () => {
    const results = await Promise.allSettled([1, 2, 3].map(() => importDataset(ctx, { name: 'raced', path: folder })));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ problems: [{ code: 'ALREADY_EXISTS' }] });
    }
  });
});

describe('an import', () => {
  it('becomes READY with its manifest', async () => {
    const id = await importDataset(ctx, { name: 'completed', path: folder });
    await completeImport(ctx, { datasetId: id, attempt: 0 }, manifest(images));
    expect(await dataset(id)).toMatchObject({ status: 'READY', vocab: ['blast'] });
    expect(await readManifest(ctx.db.prisma, id)).toEqual(images);
  });

  it('leaves nothing half-written when an image is refused', async () => {
    const id = await importDataset(ctx, { name: 'broken', path: folder });
    const twice = [...images, image('TRAIN', '1.jpg', 'hispa')];
    await expect(completeImport(ctx, { datasetId: id, attempt: 0 }, manifest(twice))).rejects.toThrow(
      'train_images/blast/1.jpg and train_images/hispa/1.jpg have the same name',
    );
    const unstorable = [...images, image('TRAIN', '2.jpg', 'hispa', { contentHash: 'a\0b' })];
    await expect(completeImport(ctx, { datasetId: id, attempt: 0 }, manifest(unstorable))).rejects.toThrow();
    expect(await dataset(id)).toMatchObject({ status: 'IMPORTING', vocab: [] });
    expect(await readManifest(ctx.db.prisma, id)).toEqual([]);
  });

  it('that ended is not changed by a worker that was thought lost', async () => {
    const id = await importDataset(ctx, { name: 'ended', path: folder });
    await completeImport(ctx, { datasetId: id, attempt: 0 }, manifest(images));
    await completeImport(ctx, { datasetId: id, attempt: 0 }, manifest([]));
    await failImport(ctx, { datasetId: id, attempt: 0 }, 'too late');
    expect(await dataset(id)).toMatchObject({ status: 'READY', failure: null });
    expect(await readManifest(ctx.db.prisma, id)).toHaveLength(2);
  });
});

describe('deleteDataset', () => {
  it('refuses a data set in use and one that does not exist', async () => {
    const id = await importDataset(ctx, { name: 'used', path: folder });
    await experimentOf(ctx.db.prisma, id, { name: 'user' });
    await expect(deleteDataset(ctx, id)).rejects.toMatchObject({ problems: [{ code: 'CONFLICT', path: ['id'] }] });
    await expect(deleteDataset(ctx, 'ds_missing')).rejects.toMatchObject({ problems: [{ code: 'NOT_FOUND' }] });
  });

  it('forgets a data set, even while it is imported', async () => {
    const id = await importDataset(ctx, { name: 'deleted', path: folder });
    await deleteDataset(ctx, id);
    await completeImport(ctx, { datasetId: id, attempt: 0 }, manifest(images));
    expect(await dataset(id)).toBeNull();
  });
});

describe('createExperiment', () => {
  it('ranks by validation error unless told otherwise', async () => {
    const datasetId = await importDataset(ctx, { name: 'for experiments', path: folder });
    const id = await createExperiment(ctx, { name: 'first', datasetId, description: 'why' });
    expect(await findExperiment(ctx.db.prisma, { id })).toMatchObject({
      ...{ name: 'first', datasetId, description: 'why' },
      objective: { metric: 'valid/error_rate', direction: 'ASC' },
    });
    const objective = { metric: 'valid/accuracy', direction: 'DESC' as const };
    const other = await createExperiment(ctx, { name: 'second', objective });
    expect(await findExperiment(ctx.db.prisma, { id: other })).toMatchObject({ datasetId: null, objective });
  });

  it('refuses with every problem at once', async () => {
    const input = { name: '', datasetId: 'ds_missing', objective: { metric: ' ', direction: 'ASC' as const } };
    await expect(createExperiment(ctx, input)).rejects.toMatchObject({
      problems: [
        { code: 'INVALID', path: ['name'] },
        { code: 'INVALID', path: ['objective', 'metric'] },
        { code: 'NOT_FOUND', path: ['datasetId'] },
      ],
    });
  });

  it('refuses a data set whose import failed, with the reason', async () => {
    const datasetId = await importDataset(ctx, { name: 'failed', path: folder });
    await failImport(ctx, { datasetId, attempt: 0 }, 'no images in train_images');
    const refused = createExperiment(ctx, { name: 'hopeless', datasetId });
    await expect(refused).rejects.toThrow(
      'datasetId: data set "failed" failed to import (no images in train_images); mend that, and retryImport tries again',
    );
  });

  it('refuses a data set whose import was canceled; one that is being imported it takes', async () => {
    const datasetId = await importDataset(ctx, { name: 'canceled', path: folder });
    const early = await createExperiment(ctx, { name: 'early', datasetId });
    await cancelImport(ctx, datasetId);
    const reason = 'was not imported to its end: its import was canceled; retryImport begins again';
    expect(await problemsOf(createExperiment(ctx, { name: 'late', datasetId }))).toEqual([
      `INVALID datasetId: data set "canceled" ${reason}`,
    ]);
    const size = { width: 64, height: 64 };
    const preprocessing = { itemTransform: { size }, size };
    const refusal = `UNAVAILABLE experimentId: data set "canceled" of experiment "early" ${reason}`;
    const architecture = 'convnext_atto';
    const run = startRun(ctx, { experimentId: early, config: { architecture, ...preprocessing } });
    expect(await problemsOf(run)).toEqual([refusal]);
    const lists = { architectures: [architecture], preprocessings: [preprocessing] };
    expect(await problemsOf(startSweep(ctx, { experimentId: early, ...lists }))).toEqual([refusal]);
    await retryImport(ctx, datasetId);
    await createExperiment(ctx, { name: 'late', datasetId });
  });

  it('says so when the disk of the database is full, and stores nothing', async () => {
    await ctx.db.pool.query(`
      create function refuse_experiments() returns trigger language plpgsql as
        $$ begin raise exception 'could not extend file "base/5/1"' using errcode = '53100'; end $$;
      create trigger refuse_experiments after insert on experiment execute function refuse_experiments();`);
    const input = { name: 'no room', idempotencyKey: 'no room' };
    await expect(createExperiment(ctx, input)).rejects.toMatchObject({
      problems: [{ code: 'UNAVAILABLE', message: expect.stringContaining('disk that holds the database is full') }],
    });
    await ctx.db.pool.query('drop function refuse_experiments() cascade');
    expect(await findExperiment(ctx.db.prisma, { name: 'no room' })).toBeNull();
    const id = await createExperiment(ctx, input);
    expect(await createExperiment(ctx, input)).toBe(id);
  });

  it('refuses a taken name and repeats an idempotent answer', async () => {
    const input = { name: 'unique', idempotencyKey: 'experiment 1' };
    const id = await createExperiment(ctx, input);
    expect(await createExperiment(ctx, input)).toBe(id);
    await expect(createExperiment(ctx, { name: 'unique' })).rejects.toMatchObject({
      problems: [{ code: 'ALREADY_EXISTS', path: ['name'] }],
    });
  });
});
