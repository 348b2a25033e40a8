import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { insertEnsemble } from '../../src/store/ensemble.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { experimentOf, testId, testRun } from '../support/catalogue.ts';
import { leaves, smallConfig } from './fixtures.ts';

let server: ApiServer;
let datasetId: string;
let experimentId: string;
beforeAll(async () => {
  server = await apiServer();
  datasetId = await leaves(server.context, 'leaves');
  experimentId = await experimentOf(server.context.db.prisma, datasetId);
});
afterAll(() => server.close());

const updateRun = `mutation ($input: UpdateRunInput!) {
  updateRun(input: $input) { run { name tags notes } userErrors { code message path } }
}`;
const deleteRun = `mutation ($id: ID!) { deleteRun(id: $id) { deletedId userErrors { code message path } } }`;
const deleteDataset = `mutation ($id: ID!) { deleteDataset(id: $id) { deletedId userErrors { code message path } } }`;

describe('updateRun', () => {
  test('changes what is given, and shows it', async () => {
    const id = await testRun(server.context.db.prisma, experimentId, { name: 'first', tags: ['a'] });
    const change = async (input: object) => (await server.ask(updateRun, { input: { id, ...input } })).updateRun;
    expect(await change({ notes: 'blurry' })).toEqual({
      run: { name: 'first', tags: ['a'], notes: 'blurry' },
      userErrors: [],
    });
    expect(await change({ name: 'second', tags: ['b', 'c'] })).toMatchObject({
      run: { name: 'second', tags: ['b', 'c'], notes: 'blurry' },
    });
    expect(await change({ notes: '', tags: [] })).toMatchObject({ run: { name: 'second', tags: [], notes: null } });
    const { startRun, updateRun: updated } = await server.ask(
      `mutation ($id: ID!) {
        startRun: updateRun(input: { id: $id, name: "third" }) { run { name } }
        updateRun(input: { id: $id, name: "fourth" }) { run { name } }
      }`,
      { id },
    );
    expect([startRun.run.name, updated.run.name]).toEqual(['third', 'fourth']);
  });

  test('refuses everything that is wrong, at once, and changes nothing', async () => {
    const id = await testRun(server.context.db.prisma, experimentId, { name: 'kept' });
    const input = { id, name: ' ', tags: ['fine', ''], notes: 'x'.repeat(20_001) };
    const { updateRun: answer } = await server.ask(updateRun, { input });
    expect(answer.run).toBeNull();
    // biome-ignore lint/suspicious/noExplicitAny: JSON
    expect(answer.userErrors.map((e: any) => `${e.code} ${e.path.join('.')}`)).toEqual([
      'INVALID name',
      'INVALID tags.1',
      'INVALID notes',
    ]);
    const { run } = await server.ask('query ($id: ID!) { run(id: $id) { name notes } }', { id });
    expect(run).toEqual({ name: 'kept', notes: null });
    const missing = await server.ask(updateRun, { input: { id: 'run_none', name: 'x' } });
    expect(missing.updateRun).toMatchObject({ run: null, userErrors: [{ code: 'NOT_FOUND', path: ['id'] }] });
  });
});

describe('deleteRun', () => {
  test('removes a run that has ended; the key it was started with is refused from then on', async () => {
    const startRun = `mutation ($input: StartRunInput!) { startRun(input: $input) { run { id } userErrors { code path message } } }`;
    const input = { experimentId, config: smallConfig, idempotencyKey: 'a run to delete' };
    const { id } = (await server.ask(startRun, { input })).startRun.run;
    const early = await server.ask(deleteRun, { id });
    expect(early.deleteRun).toEqual({
      deletedId: null,
      userErrors: [{ code: 'CONFLICT', path: ['id'], message: `run ${id} is QUEUED; cancel it first` }],
    });
    await server.ask('mutation ($id: ID!) { cancelRun(id: $id) { run { status } } }', { id });
    expect((await server.ask(deleteRun, { id })).deleteRun).toEqual({ deletedId: id, userErrors: [] });
    expect((await server.ask('query ($id: ID!) { run(id: $id) { id } }', { id })).run).toBeNull();
    expect((await server.ask(deleteRun, { id })).deleteRun).toMatchObject({ userErrors: [{ code: 'NOT_FOUND' }] });
    const again = await server.ask(startRun, { input });
    expect(again.startRun).toEqual({
      run: null,
      userErrors: [
        {
          code: 'CONFLICT',
          path: ['idempotencyKey'],
          message: `the first try with this key made ${id}, which was deleted since; take a fresh key`,
        },
      ],
    });
  });

  test('keeps what an ensemble is made of', async () => {
    const { prisma } = server.context.db;
    const id = await testRun(prisma, experimentId, { name: 'member' });
    const ensemble = { id: testId('ensemble'), name: 'best', experimentId, createdAt: new Date(), selection: null };
    const parts = { members: [{ runId: id, weight: 1 }], scores: [], input: {} };
    await insertEnsemble(prisma, { ...ensemble, method: 'MEAN' }, parts);
    expect((await server.ask(deleteRun, { id })).deleteRun).toMatchObject({
      deletedId: null,
      userErrors: [{ code: 'CONFLICT', message: 'run "member" is used by ensemble "best"; delete that first' }],
    });
    expect(await prisma.run.count({ where: { id } })).toBe(1);
  });
});

describe('deleteDataset', () => {
  test('forgets one that no experiment uses', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-folder-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const importDataset = `mutation ($input: ImportDatasetInput!) {
      importDataset(input: $input) { dataset { id holdoutFraction holdoutSeed } userErrors { code path } }
    }`;
    const input = { name: 'gone', path: folder, holdoutFraction: 0.1, idempotencyKey: 'a data set to delete' };
    const { dataset } = (await server.ask(importDataset, { input })).importDataset;
    expect(dataset).toMatchObject({ holdoutFraction: 0.1, holdoutSeed: 0 });
    expect((await server.ask(deleteDataset, { id: dataset.id })).deleteDataset).toEqual({
      deletedId: dataset.id,
      userErrors: [],
    });
    const again = (await server.ask(importDataset, { input })).importDataset;
    expect(again).toMatchObject({ dataset: null, userErrors: [{ code: 'CONFLICT', path: ['idempotencyKey'] }] });
    expect((await server.ask(deleteDataset, { id: dataset.id })).deleteDataset.userErrors).toMatchObject([
      { code: 'NOT_FOUND', path: ['id'] },
    ]);
  });

  test('keeps one that an experiment uses', async () => {
    expect((await server.ask(deleteDataset, { id: datasetId })).deleteDataset).toMatchObject({
      deletedId: null,
      userErrors: [{ code: 'CONFLICT', path: ['id'], message: expect.stringContaining('is used by an experiment') }],
    });
  });
});
