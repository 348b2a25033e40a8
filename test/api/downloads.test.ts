import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, realpath, rename, rm, symlink } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { insertDataset } from '../../src/store/dataset.ts';
import { storeManifest } from '../../src/store/datasetImport.ts';
import { putPredictions } from '../../src/store/prediction.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { drawnPredictions, experimentOf, image, manifest, testId, testRun } from '../support/catalogue.ts';
import { jpegBytes, writeFolder } from '../support/imageFiles.ts';

let server: ApiServer;
let folder: string;
let datasetId: string;
beforeAll(async () => {
  server = await apiServer();
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-images-'));
  const files = {
    '1.jpg': await jpegBytes({ width: 640, height: 320 }),
    '2.jpg': Buffer.from('no image at all'),
    '3.jpg': Buffer.from('never written'),
    '4.jpg': await jpegBytes({ seed: 4 }),
  };
  for (const name of ['1.jpg', '2.jpg', '4.jpg'] as const) {
    await writeFolder(folder, { [`train_images/blast/${name}`]: files[name] });
  }
  datasetId = testId('dataset');
  const { prisma } = server.context.db;
  await insertDataset(prisma, { id: datasetId, name: 'pictures', createdAt: new Date(), root: folder });
  const images = Object.entries(files).map(([name, bytes]) => {
    const contentHash = createHash('sha256').update(bytes).digest('hex');
    return image('TRAIN', name, 'blast', { path: `train_images/blast/${name}`, bytes: bytes.length, contentHash });
  });
  await storeManifest(prisma, { datasetId, attempt: 0 }, manifest(images));
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

describe('thumbnails', () => {
  test('are small JPEGs that the browser may keep', async () => {
    const { dataset } = await server.ask(
      'query ($id: ID!) { dataset(id: $id) { samples(split: TRAIN, first: 1) { nodes { thumbnailUrl } } } }',
      { id: datasetId },
    );
    const url = server.url + dataset.samples.nodes[0].thumbnailUrl;
    const response = await fetch(url);
    expect(response.headers.get('content-type')).toBe('image/jpeg');
    const { width, height, format } = await sharp(Buffer.from(await response.arrayBuffer())).metadata();
    expect({ width, height, format }).toEqual({ width: 160, height: 80, format: 'jpeg' });
    const again = await fetch(url, { headers: { 'if-none-match': response.headers.get('etag')! } });
    expect(again.status).toBe(304);

    const larger = await fetch(`${url}?side=640`, { headers: { 'if-none-match': response.headers.get('etag')! } });
    expect(await sharp(Buffer.from(await larger.arrayBuffer())).metadata()).toMatchObject({ width: 640, height: 320 });
    for (const query of ['side=641', 'side=', 'side=640&side=160']) {
      const refused = await fetch(`${url}?${query}`);
      expect([query, refused.status, await refused.json()]).toEqual([
        ...[query, 400],
        { errors: [{ message: 'side must be one of 160, 640' }] },
      ]);
    }
  });

  test('are of the file that was imported, inside of the data set, or not at all', async () => {
    const file = path.join(folder, 'train_images/blast/4.jpg');
    const outside = await mkdtemp(path.join(os.tmpdir(), 'rungraph-outside-'));
    const ask = async (from = server) => {
      const response = await fetch(`${from.url}/images/${datasetId}/3/thumbnail`);
      if (response.status === 200) return 'image';
      return ((await response.json()) as { errors: { message: string }[] }).errors[0]!.message;
    };
    // Each by a server that has no thumbnail of it yet.
    const fresh = async (dataRoots: string[] | null = null) => {
      const context = { ...server.context, files: { ...server.context.files, dataRoots } };
      const other = await apiServer({ context });
      const answer = await ask(other);
      await other.close();
      return answer;
    };
    expect(await fresh([await realpath(folder)])).toBe('image');
    expect(await fresh([outside])).toMatch(/is outside of the folders that may be named here .*RUNGRAPH_DATA_ROOTS/);

    await rename(file, path.join(outside, 'moved.jpg'));
    await symlink(path.join(outside, 'moved.jpg'), file);
    expect(await fresh()).toMatch(/4\.jpg: it has become a link out of the data set's folder/);
    await rm(file);
    await symlink('1.jpg', file);
    expect(await fresh()).toMatch(/it is not the file that was imported; import the data set again/);
    await rm(file);
    await symlink('/dev/zero', file);
    expect(await fresh()).toMatch(/a link out of/);
    await rm(file);
    execFileSync('mkfifo', [file]);
    expect(await fresh()).toMatch(/not the file that was imported/);
    await rm(file);
    await rename(path.join(outside, 'moved.jpg'), file);
    expect(await fresh()).toBe('image');

    // The whole folder changes places with another one that has the same names.
    await rename(folder, path.join(outside, 'all'));
    await symlink(path.join(outside, 'all'), folder);
    expect(await fresh()).toBe('image');
    const allowed = await mkdtemp(path.join(os.tmpdir(), 'rungraph-allowed-'));
    expect(await fresh([allowed])).toMatch(/outside of the folders/);
    await rm(allowed, { recursive: true });
    await rm(folder);
    await rename(path.join(outside, 'all'), folder);
    await rm(outside, { recursive: true });
  });

  test('of what is no image, or is not there, are a clear 404', async () => {
    for (const [position, words] of [
      ['1', 'train_images/blast/2.jpg'],
      ['2', 'train_images/blast/3.jpg'],
      ['99', 'There is no image 99'],
      ['first', 'There is no image first'],
    ] as const) {
      const response = await fetch(`${server.url}/images/${datasetId}/${position}/thumbnail`);
      expect(response.status).toBe(404);
      expect(((await response.json()) as { errors: { message: string }[] }).errors[0]!.message).toContain(words);
      expect(response.headers.get('cache-control')).toBeNull();
    }
    expect((await fetch(`${server.url}/images/ds_none/0/thumbnail`)).status).toBe(404);
  });
});

describe('predictions', () => {
  test('are safetensors with image ids and vocabulary, equal to the stored floats', async () => {
    const { prisma } = server.context.db;
    const runId = await testRun(prisma, await experimentOf(prisma, datasetId));
    const stored = drawnPredictions(3, ['a.jpg', 'b.jpg'], ['blast', 'hispa', 'normal']);
    await putPredictions(prisma, runId, stored);
    const { run } = await server.ask(
      `query ($id: ID!) { run(id: $id) { predictions { id split kind passes beta downloadUrl rows(first: 1) {
        nodes { imageId predicted confidence probabilities } pageInfo { hasNextPage }
      } } } }`,
      { id: runId },
    );
    const [set] = run.predictions;
    expect(set).toMatchObject({ split: 'TEST', kind: 'TTA', passes: 4, beta: 0.25 });
    expect(set.rows.nodes[0].probabilities).toEqual([...stored.probabilities.slice(0, 3)]);
    expect(set.rows.pageInfo.hasNextPage).toBe(true);

    const file = Buffer.from(await (await fetch(server.url + set.downloadUrl)).arrayBuffer());
    const headerLength = Number(file.readBigUInt64LE());
    expect(headerLength % 8).toBe(0);
    const header = JSON.parse(file.subarray(8, 8 + headerLength).toString());
    expect(header.probabilities).toEqual({ dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] });
    expect(header.__metadata__).toMatchObject({
      ...{ id: set.id, runId, split: 'TEST', kind: 'TTA' },
      vocab: '["blast","hispa","normal"]',
      image_ids: '["a.jpg","b.jpg"]',
    });
    const data = file.subarray(8 + headerLength);
    expect(data.length).toBe(24);
    expect(Array.from({ length: 6 }, (_, i) => data.readFloatLE(4 * i))).toEqual([...stored.probabilities]);
    expect((await fetch(`${server.url}/prediction-sets/prd_none.safetensors`)).status).toBe(404);
  });
});

describe('a file is called', () => {
  /** The header's bytes as they come over the wire. */
  async function disposition(at: string): Promise<string> {
    const [response] = (await once(http.get(server.url + at), 'response')) as [http.IncomingMessage];
    response.resume();
    const { rawHeaders } = response;
    const names = rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
    expect(names).not.toContain('set-cookie');
    expect(names.filter((name) => name === 'content-disposition')).toHaveLength(1);
    return rawHeaders[2 * names.indexOf('content-disposition') + 1]!;
  }
  const submitted = async (input: object) => {
    const { createSubmission } = await server.ask(
      'mutation ($input: CreateSubmissionInput!) { createSubmission(input: $input) { submission { csvUrl } } }',
      { input },
    );
    return createSubmission.submission.csvUrl as string;
  };

  test('after its experiment and its run or ensemble, also when it was renamed', async () => {
    const { prisma } = server.context.db;
    const experimentId = await experimentOf(prisma, datasetId, { name: 'Paddy disease' });
    const runId = await testRun(prisma, experimentId, { name: 'vit tiny' });
    await putPredictions(prisma, runId, drawnPredictions(1, ['a.jpg'], ['blast', 'hispa']));
    const csv = await submitted({ runId });
    expect(await disposition(csv)).toBe('attachment; filename="Paddy-disease-vit-tiny.csv"');
    const { run } = await server.ask('query ($id: ID!) { run(id: $id) { predictions { downloadUrl } } }', {
      id: runId,
    });
    expect(await disposition(run.predictions[0].downloadUrl)).toBe(
      'attachment; filename="Paddy-disease-vit-tiny-test-tta.safetensors"',
    );
    await prisma.run.update({ where: { id: runId }, data: { name: 'vit small' } });
    expect(await disposition(csv)).toBe('attachment; filename="Paddy-disease-vit-small.csv"');
  });

  test('what no header can be broken with', async () => {
    const { prisma } = server.context.db;
    const experimentId = await experimentOf(prisma, datasetId, { name: '"\r\nset-cookie: a=b; \u202e🌾 ../é' });
    const runId = await testRun(prisma, experimentId, { name: '🌾' });
    await putPredictions(prisma, runId, drawnPredictions(1, ['a.jpg'], ['blast', 'hispa']));
    const { createEnsemble } = await server.ask(
      'mutation ($input: CreateEnsembleInput!) { createEnsemble(input: $input) { ensemble { id } userErrors { message } } }',
      { input: { experimentId, name: `水\r\n\r\n"${'x'.repeat(190)}`, members: [{ runId }] } },
    );
    expect(createEnsemble.userErrors).toEqual([]);
    const x = (length: number) => 'x'.repeat(length);
    expect(await disposition(await submitted({ ensembleId: createEnsemble.ensemble.id }))).toBe(
      `attachment; filename="set-cookie-a-b-e-${x(70)}.csv"; filename*=UTF-8''set-cookie-a-b-%C3%A9-%E6%B0%B4-${x(66)}.csv`,
    );
    expect(await disposition(await submitted({ runId }))).toBe(
      `attachment; filename="set-cookie-a-b-e.csv"; filename*=UTF-8''set-cookie-a-b-%C3%A9.csv`,
    );
  });
});

test('an id that no database can look for is an id that does not exist', async () => {
  for (const at of ['submissions/%00.csv', 'prediction-sets/prd_%00.safetensors', 'images/%00/0/thumbnail']) {
    expect((await fetch(`${server.url}/${at}`)).status, at).toBe(404);
  }
});

test('a submission whose bytes are gone is an error that is logged, not an empty file', async () => {
  const { prisma } = server.context.db;
  const runId = await testRun(prisma, await experimentOf(prisma, datasetId, { name: 'submitted' }));
  await putPredictions(prisma, runId, drawnPredictions(1, ['a.jpg'], ['blast', 'hispa']));
  const { createSubmission } = await server.ask(
    'mutation ($id: ID!) { createSubmission(input: { runId: $id }) { submission { csvUrl contentHash } userErrors { message } } }',
    { id: runId },
  );
  const { csvUrl, contentHash } = createSubmission.submission;
  expect(await (await fetch(server.url + csvUrl)).text()).toMatch(/^image_id,label\na\.jpg,(blast|hispa)\n$/);
  await server.context.blobs.delete(contentHash);
  const response = await fetch(server.url + csvUrl);
  expect(response.status).toBe(500);
  expect(await response.text()).toContain('Internal server error');
  expect((await fetch(`${server.url}/submissions/sub_none.csv`)).status).toBe(404);
});
