/** What the pages of experiments ask for. */

import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { putPredictions } from '../../src/store/prediction.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { drawnPredictions, experimentOf, image, testId } from '../support/catalogue.ts';
import { attemptAt, leaves, points, problemsOfQuery, queuedRun, vocab } from './fixtures.ts';

let server: ApiServer;
let experimentId: string;
beforeAll(async () => {
  server = await apiServer();
  const holdout = Array.from({ length: 12 }, (_, i) => image('HOLDOUT', `${500 + i}.jpg`, vocab[i % 3]!));
  experimentId = await experimentOf(server.context.db.prisma, await leaves(server.context, 'leaves', holdout));
});
afterAll(() => server.close());

const problemsOf = (query: string, variables: object) => problemsOfQuery(server, query, variables);

describe('an experiment', () => {
  let own: string;
  const runs: Record<string, string> = {};
  beforeAll(async () => {
    const { prisma } = server.context.db;
    const { datasetId } = await prisma.experiment.findUniqueOrThrow({ where: { id: experimentId } });
    own = await experimentOf(prisma, datasetId, { name: 'charted' });
    for (const [i, value] of [0.5, 0.3, 0.4].entries()) {
      const runId = await queuedRun(server.context, own, `run ${i}`);
      runs[`run ${i}`] = runId;
      const attempt = await attemptAt(server.context, runId);
      await attempt.tell([points(1, { 'valid/error_rate': value, 'train/loss': value * 2 })]);
      if (i < 2) await attempt.succeed();
    }
    await queuedRun(server.context, own, 'waiting');
    const imageIds = Array.from({ length: 12 }, (_, i) => `${500 + i}.jpg`);
    await putPredictions(prisma, runs['run 0']!, drawnPredictions(4, imageIds, vocab, { split: 'HOLDOUT' }));
  });

  test('tells the figures of its runs', async () => {
    const { experiment } = await server.ask(
      `query ($id: ID!) { experiment(id: $id) { runCount runCounts { status count } bestHistory { at value } metricNames } }`,
      { id: own },
    );
    expect(experiment).toEqual({
      runCount: 4,
      runCounts: [
        { status: 'QUEUED', count: 1 },
        { status: 'RUNNING', count: 1 },
        { status: 'SUCCEEDED', count: 2 },
      ],
      bestHistory: [
        { at: expect.any(String), value: 0.5 },
        { at: expect.any(String), value: 0.3 },
      ],
      metricNames: ['train/loss', 'valid/error_rate'],
    });
    expect(
      await problemsOf('query ($id: ID!) { experiment(id: $id) { bestHistory(maxPoints: 1) { value } } }', { id: own }),
    ).toMatchObject([{ code: 'LIMIT_EXCEEDED', path: ['maxPoints'] }]);
  });

  const pointsQuery = `query ($id: ID!, $first: Int, $split: Split, $metric: String, $filter: String) { experiment(id: $id) {
    points(first: $first, split: $split, metric: $metric, filter: $filter) {
      runId name status value trainSeconds peakMemory imagesPerSecond architecture
    }
  } }`;

  test('has its runs as points, those with a score on the hold-out first', async () => {
    const pointsOf = async (variables: object) =>
      (await server.ask(pointsQuery, { id: own, ...variables })).experiment.points;
    const all = await pointsOf({ first: 10_000 });
    expect(all.map(({ name }: { name: string }) => name)).toEqual(['run 0', 'run 1', 'run 2']);
    expect(all[1]).toEqual({
      ...{ runId: runs['run 1'], name: 'run 1', status: 'SUCCEEDED', value: 0.3, trainSeconds: 60, peakMemory: null },
      ...{ imagesPerSecond: 12, architecture: 'convnext_atto' },
    });
    const names = async (variables: object) => (await pointsOf(variables)).map(({ name }: { name: string }) => name);
    expect(await names({ split: 'VALID' })).toEqual(['run 1', 'run 2', 'run 0']);
    expect(await names({ split: 'VALID', first: 1 })).toEqual(['run 1']);
    expect(await names({ split: 'HOLDOUT' })).toEqual(['run 0']);
    expect(await names({ metric: 'train/loss', filter: 'status = RUNNING' })).toEqual(['run 2']);
    for (const [variables, path] of [
      [{ first: 0 }, 'first'],
      [{ first: 10_001 }, 'first'],
      [{ split: 'TEST' }, 'split'],
      [{ split: 'HOLDOUT', metric: 'lr' }, 'metric'],
      [{ filter: 'name ~ x' }, 'filter'],
    ] as const) {
      const query = pointsQuery.replace(/runId .*/, 'name');
      expect(await problemsOf(query, { id: own, ...variables })).toMatchObject([{ path: [path] }]);
    }
  });

  test('shows pages of 1000 and 10000 points within what an operation may cost', async () => {
    const { status } = await server.send(pointsQuery, { id: own, first: 10_000 });
    expect(status).toBe(200);
    const leaderboard = `query ($id: ID!) { experiment(id: $id) { leaderboard(first: 1000, orderBy: { field: NAME, direction: ASC }) {
      totalCount pageInfo { hasNextPage endCursor }
      edges { rank cursor node { value { value nonFinite } predictionValue { value } step split splitHash comparable trainSeconds imagesPerSecond
        peakMemory run { id name status kind architecture tags config notes createdAt finishedAt progress { phase epoch epochs etaSeconds }
          metrics(names: ["train/loss", "valid/loss", "valid/accuracy"]) { name min { value } max { value } } } ensemble { id name method } } } } } }`;
    const { experiment } = await server.ask(leaderboard, { id: own });
    expect(experiment.leaderboard.totalCount).toBe(3);
    expect(experiment.leaderboard.edges[0].node.run.metrics).toEqual([
      { name: 'train/loss', min: { value: 1 }, max: { value: 1 } },
    ]);
  });

  test('compares its runs', async () => {
    const query = `query ($ids: [ID!]!) { compareRuns(ids: $ids) {
      runs { name } configDiff { path values } metrics { name values { value nonFinite } last { value } best }
    } }`;
    const ids = [runs['run 0'], runs['run 1'], runs['run 2']];
    const { prisma } = server.context.db;
    await prisma.$executeRaw`update run set config = jsonb_set(config, '{epochs}', '7') where id = ${runs['run 1']}`;
    const { compareRuns } = await server.ask(query, { ids });
    expect(compareRuns).toEqual({
      runs: [{ name: 'run 0' }, { name: 'run 1' }, { name: 'run 2' }],
      configDiff: [{ path: 'epochs', values: ['12', '7', '12'] }],
      metrics: [
        {
          ...{ name: 'train/loss', best: 1, last: [{ value: 1 }, { value: 0.6 }, { value: 0.8 }] },
          values: [1, 0.6, 0.8].map((value) => ({ value, nonFinite: null })),
        },
        {
          ...{ name: 'valid/error_rate', best: 1, last: [{ value: 0.5 }, { value: 0.3 }, { value: 0.4 }] },
          values: [0.5, 0.3, 0.4].map((value) => ({ value, nonFinite: null })),
        },
      ],
    });
    for (const [odd, code, message] of [
      [[], 'LIMIT_EXCEEDED', 'must be 1 to 100 runs, got 0'],
      [[ids[0], ids[1], ids[0]], 'INVALID', `${ids[0]} is given twice`],
      [[ids[0], 'run_none'], 'NOT_FOUND', 'there is no run run_none'],
      [Array.from({ length: 101 }, (_, i) => `run_${i}`), 'LIMIT_EXCEEDED', 'must be 1 to 100 runs, got 101'],
    ] as const) {
      expect(await problemsOf(query, { ids: odd })).toMatchObject([{ code, path: ['ids'], message }]);
    }
  });

  test('lists its sweeps and submissions newest first, and tells how many runs a list has', async () => {
    const { prisma } = server.context.db;
    const sweeps = ['first', 'second', 'third'].map((name) => ({ id: testId('sweep'), name, experimentId: own }));
    await prisma.sweep.createMany({ data: sweeps });
    const runIds = [runs['run 0']!, runs['run 2']!];
    await prisma.sweepMember.createMany({
      data: runIds.map((runId, position) => ({ sweepId: sweeps[0]!.id, position, runId })),
    });
    const submission = { contentHash: 'c', bytes: 1, rowCount: 1, message: null };
    const ids = [testId('submission'), testId('submission')];
    await prisma.submission.create({ data: { ...submission, id: ids[0]!, runId: runs['run 0']! } });
    const ensembleId = testId('ensemble');
    await prisma.ensemble.create({
      data: { id: ensembleId, name: 'both', experimentId: own, method: 'MEAN', input: {} },
    });
    await prisma.submission.create({ data: { ...submission, id: ids[1]!, ensembleId } });

    const query = `query ($id: ID!, $after: String, $filter: String) { experiment(id: $id) {
      sweeps(first: 2, after: $after) { nodes { name runs(filter: $filter, first: 1) { totalCount nodes { name } } } pageInfo { endCursor hasNextPage } }
      submissions { nodes { id run { name submissions { id } } ensemble { name } } }
      runs(filter: $filter, first: 1) { totalCount nodes { name memoryProbe { id } } }
    } }`;
    const { experiment } = await server.ask(query, { id: own });
    expect(experiment.sweeps.nodes.map(({ name }: { name: string }) => name)).toEqual(['third', 'second']);
    expect(experiment.submissions.nodes).toEqual([
      { id: ids[1], run: null, ensemble: { name: 'both' } },
      { id: ids[0], run: { name: 'run 0', submissions: [{ id: ids[0] }] }, ensemble: null },
    ]);
    expect(experiment.runs).toEqual({ totalCount: 4, nodes: [{ name: 'waiting', memoryProbe: null }] });
    const after = experiment.sweeps.pageInfo.endCursor;
    const { experiment: rest } = await server.ask(query, { id: own, after, filter: 'status = SUCCEEDED' });
    expect(rest.runs.totalCount).toBe(2);
    expect(rest.sweeps).toEqual({
      nodes: [{ name: 'first', runs: { totalCount: 1, nodes: [{ name: 'run 0' }] } }],
      pageInfo: { endCursor: expect.any(String), hasNextPage: false },
    });
  });
});

test('long answers are compressed, short ones are sent as they are', async () => {
  const headersOf = async (query: string) => (await server.send(query)).headers;
  const long = await headersOf('{ __schema { types { name description } } }');
  expect(long.get('content-encoding')).toBe('gzip');
  const short = await headersOf('{ server { version } }');
  expect(short.get('content-encoding')).toBeNull();
});

test('the number of queries does not grow with the number of experiments and entries', async () => {
  const { context } = server;
  for (let i = 0; i < 6; i++) {
    const own = await experimentOf(context.db.prisma, null, { name: `counted ${i}` });
    for (let j = 0; j < i; j++) {
      const attempt = await attemptAt(context, await queuedRun(context, own));
      await attempt.tell([points(1, { 'valid/error_rate': 0.1 * j, lr: 1 })]);
    }
  }
  const queries = vi.spyOn(context.db.pool, 'query');
  onTestFinished(() => queries.mockRestore());
  const count = async (query: string, variables: object) => {
    queries.mockClear();
    await server.ask(query, variables);
    // The wake-ups of the runs made above may still be on their way.
    const texts = queries.mock.calls.map(
      ([query]: readonly unknown[]) => (query as { text?: string }).text ?? `${query}`,
    );
    return texts.filter((text) => !text.includes('pg_notify')).length;
  };
  const list = `query ($first: Int) { experiments(search: "counted", first: $first) { nodes {
    eventCursor runCount runCounts { count } bestHistory { value } bestRun { name memoryProbe { id } submissions { id } metrics(names: ["lr"]) { name } }
  } } }`;
  expect(await count(list, { first: 6 })).toBe(await count(list, { first: 2 }));
  const board = `query ($first: Int) { experiment(name: "counted 5") { leaderboard(first: $first, orderBy: { field: NAME }) { totalCount nodes {
    run { name metrics(names: ["lr"]) { name } tags progress { epoch } submissions { id } }
  } } } }`;
  expect(await count(board, { first: 5 })).toBe(await count(board, { first: 2 }));
});
