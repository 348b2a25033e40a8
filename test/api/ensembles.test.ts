import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { putPredictions } from '../../src/store/prediction.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { drawnPredictions, experimentOf, testRun } from '../support/catalogue.ts';
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
});
