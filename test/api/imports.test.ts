/** Imports as a client sees them: their progress live, cancel and retry. */

import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { beginImport, completeImport, failImport, reportImport } from '../../src/commands/datasetImport.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { image, manifest } from '../support/catalogue.ts';

let server: ApiServer;
let folder: string;
beforeAll(async () => {
  server = await apiServer();
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-imports-'));
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

const fields = 'status failure importProgress { phase attempt done total rejected bytes bytesTotal }';
const watch = (id: string) =>
  server.connect().iterate({
    query: `subscription ($id: ID!) { datasetImport(id: $id) { ${fields} } }`,
    variables: { id },
  });

async function register(name: string): Promise<string> {
  const { importDataset } = await server.ask(
    'mutation ($input: ImportDatasetInput!) { importDataset(input: $input) { dataset { id } } }',
    { input: { name, path: folder } },
  );
  return importDataset.dataset.id;
}

it('tells of an import from its beginning to its end, and ends with it', async () => {
  const { context } = server;
  const id = await register('watched');
  const stream = watch(id);
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
  const next = async (): Promise<any> => {
    const { value, done } = await stream.next();
    return done ? 'the end' : value.data?.datasetImport;
  };
  expect(await next()).toEqual({ status: 'IMPORTING', failure: null, importProgress: null });
  const { importAttempt: attempt } = (await beginImport(context, id))!;
  const token = { datasetId: id, attempt };
  const unpacking = {
    phase: 'UNPACKING',
    done: 3,
    total: null,
    rejected: 1,
    bytes: 5_000_000_000,
    bytesTotal: 6e9,
  } as const;
  await reportImport(context, token, unpacking);
  const told = async (progress: object | null) => {
    // The attempt alone may be told first.
    for (;;) {
      const state = await next();
      if (state === 'the end' || state.importProgress !== null || progress === null) return state;
    }
  };
  expect(await told(unpacking)).toEqual({
    status: 'IMPORTING',
    failure: null,
    importProgress: { ...unpacking, attempt: 1 },
  });
  const checking = { phase: 'CHECKING', done: 7, total: 9, rejected: 0, bytes: 70, bytesTotal: null } as const;
  await reportImport(context, token, checking);
  expect(await told(checking)).toMatchObject({ importProgress: { ...checking, attempt: 1 } });
  await completeImport(context, token, manifest([image('TRAIN', '1.jpg', 'rust')]));
  expect(await next()).toEqual({ status: 'READY', failure: null, importProgress: null });
  expect(await next()).toBe('the end');
  const late = watch(id);
  expect((await late.next()).value.data.datasetImport.status).toBe('READY');
  expect((await late.next()).done).toBe(true);
});

it('says at once that there is no such data set, and lets go when nobody listens any more', async () => {
  const nobody = watch('ds_x');
  const { value } = await nobody.next();
  expect(value.errors[0]).toMatchObject({ message: 'id: there is no data set ds_x' });
  const stream = watch(await register('left alone'));
  expect((await stream.next()).value.data.datasetImport.status).toBe('IMPORTING');
  // While it waits for what never comes.
  const waiting = stream.next();
  await stream.return!();
  expect((await waiting).done).toBe(true);
});

it('is canceled and tried again by mutations, which say why not', async () => {
  const { context } = server;
  const id = await register('canceled');
  const change = async (mutation: string, which = id) =>
    (
      await server.ask(
        `mutation ($id: ID!) { change: ${mutation}(id: $id) { dataset { status failure } userErrors { code path message } } }`,
        { id: which },
      )
    ).change;
  expect(await change('cancelImport')).toEqual({ dataset: { status: 'CANCELED', failure: null }, userErrors: [] });
  expect(await change('cancelImport')).toMatchObject({
    dataset: null,
    userErrors: [{ code: 'CONFLICT', path: ['id'] }],
  });
  expect(await change('retryImport')).toEqual({ dataset: { status: 'IMPORTING', failure: null }, userErrors: [] });
  const { importAttempt: attempt } = (await beginImport(context, id))!;
  await failImport(context, { datasetId: id, attempt }, 'no images');
  expect(await change('retryImport')).toMatchObject({ dataset: { status: 'IMPORTING', failure: null } });
  expect(await change('cancelImport', 'ds_x')).toMatchObject({
    userErrors: [{ code: 'NOT_FOUND', message: 'there is no data set ds_x' }],
  });
});
