import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { findArchitecture } from '../../src/domain/architecture.ts';
import type { ArtifactKind } from '../../src/domain/artifact.ts';
import { createModel } from '../../src/models/registry.ts';
import { writeSavedModel } from '../../src/models/savedModel.ts';
import { insertArtifact } from '../../src/store/artifact.ts';
import { randomWeights } from '../models/smallNetworks.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { experimentOf, type TestRun, testId, testRun } from '../support/catalogue.ts';

let server: ApiServer;
let folder: string;
let experimentId: string;
beforeAll(async () => {
  server = await apiServer();
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-artifacts-'));
  experimentId = await experimentOf(server.context.db.prisma, null, { name: 'an experiment' });
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const run = (more: TestRun = {}) => testRun(server.context.db.prisma, experimentId, more);

async function keep(runId: string, kind: ArtifactKind, name: string, file: string | Buffer): Promise<string> {
  const { blobs, db } = server.context;
  const { hash, size } = typeof file === 'string' ? await blobs.adopt(file) : await blobs.put(file);
  const id = testId('artifact');
  await insertArtifact(db.prisma, { id, runId, kind, name, size, contentHash: hash, createdAt: new Date() });
  return id;
}

const fields = 'id name kind size contentHash downloadUrl createdAt run { id }';

describe('a download', () => {
  const content = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));
  let runId: string;
  let id: string;
  let url: string;
  beforeAll(async () => {
    runId = await run({ name: 'first try' });
    id = await keep(runId, 'WEIGHTS', 'weights.safetensors', content);
    url = `${server.url}/artifacts/${id}`;
  });

  test('is what the run and the node tell', async () => {
    const { run, node } = await server.ask(
      `query ($runId: ID!, $id: ID!) {
        run(id: $runId) { artifacts { ${fields} } }
        node(id: $id) { ... on Artifact { ${fields} } }
      }`,
      { runId, id },
    );
    expect(run.artifacts).toEqual([node]);
    expect(node).toMatchObject({
      ...{ id, name: 'weights.safetensors', kind: 'WEIGHTS', size: 100_000, run: { id: runId } },
      contentHash: createHash('sha256').update(content).digest('hex'),
      downloadUrl: `/artifacts/${id}`,
    });
    const response = await fetch(url);
    expect(Buffer.from(await response.arrayBuffer()).equals(content)).toBe(true);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-length': '100000',
      'content-type': 'application/octet-stream',
      'content-disposition': 'attachment; filename="an-experiment-first-try-weights.safetensors"',
      'accept-ranges': 'bytes',
      etag: `"${node.contentHash}"`,
      'cache-control': expect.stringContaining('immutable'),
    });
  });

  test('goes on where it was cut, as long as the file is the same', async () => {
    const etag = (await fetch(url, { method: 'HEAD' })).headers.get('etag')!;
    const rest = await fetch(url, { headers: { range: 'bytes=99990-', 'if-range': etag } });
    expect([rest.status, rest.headers.get('content-range')]).toEqual([206, 'bytes 99990-99999/100000']);
    expect(Buffer.from(await rest.arrayBuffer()).equals(content.subarray(99_990))).toBe(true);
    const other = await fetch(url, { headers: { range: 'bytes=99990-', 'if-range': '"other"' } });
    expect([other.status, (await other.arrayBuffer()).byteLength]).toEqual([200, 100_000]);
    expect((await fetch(url, { headers: { range: 'bytes=100000-' } })).status).toBe(416);
    // Left alone, fetch asks caches for nothing old.
    const known = await fetch(url, { headers: { 'if-none-match': etag, 'cache-control': 'max-age=0' } });
    expect(known.status).toBe(304);
  });

  test('of what is not there says so', async () => {
    const lost = await keep(runId, 'FILE', 'lost', Buffer.from('lost'));
    await server.context.blobs.delete(createHash('sha256').update('lost').digest('hex'));
    const message = async (at: string) => {
      const response = await fetch(`${server.url}/artifacts/${at}`);
      expect(response.status).toBe(404);
      expect(response.headers.get('content-disposition')).toBeNull();
      return ((await response.json()) as { errors: { message: string }[] }).errors[0]!.message;
    };
    expect(await message(lost)).toContain(`lost of run ${runId} is not among this server's blobs`);
    expect(await message('art_none')).toBe('There is no artifact art_none');
    expect(await message('%00')).toContain('nothing at');
  });
});

describe('exportOnnx', () => {
  const send = async (runId: string) =>
    (
      await server.ask(
        `mutation ($runId: ID!) { exportOnnx(runId: $runId) { artifact { ${fields} } userErrors { code message path } } }`,
        { runId },
      )
    ).exportOnnx;
  const refusal = async (runId: string) => {
    const { artifact, userErrors } = await send(runId);
    expect(artifact).toBeNull();
    return userErrors;
  };

  async function trained(): Promise<{ runId: string; file: string }> {
    const runId = await run();
    const architecture = findArchitecture('convnext_atto')!;
    const size = { height: 32, width: 32 };
    const model = createModel(architecture, size, 2);
    const weights = randomWeights(model, 1);
    const file = path.join(folder, `${runId}.safetensors`);
    const info = { runId, architecture, size, itemTransform: { size, method: 'CROP' as const }, vocab: ['a', 'b'] };
    const prediction = { batchSize: 2, seed: 1, minScale: 0.75, beta: 0.25, precision: 'FP32' as const };
    await writeSavedModel(file, info, prediction, model, async (name) => weights.get(name)!);
    return { runId, file };
  }

  test('makes the model once, also when many ask at once', async () => {
    const { runId, file } = await trained();
    await keep(runId, 'WEIGHTS', 'weights.safetensors', file);
    const answers = await Promise.all([send(runId), send(runId), send(runId)]);
    expect(answers.map(({ userErrors }) => userErrors)).toEqual([[], [], []]);
    const { artifact } = answers[0];
    expect(artifact).toMatchObject({ kind: 'ONNX', name: 'model.onnx', run: { id: runId } });
    expect(new Set(answers.map((answer) => answer.artifact.id)).size).toBe(1);
    expect((await send(runId)).artifact).toEqual(artifact);
    const bytes = new Uint8Array(await (await fetch(server.url + artifact.downloadUrl)).arrayBuffer());
    expect(bytes.length).toBe(artifact.size);
    const session = await InferenceSession.create(bytes);
    expect(session.inputNames).toEqual(['images']);
    await session.release();

    // Its bytes were removed: it is made again, and the old id is gone.
    await server.context.blobs.delete(artifact.contentHash);
    const again = (await send(runId)).artifact;
    expect(again.contentHash).toBe(artifact.contentHash);
    expect(again.id).not.toBe(artifact.id);
    expect((await fetch(server.url + again.downloadUrl)).status).toBe(200);
    expect((await fetch(server.url + artifact.downloadUrl)).status).toBe(404);
  });

  test('refuses runs without weights, with the reason', async () => {
    const on = { code: 'CONFLICT', path: ['runId'] };
    const queued = await run({ status: 'QUEUED' });
    const why = 'only a training that SUCCEEDED leaves them';
    expect(await refusal(queued)).toEqual([{ ...on, message: `run ${queued} has no weights (it is QUEUED); ${why}` }]);
    const probe = await run({ kind: 'MEMORY_PROBE' });
    expect(await refusal(probe)).toEqual([{ ...on, message: `run ${probe} has no weights (it left none); ${why}` }]);
    expect(await refusal('run_none')).toEqual([
      { code: 'NOT_FOUND', message: 'there is no run run_none', path: ['runId'] },
    ]);
    const { runId, file } = await trained();
    await keep(runId, 'WEIGHTS', 'weights.safetensors', file);
    const { run: found } = await server.ask('query ($id: ID!) { run(id: $id) { artifacts { contentHash } } }', {
      id: runId,
    });
    await server.context.blobs.delete(found.artifacts[0].contentHash);
    expect(await refusal(runId)).toMatchObject([{ code: 'UNAVAILABLE', path: ['runId'] }]);
  });

  test('of a run that is deleted meanwhile is refused', async () => {
    const { runId, file } = await trained();
    await keep(runId, 'WEIGHTS', 'weights.safetensors', file);
    const { blobs } = server.context;
    const put = blobs.put.bind(blobs);
    const spy = vi.spyOn(blobs, 'put').mockImplementationOnce(async (content) => {
      const { deleteRun } = await server.ask('mutation ($id: ID!) { deleteRun(id: $id) { deletedId } }', { id: runId });
      expect(deleteRun.deletedId).toBe(runId);
      return put(content);
    });
    expect(await refusal(runId)).toEqual([
      { code: 'NOT_FOUND', message: `run ${runId} was deleted meanwhile`, path: ['runId'] },
    ]);
    spy.mockRestore();
  });

  test('of a file that is no run’s is a bug that the log tells, and leaves nothing', async () => {
    const runId = await run();
    await keep(runId, 'WEIGHTS', 'weights.safetensors', Buffer.from('no weights'));
    const weights = await server.context.blobs.local(createHash('sha256').update('no weights').digest('hex'));
    const drafts = path.join(path.dirname(path.dirname(weights)), 'drafts');
    const { errors } = await server.send('mutation ($runId: ID!) { exportOnnx(runId: $runId) { artifact { id } } }', {
      runId,
    });
    expect(errors[0]!.extensions).toMatchObject({ code: 'INTERNAL_SERVER_ERROR' });
    expect(JSON.stringify(server.logged)).toContain('is not a safetensors file');
    expect(await readdir(drafts)).toEqual([]);
  });
});
