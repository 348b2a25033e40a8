import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { score } from '../../src/ensembles/score.ts';
import { putPredictions } from '../../src/store/prediction.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { drawnPredictions, experimentOf, image, testRun } from '../support/catalogue.ts';
import { leaves, testImages, vocab } from './fixtures.ts';

let server: ApiServer;
beforeAll(async () => {
  server = await apiServer();
});
afterAll(() => server.close());

describe('ensembles and submissions', () => {
  const createEnsemble = `mutation ($input: CreateEnsembleInput!) {
    createEnsemble(input: $input) {
      ensemble { id members { weight share run { name } } result { rowCount labelCounts { label count } rows { nodes { imageId predicted } } } }
      userErrors { code message path }
    }
  }`;
  let own: string;
  beforeAll(async () => {
    const { prisma } = server.context.db;
    own = await experimentOf(prisma, await leaves(server.context, 'for ensembles'), { name: 'ensembles' });
    for (const [i, architecture] of ['convnext_atto', 'vit_tiny_patch16_224', 'vit_small_patch16_224'].entries()) {
      const runId = await testRun(prisma, own, { name: `member ${i}`, architecture });
      await putPredictions(prisma, runId, drawnPredictions(i, testImages, vocab));
    }
  });

  test('one family counts double by predicate, and the CSV is what is predicted', async () => {
    const members = [{ filter: 'status = SUCCEEDED' }, { filter: 'arch like vit*', weight: 2 }];
    const { createEnsemble: answer } = await server.ask(createEnsemble, {
      input: { experimentId: own, name: 'e', members },
    });
    expect(answer.userErrors).toEqual([]);
    const { id, members: chosen, result } = answer.ensemble;
    // biome-ignore lint/suspicious/noExplicitAny: JSON
    expect(chosen.map((m: any) => [m.run.name, m.weight, m.share])).toEqual([
      ['member 1', 2, 0.4],
      ['member 2', 2, 0.4],
      ['member 0', 1, 0.2],
    ]);
    expect(result.rowCount).toBe(4);

    const { createSubmission } = await server.ask(
      `mutation ($id: ID!) {
        createSubmission(input: { ensembleId: $id, message: "first" }) {
          submission { csvUrl rowCount message ensemble { name submissions { rowCount } } run { id } } userErrors { code }
        }
      }`,
      { id },
    );
    expect(createSubmission).toMatchObject({
      submission: { rowCount: 4, message: 'first', ensemble: { name: 'e', submissions: [{ rowCount: 4 }] }, run: null },
      userErrors: [],
    });
    const response = await fetch(server.url + createSubmission.submission.csvUrl);
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    // biome-ignore lint/suspicious/noExplicitAny: JSON
    const lines = result.rows.nodes.map((row: any) => `${row.imageId},${row.predicted}\n`);
    expect(await response.text()).toBe(`image_id,label\n${lines.join('')}`);
  });

  test('an ad hoc ensemble saves nothing and scores nothing without labels', async () => {
    const { ensemble } = await server.ask(
      `query ($input: EnsembleInput!) { ensemble(input: $input) {
        split rowCount vocab score { errorRate } members { share score { errorRate } }
        rows(first: 2, orderBy: CONFIDENCE_DESC) { nodes { confidence probabilities thumbnailUrl } pageInfo { hasNextPage } }
        disagreement { row { imageId } memberVotes { label count } }
      } }`,
      { input: { members: [{ filter: 'name like member*' }], method: 'GEOMETRIC_MEAN' } },
    );
    expect(ensemble).toMatchObject({
      split: 'TEST',
      rowCount: 4,
      vocab,
      score: null,
      members: [{ score: null }, {}, {}],
    });
    const [first, second] = ensemble.rows.nodes;
    expect(first.confidence).toBeGreaterThanOrEqual(second.confidence);
    expect(ensemble.rows.pageInfo.hasNextPage).toBe(true);
    expect(await server.context.db.prisma.ensemble.count({ where: { method: 'GEOMETRIC_MEAN' } })).toBe(0);
  });

  test('an ensemble is selected on the hold-out, and its leaderboard entry compares with those of its runs', async () => {
    const { prisma } = server.context.db;
    const holdout = ['1.jpg', '2.jpg', '3.jpg', '4.jpg'];
    const images = holdout.map((imageId, i) => image('HOLDOUT', imageId, vocab[i % 3]!));
    const held = await experimentOf(prisma, await leaves(server.context, 'held out', images), { name: 'held out' });
    for (const seed of [1, 2, 3]) {
      const runId = await testRun(prisma, held, { name: `run ${seed}`, objectiveValue: seed / 10 });
      await putPredictions(prisma, runId, drawnPredictions(seed, holdout, vocab, { split: 'HOLDOUT' }));
    }
    const optimize = `mutation ($input: OptimizeEnsembleInput!) {
      optimizeEnsemble(input: $input) {
        ensemble {
          name method members { weight } scores { split errorRate accuracy logLoss }
          selection { split metric candidateCount keptSteps steps { run { name } runName errorRate logLoss kept } }
        }
        userErrors { code path message }
      }
    }`;
    const input = { experimentId: held, name: 'selected', maxPicks: 4 };
    const { ensemble, userErrors } = (await server.ask(optimize, { input })).optimizeEnsemble;
    expect(userErrors).toEqual([]);
    expect(ensemble.selection).toMatchObject({ split: 'HOLDOUT', metric: 'ERROR_RATE', candidateCount: 3 });
    const { steps, keptSteps } = ensemble.selection;
    expect(steps).toHaveLength(4);
    // biome-ignore lint/suspicious/noExplicitAny: JSON
    expect(steps.map((step: any) => step.kept)).toEqual([0, 1, 2, 3].map((i) => i < keptSteps));
    // biome-ignore lint/suspicious/noExplicitAny: JSON
    expect(steps.every((step: any) => step.run.name === step.runName)).toBe(true);
    expect(ensemble.scores).toMatchObject([{ split: 'HOLDOUT', errorRate: steps[keptSteps - 1].errorRate }]);

    const { experiment } = await server.ask(
      `query ($id: ID!) { experiment(id: $id) { leaderboard { nodes {
        ensemble { name } split splitHash comparable value { value } predictionValue { value }
      } } } }`,
      { id: held },
    );
    const { nodes } = experiment.leaderboard;
    expect(nodes).toHaveLength(4);
    for (const node of nodes) {
      expect(node).toMatchObject({ split: 'HOLDOUT', comparable: true, splitHash: nodes[0].splitHash });
      expect(node.predictionValue).toEqual(node.value);
    }
    const refused = await server.ask(optimize, { input: { ...input, split: 'TEST', maxPicks: 0 } });
    expect(refused.optimizeEnsemble).toMatchObject({
      ensemble: null,
      userErrors: [
        { code: 'INVALID', path: ['maxPicks'] },
        { code: 'INVALID', path: ['split'] },
      ],
    });
  });

  test('the figures of a score need no matrix; confusion and labels do', async () => {
    const { prisma } = server.context.db;
    const images = testImages.map((imageId, i) => image('HOLDOUT', imageId, vocab[i % 3]!));
    const held = await experimentOf(prisma, await leaves(server.context, 'scored', images), { name: 'scored' });
    const runId = await testRun(prisma, held);
    const predictions = drawnPredictions(5, testImages, vocab, { split: 'HOLDOUT' });
    await putPredictions(prisma, runId, predictions);
    const scoreOf = async (fields: string) => {
      const { run } = await server.ask(`query ($id: ID!) { run(id: $id) { predictions { score { ${fields} } } } }`, {
        id: runId,
      });
      return run.predictions[0].score;
    };
    const labels = new Map(images.map(({ imageId, label }) => [imageId, label!]));
    const expected = score(predictions, labels);
    expect(
      await scoreOf('errorRate accuracy logLoss rowCount confusion perLabel { label precision recall support }'),
    ).toEqual(expected);
    await prisma.predictionChunk.deleteMany({ where: { set: { runId } } });
    const { errorRate, accuracy, logLoss, rowCount } = expected;
    expect(await scoreOf('errorRate accuracy logLoss rowCount')).toEqual({ errorRate, accuracy, logLoss, rowCount });
  });

  test('members that do not fit are refused: in userErrors of a write, as an error of a query', async () => {
    const members = [{ filter: 'name = nobody' }];
    const { createEnsemble: answer } = await server.ask(createEnsemble, {
      input: { experimentId: own, name: 'x', members },
    });
    expect(answer).toMatchObject({
      ensemble: null,
      userErrors: [{ code: 'INVALID', path: ['members', '0', 'filter'] }],
    });
    const { errors } = await server.send(`query ($input: EnsembleInput!) { ensemble(input: $input) { rowCount } }`, {
      input: { members: [{ filter: 'arch like' }] },
    });
    expect(errors).toMatchObject([
      { path: ['ensemble'], extensions: { code: 'BAD_USER_INPUT', problems: [{ code: 'INVALID' }] } },
    ]);
  });

  test('an ad hoc ensemble is of one experiment where it is asked to be', async () => {
    const { prisma } = server.context.db;
    const other = await experimentOf(prisma, await leaves(server.context, 'of others'), { name: 'others' });
    const stranger = await testRun(prisma, other, { name: 'member of others' });
    await putPredictions(prisma, stranger, drawnPredictions(9, testImages, vocab));
    const query = 'query ($input: EnsembleInput!) { ensemble(input: $input) { members { run { name } } } }';
    const members = [{ filter: 'name like member*' }];
    const { ensemble: everywhere } = await server.ask(query, { input: { members } });
    expect(everywhere.members).toHaveLength(4);
    const { ensemble } = await server.ask(query, { input: { experimentId: own, members } });
    // biome-ignore lint/suspicious/noExplicitAny: JSON
    expect(ensemble.members.map((m: any) => m.run.name)).toEqual(['member 0', 'member 1', 'member 2']);
    const nowhere = await server.send(query, { input: { experimentId: 'exp_none', members } });
    expect(nowhere.errors[0]).toMatchObject({
      message: expect.stringContaining('there is no experiment exp_none'),
      extensions: { code: 'BAD_USER_INPUT', problems: [{ path: ['experimentId'] }] },
    });
  });
});
