/** What experiments keep and may keep, and the removal of experiments, ensembles and submissions. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { insertArtifact } from '../../src/store/artifact.ts';
import { insertEnsemble } from '../../src/store/ensemble.ts';
import { putPredictions } from '../../src/store/prediction.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { drawnPredictions, experimentOf, testId, testRun } from '../support/catalogue.ts';
import { leaves, queuedRun, smallConfig } from './fixtures.ts';

let server: ApiServer;
let datasetId: string;
beforeAll(async () => {
  server = await apiServer();
  datasetId = await leaves(server.context, 'leaves');
});
afterAll(() => server.close());

const errors = 'userErrors { code path message }';
const createExperiment = `mutation ($input: CreateExperimentInput!) {
  createExperiment(input: $input) { experiment { id storage { bytes quota } } ${errors} }
}`;
const updateExperiment = `mutation ($input: UpdateExperimentInput!) {
  updateExperiment(input: $input) { experiment { name description storage { bytes quota } } ${errors} }
}`;
const deleteExperiment = `mutation ($id: ID!) { deleteExperiment(id: $id) { deletedId ${errors} } }`;
const deleteEnsemble = `mutation ($id: ID!) { deleteEnsemble(id: $id) { deletedId ${errors} } }`;
const deleteSubmission = `mutation ($id: ID!) { deleteSubmission(id: $id) { deletedId ${errors} } }`;
const deleteRun = `mutation ($id: ID!) { deleteRun(id: $id) { deletedId ${errors} } }`;
const createSubmission = `mutation ($input: CreateSubmissionInput!) {
  createSubmission(input: $input) { submission { id contentHash csvUrl } ${errors} }
}`;
const startRun = `mutation ($input: StartRunInput!) { startRun(input: $input) { run { id } ${errors} } }`;
const startSweep = `mutation ($input: StartSweepInput!) { startSweep(input: $input) { sweep { id } ${errors} } }`;

let experiments = 0;
async function experiment(more: object = {}): Promise<string> {
  const input = { name: `experiment ${++experiments}`, datasetId, ...more };
  return (await server.ask(createExperiment, { input })).createExperiment.experiment.id;
}

async function keep(runId: string, name: string, content: string): Promise<string> {
  const { blobs, db } = server.context;
  const { hash: contentHash, size } = await blobs.put(Buffer.from(content));
  const artifact = { id: testId('artifact'), runId, kind: 'FILE', name, size, contentHash } as const;
  await insertArtifact(db.prisma, { ...artifact, createdAt: new Date() });
  return contentHash;
}

async function ensembleOf(experimentId: string, name: string, runIds: readonly string[]): Promise<string> {
  const id = testId('ensemble');
  const ensemble = { id, name, experimentId, createdAt: new Date(), selection: null, method: 'MEAN' } as const;
  const members = runIds.map((runId) => ({ runId, weight: 1 }));
  await insertEnsemble(server.context.db.prisma, ensemble, { members, scores: [], input: {} });
  return id;
}

describe('storage', () => {
  test('counts artifacts, predictions and submissions, equal files once', async () => {
    const { prisma } = server.context.db;
    const id = await experiment({ quota: 1000 });
    const [one, two] = [await testRun(prisma, id), await testRun(prisma, id)];
    await keep(one, 'a', 'x'.repeat(100));
    await keep(two, 'b', 'x'.repeat(100));
    await keep(two, 'c', 'y'.repeat(10));
    await putPredictions(prisma, one, drawnPredictions(1, ['a.jpg', 'b.jpg'], ['blast', 'hispa', 'normal']));
    const { submission } = (await server.ask(createSubmission, { input: { runId: one } })).createSubmission;
    expect(submission.id).toMatch(/^sub_/);
    const { bytes: csv } = await prisma.submission.findUniqueOrThrow({ where: { id: submission.id } });
    const shown = await server.ask('query ($id: ID!) { experiment(id: $id) { storage { bytes quota } } }', { id });
    expect(shown.experiment.storage).toEqual({ bytes: 100 + 10 + 2 * 3 * 4 + csv, quota: 1000 });
  });

  test('a quota that is used up refuses runs, sweeps and models, and tells what to delete', async () => {
    const { prisma } = server.context.db;
    const id = await experiment({ name: 'full', quota: 150 });
    const [small, large] = [await testRun(prisma, id), await testRun(prisma, id)];
    await keep(small, 'a', 'a'.repeat(50));
    await keep(large, 'b', 'b'.repeat(100));
    const refused = {
      code: 'QUOTA_EXCEEDED',
      path: ['experimentId'],
      message: `experiment "full" keeps 150 bytes of the 150 that its quota allows; delete runs (the largest: ${large} with 100, ${small} with 50) or raise the quota with updateExperiment`,
    };
    const input = { experimentId: id, config: smallConfig };
    expect((await server.ask(startRun, { input })).startRun).toEqual({ run: null, userErrors: [refused] });
    const { architecture, itemTransform, size, ...config } = smallConfig;
    const preprocessings = [{ itemTransform, size }];
    const sweep = { experimentId: id, architectures: [architecture], preprocessings, config };
    expect((await server.ask(startSweep, { input: sweep })).startSweep).toMatchObject({
      userErrors: [{ code: 'QUOTA_EXCEEDED' }],
    });
    expect(await prisma.run.count({ where: { experimentId: id } })).toBe(2);
    await server.ask(deleteRun, { id: large });
    expect((await server.ask(startRun, { input })).startRun.userErrors).toEqual([]);
  });
});

describe('updateExperiment', () => {
  test('changes what is given', async () => {
    const id = await experiment({ name: 'before', description: 'why', quota: 5 });
    const change = async (input: object) =>
      (await server.ask(updateExperiment, { input: { id, ...input } })).updateExperiment.experiment;
    const storage = { bytes: 0, quota: 5 };
    expect(await change({ name: 'after' })).toEqual({ name: 'after', description: 'why', storage });
    expect(await change({ name: null, description: '' })).toEqual({ name: 'after', description: null, storage });
    expect(await change({ quota: null })).toMatchObject({ storage: { quota: null } });
    expect(await change({ quota: 0 })).toMatchObject({ storage: { quota: 0 } });
    expect(await change({})).toMatchObject({ name: 'after', storage: { quota: 0 } });
  });

  test('refuses a taken name, a missing experiment, and names that are none', async () => {
    const id = await experiment();
    await experiment({ name: 'taken' });
    const change = async (input: object) =>
      (await server.ask(updateExperiment, { input: { id, ...input } })).updateExperiment;
    expect(await change({ name: 'taken' })).toMatchObject({
      experiment: null,
      userErrors: [{ code: 'ALREADY_EXISTS', path: ['name'] }],
    });
    expect(await change({ id: 'exp_none', name: 'x' })).toMatchObject({ userErrors: [{ code: 'NOT_FOUND' }] });
    expect(await change({ name: ' ', description: 'x' })).toMatchObject({
      userErrors: [{ code: 'INVALID', path: ['name'] }],
    });
  });
});

describe('deleteEnsemble', () => {
  test('removes it with its submissions and their bytes; members stay and can be deleted then', async () => {
    const { prisma } = server.context.db;
    const experimentId = await experiment();
    const runId = await testRun(prisma, experimentId);
    await putPredictions(prisma, runId, drawnPredictions(2, ['a.jpg'], ['blast', 'hispa', 'normal']));
    const id = await ensembleOf(experimentId, 'best', [runId]);
    const { submission } = (await server.ask(createSubmission, { input: { ensembleId: id } })).createSubmission;
    expect(await server.context.blobs.has(submission.contentHash)).toBe(true);
    expect((await server.ask(deleteEnsemble, { id })).deleteEnsemble).toEqual({ deletedId: id, userErrors: [] });
    expect(await server.context.blobs.has(submission.contentHash)).toBe(false);
    expect(await prisma.submission.count({ where: { id: submission.id } })).toBe(0);
    expect((await server.ask(deleteEnsemble, { id })).deleteEnsemble).toMatchObject({
      deletedId: null,
      userErrors: [{ code: 'NOT_FOUND', path: ['id'], message: `there is no ensemble ${id}` }],
    });
    expect((await server.ask(deleteRun, { id: runId })).deleteRun.deletedId).toBe(runId);
  });
});

describe('deleteSubmission', () => {
  /** A run with predictions of one image; other seeds, other labels. */
  async function predicted(experimentId: string): Promise<string> {
    const runId = await testRun(server.context.db.prisma, experimentId, { name: 'predicted' });
    await putPredictions(server.context.db.prisma, runId, drawnPredictions(4, ['a.jpg'], ['blast', 'hispa']));
    return runId;
  }
  const submitted = async (input: object) =>
    (await server.ask(createSubmission, { input })).createSubmission.submission;
  const remove = async (id: string) => (await server.ask(deleteSubmission, { id })).deleteSubmission;

  test('removes it with its bytes; the run that it kept can be deleted then', async () => {
    const experimentId = await experiment();
    const runId = await predicted(experimentId);
    const { id, contentHash, csvUrl } = await submitted({ runId });
    expect((await server.ask(deleteRun, { id: runId })).deleteRun.userErrors).toEqual([
      {
        code: 'CONFLICT',
        path: ['id'],
        message: `run "predicted" is used by submission ${id}; delete that first`,
      },
    ]);
    expect(await remove(id)).toEqual({ deletedId: id, userErrors: [] });
    expect(await server.context.blobs.has(contentHash)).toBe(false);
    expect((await fetch(server.url + csvUrl)).status).toBe(404);
    const shown = await server.ask(
      'query ($id: ID!, $sub: ID!) { run(id: $id) { submissions { id } } node(id: $sub) { id } }',
      { id: runId, sub: id },
    );
    expect(shown).toEqual({ run: { submissions: [] }, node: null });
    expect(await remove(id)).toEqual({
      deletedId: null,
      userErrors: [{ code: 'NOT_FOUND', path: ['id'], message: `there is no submission ${id}` }],
    });
    expect((await server.ask(deleteRun, { id: runId })).deleteRun.deletedId).toBe(runId);
  });

  test('keeps bytes that another one names, and the ensemble that it was made of', async () => {
    const experimentId = await experiment();
    const runId = await predicted(experimentId);
    const ensembleId = await ensembleOf(experimentId, 'kept', [runId]);
    const [one, two] = [await submitted({ runId }), await submitted({ ensembleId })];
    expect(two.contentHash).toBe(one.contentHash);
    expect(await remove(two.id)).toEqual({ deletedId: two.id, userErrors: [] });
    expect(await (await fetch(server.url + one.csvUrl)).text()).toMatch(/^image_id,label\na\.jpg,(blast|hispa)\n$/);
    const { node } = await server.ask(
      'query ($id: ID!) { node(id: $id) { ... on Ensemble { name submissions { id } } } }',
      { id: ensembleId },
    );
    expect(node).toEqual({ name: 'kept', submissions: [] });
  });

  test('answers one of two who ask at once, and the key that made it is refused from then on', async () => {
    const input = { runId: await predicted(await experiment()), idempotencyKey: 'a submission to delete' };
    const { id } = await submitted(input);
    const answers = await Promise.all([remove(id), remove(id)]);
    expect(answers.map(({ deletedId }) => deletedId).filter(Boolean)).toEqual([id]);
    const again = await server.ask(createSubmission, { input });
    expect(again.createSubmission).toMatchObject({
      submission: null,
      userErrors: [{ code: 'CONFLICT', path: ['idempotencyKey'], message: expect.stringContaining('deleted since') }],
    });
  });
});

describe('deleteExperiment', () => {
  test('removes everything made in it, and the bytes that nobody else names', async () => {
    const { prisma } = server.context.db;
    const { blobs } = server.context;
    const [id, other] = [await experiment(), await experiment()];
    const sweepId = testId('sweep');
    await prisma.sweep.create({ data: { id: sweepId, name: 's', experimentId: id } });
    const runId = await testRun(prisma, id, { sweepId });
    await putPredictions(prisma, runId, drawnPredictions(3, ['a.jpg'], ['blast', 'hispa', 'normal']));
    await ensembleOf(id, 'best', [runId]);
    await server.ask(createSubmission, { input: { runId } });
    const own = await keep(runId, 'own', 'only here');
    const shared = await keep(runId, 'shared', 'in both');
    await keep(await testRun(prisma, other), 'shared', 'in both');

    expect((await server.ask(deleteExperiment, { id })).deleteExperiment).toEqual({ deletedId: id, userErrors: [] });
    for (const left of [
      prisma.run.count({ where: { experimentId: id } }),
      prisma.sweep.count({ where: { id: sweepId } }),
      prisma.ensemble.count({ where: { experimentId: id } }),
      prisma.submission.count({ where: { runId } }),
      prisma.predictionSet.count({ where: { runId } }),
      prisma.artifact.count({ where: { runId } }),
    ]) {
      expect(await left).toBe(0);
    }
    expect([await blobs.has(own), await blobs.has(shared)]).toEqual([false, true]);
    expect(await prisma.dataset.count({ where: { id: datasetId } })).toBe(1);
    expect((await server.ask(deleteExperiment, { id })).deleteExperiment).toMatchObject({
      userErrors: [{ code: 'NOT_FOUND', path: ['id'] }],
    });
  });

  test('leaves the keys of what was made refused, not unanswered', async () => {
    const created = { name: 'made once', datasetId, idempotencyKey: 'an experiment to delete' };
    const id = await experiment(created);
    const { architecture, itemTransform, size, ...config } = smallConfig;
    const preprocessings = [{ itemTransform, size }];
    const sweep = {
      experimentId: id,
      architectures: [architecture],
      preprocessings,
      config,
      idempotencyKey: 'a sweep',
    };
    expect((await server.ask(startSweep, { input: sweep })).startSweep.userErrors).toEqual([]);
    await server.ask('mutation ($id: ID!) { cancelSweep(id: $id) { userErrors { code } } }', {
      id: (await server.ask(startSweep, { input: sweep })).startSweep.sweep.id,
    });
    expect((await server.ask(deleteExperiment, { id })).deleteExperiment.deletedId).toBe(id);
    const refused = { code: 'CONFLICT', path: ['idempotencyKey'], message: expect.stringContaining('deleted since') };
    const again = await server.ask(createExperiment, { input: created });
    expect(again.createExperiment).toEqual({ experiment: null, userErrors: [refused] });
    expect((await server.ask(startSweep, { input: sweep })).startSweep).toEqual({ sweep: null, userErrors: [refused] });
  });

  test('is refused while a run is under way, and when another experiment needs one', async () => {
    const { prisma } = server.context.db;
    const id = await experiment();
    const runId = await queuedRun(server.context, id);
    expect((await server.ask(deleteExperiment, { id })).deleteExperiment).toEqual({
      deletedId: null,
      userErrors: [
        {
          code: 'CONFLICT',
          path: ['id'],
          message: `experiment ${id} has runs under way: ${runId} (QUEUED); cancel them first`,
        },
      ],
    });
    await server.ask('mutation ($id: ID!) { cancelRun(id: $id) { run { status } } }', { id: runId });
    const elsewhere = await ensembleOf(await experimentOf(prisma, null, { name: 'elsewhere' }), 'theirs', [runId]);
    expect((await server.ask(deleteExperiment, { id })).deleteExperiment).toMatchObject({
      deletedId: null,
      userErrors: [{ code: 'CONFLICT', message: expect.stringContaining('"theirs"; delete those first') }],
    });
    expect(await prisma.run.count({ where: { id: runId } })).toBe(1);
    await server.ask(deleteEnsemble, { id: elsewhere });
    expect((await server.ask(deleteExperiment, { id })).deleteExperiment.deletedId).toBe(id);
  });

  test('and runs that are started at the same moment: they are refused, or it is', async () => {
    for (let i = 0; i < 5; i++) {
      const id = await experiment();
      const input = { experimentId: id, config: smallConfig };
      const [started, deleted] = await Promise.all([
        server.ask(startRun, { input }),
        server.ask(deleteExperiment, { id }),
      ]);
      const codes = [...started.startRun.userErrors, ...deleted.deleteExperiment.userErrors].map(({ code }) => code);
      expect([['NOT_FOUND'], ['CONFLICT']]).toContainEqual(codes);
    }
  });
});
