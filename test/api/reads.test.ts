import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { migrationNames } from '../../src/db/migrationFiles.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { experimentOf, image, testRun } from '../support/catalogue.ts';
import { attemptAt, epoch, leaves, points, queuedRun, testWorker } from './fixtures.ts';

let server: ApiServer;
let datasetId: string;
let experimentId: string;
beforeAll(async () => {
  server = await apiServer();
  datasetId = await leaves(server.context, 'leaves', [image('HOLDOUT', '500.jpg', 'blast')]);
  experimentId = await experimentOf(server.context.db.prisma, datasetId);
});
afterAll(() => server.close());

describe('pages', () => {
  let own: string;
  const names = ['c', 'a', 'e', 'b', 'd', 'g', 'f'];
  beforeAll(async () => {
    const { prisma } = server.context.db;
    own = await experimentOf(prisma, datasetId, { name: 'paged' });
    const values = [0.3, null, 0.1, 0.3, null, 0.2, 0.3];
    for (const [i, name] of names.entries()) await testRun(prisma, own, { name, objectiveValue: values[i]! });
  });

  async function walk(orderBy: object | null, first: number): Promise<string[]> {
    const query = `query ($id: ID!, $orderBy: RunOrderInput, $first: Int, $after: String) {
      experiment(id: $id) { runs(orderBy: $orderBy, first: $first, after: $after) {
        edges { cursor node { name } } nodes { name } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      } }
    }`;
    const seen: string[] = [];
    for (let after: string | null = null; ; ) {
      const { experiment } = await server.ask(query, { id: own, orderBy, first, after });
      const { edges, nodes, pageInfo } = experiment.runs;
      // biome-ignore lint/suspicious/noExplicitAny: JSON
      expect(edges.map((edge: any) => edge.node)).toEqual(nodes);
      expect(pageInfo.hasPreviousPage).toBe(after !== null);
      expect([pageInfo.startCursor, pageInfo.endCursor]).toEqual([edges[0].cursor, edges.at(-1).cursor]);
      seen.push(...nodes.map(({ name }: { name: string }) => name));
      if (!pageInfo.hasNextPage) return seen;
      after = pageInfo.endCursor;
    }
  }

  test.for([
    ['newest first by default', null, 'f g d b e a c'],
    ['by name', { field: 'NAME', direction: 'ASC' }, 'a b c d e f g'],
    [
      'by objective, equal ones and those without in order of creation',
      { field: 'OBJECTIVE', direction: 'ASC' },
      'e g c b f a d',
    ],
  ] as const)('a walk %s meets every run once', async ([, orderBy, expected]) => {
    for (const first of [1, 2, 3, 7, 100]) expect((await walk(orderBy, first)).join(' ')).toBe(expected);
  });

  test('a walk is not disturbed by what is added at its start', async () => {
    const query = `query ($after: String) { experiment(name: "paged") {
      runs(first: 3, after: $after, filter: "not name = late") { nodes { name } pageInfo { endCursor } }
    } }`;
    const first = (await server.ask(query)).experiment.runs;
    await testRun(server.context.db.prisma, own, { name: 'late' });
    const second = (await server.ask(query, { after: first.pageInfo.endCursor })).experiment.runs;
    expect([...first.nodes, ...second.nodes].map(({ name }) => name).join('')).toBe('fgdbea');
  });

  test('a cursor that is none, and a page size out of bounds, are the caller’s mistakes', async () => {
    for (const [args, path] of [
      ['after: "nonsense"', 'after'],
      ['after: "WzEsMl0"', 'after'],
      ['first: 0', 'first'],
      ['first: 101', 'first'],
    ] as const) {
      for (const list of ['runs', 'datasets', 'experiments', 'memoryProbes']) {
        const { errors, data } = await server.send(`{ ${list}(${args}) { nodes { id } } }`);
        expect(data).toBeNull();
        expect(errors, `${list}(${args})`).toMatchObject([
          { path: [list], extensions: { code: 'BAD_USER_INPUT', problems: [{ path: [path] }] } },
        ]);
      }
    }
  });

  test('a filter that cannot be read says where', async () => {
    const { errors } = await server.send('{ runs(filter: "name = a and and") { nodes { id } } }');
    expect(errors[0]!.extensions!.problems).toMatchObject([{ code: 'INVALID', path: ['filter'] }]);
  });
});

describe('objects', () => {
  test('a data set tells what it holds', async () => {
    const { dataset } = await server.ask(
      `query ($id: ID!) { dataset(id: $id) {
        name status vocab trainCount testCount holdoutCount labelCounts { label count } smallestLabel { label }
        imageSizes { width height count } problems(first: 1000) { nodes { path } } problemCounts { count }
        experimentCount experiments { nodes { id } }
        samples(split: TRAIN, label: "hispa", first: 2) { nodes { id imageId label thumbnailUrl } pageInfo { hasNextPage } }
      } }`,
      { id: datasetId },
    );
    expect(dataset).toMatchObject({
      ...{ name: 'leaves', status: 'READY', trainCount: 30, testCount: 4, holdoutCount: 1 },
      smallestLabel: { label: 'normal' },
      imageSizes: [{ width: 480, height: 640, count: 35 }],
      problems: { nodes: [] },
      problemCounts: [],
    });
    expect(dataset.experiments.nodes).toContainEqual({ id: experimentId });
    expect(dataset.experiments.nodes).toHaveLength(dataset.experimentCount);
    expect((await server.ask('{ datasets(search: "EAVE") { nodes { name } } }')).datasets.nodes).toEqual([
      { name: 'leaves' },
    ]);
    expect(dataset.samples.nodes.map(({ label }: { label: string }) => label)).toEqual(['hispa', 'hispa']);
    expect(dataset.samples.pageInfo.hasNextPage).toBe(true);
  });

  test('are found by id or name, by exactly one of them', async () => {
    const { experiment } = await server.ask('{ experiment(name: "paddy") { id dataset { id } } }');
    expect(experiment).toEqual({ id: experimentId, dataset: { id: datasetId } });
    expect(await server.ask('{ dataset(name: "nobody") { id } }')).toEqual({ dataset: null });
    for (const args of ['', '(id: "ds_1", name: "leaves")']) {
      const { errors } = await server.send(`{ dataset${args} { id } }`);
      expect(errors).toMatchObject([{ message: 'give exactly one of id and name' }]);
    }
  });

  test('node finds every type by the prefix of its id', async () => {
    const runId = await queuedRun(server.context, experimentId);
    const { workerId } = await attemptAt(server.context, runId);
    const node = (id: string) => server.ask('query ($id: ID!) { node(id: $id) { __typename id } }', { id });
    for (const [id, type] of [
      [datasetId, 'Dataset'],
      [experimentId, 'Experiment'],
      [runId, 'Run'],
      [workerId, 'Worker'],
    ] as const) {
      expect(await node(id)).toEqual({ node: { __typename: type, id } });
    }
    for (const id of ['nonsense', `${runId.slice(0, -1)}~`, experimentId.replace('exp', 'run')]) {
      expect(await node(id)).toEqual({ node: null });
    }
  });

  test('architectures are searched by part of a name or alias', async () => {
    const { architectures } = await server.ask(
      '{ architectures(search: "Tiny") { name allowedSides { description smallest multipleOf only } } }',
    );
    expect(architectures).toMatchObject([
      { name: 'convnext_tiny_in22k', allowedSides: { smallest: 32, multipleOf: 1, only: null } },
      { name: 'vit_tiny_patch16_224', allowedSides: { description: 'at least 32 pixels, a multiple of 16' } },
      { name: 'swin_tiny_patch4_window7_224', allowedSides: { smallest: 32, multipleOf: 4, only: null } },
      { name: 'swinv2_tiny_window8_256', allowedSides: { smallest: 64, multipleOf: 32 } },
    ]);
    expect(architectures[3].allowedSides.only.slice(0, 5)).toEqual([64, 128, 256, 512, 768]);
  });

  test('a run tells all that its worker told', async () => {
    const runId = await queuedRun(server.context, experimentId, 'told');
    const attempt = await attemptAt(server.context, runId);
    await attempt.tell([
      {
        kind: 'started',
        environment: { engine: 'onnxruntime', device: 'cpu', precision: 'FP32', versions: { ort: '1' } },
        resumedFrom: null,
      },
      points(1, { 'train/loss': 2.5 }),
      points(2, { 'train/loss': Number.NaN }),
      points(3, { 'train/loss': 1.5, 'valid/error_rate': 0.25 }),
      epoch(0, 0.25, { validLoss: Number.POSITIVE_INFINITY }),
      { kind: 'memory', point: { step: 3, used: 4e9, peak: 5e9, deviceUsed: null, deviceTotal: null } },
      { kind: 'log', line: 'hello', stream: 'stdout' },
    ]);
    await attempt.succeed();
    const value = '{ value nonFinite }';
    const { run } = await server.ask(
      `query ($id: ID!) { run(id: $id) {
        status startedAt finishedAt failure { code } peakMemory trainSeconds imagesPerSecond
        attempts { number engine device precision versions worker { id host online } failure { code } }
        epochs { index trainLoss ${value} validLoss ${value} errorRate learningRates }
        metrics { name count first ${value} last ${value} min ${value} minStep max ${value} maxStep }
        metricHistory(names: ["train/loss"], afterStep: 1) { name total downsampled points { step value ${value} } }
        memory { unit budget points { step used peak deviceUsed } }
        logs { nodes { seq stream line } hasNextPage }
        experiment { bestRun { name } leaderboard { edges { rank node { value ${value} run { name } comparable } } } }
      } }`,
      { id: runId },
    );
    expect(run).toMatchObject({
      ...{ status: 'SUCCEEDED', failure: null, trainSeconds: 60, imagesPerSecond: 12, peakMemory: 5e9 },
      attempts: [
        {
          ...{
            number: 1,
            engine: 'onnxruntime',
            device: 'cpu',
            precision: 'FP32',
            versions: { ort: '1' },
            failure: null,
          },
          worker: { id: attempt.workerId, host: 'here', online: true },
        },
      ],
      epochs: [
        {
          ...{ index: 0, errorRate: 0.25, learningRates: [1e-4, 1e-2], trainLoss: { value: 1, nonFinite: null } },
          validLoss: { value: null, nonFinite: 'POSITIVE_INFINITY' },
        },
      ],
      metricHistory: [
        {
          ...{ name: 'train/loss', total: 2, downsampled: false },
          points: [
            { step: 2, value: { value: null, nonFinite: 'NAN' } },
            { step: 3, value: { value: 1.5, nonFinite: null } },
          ],
        },
      ],
      memory: { unit: 'bytes', budget: null, points: [{ step: 3, used: 4e9, peak: 5e9, deviceUsed: null }] },
      logs: { nodes: [{ seq: 1, stream: 'stdout', line: 'hello' }], hasNextPage: false },
      experiment: {
        bestRun: { name: 'told' },
        leaderboard: { edges: [{ rank: 1, node: { value: { value: 0.25, nonFinite: null }, run: { name: 'told' } } }] },
      },
    });
    const loss = run.metrics.find(({ name }: { name: string }) => name === 'train/loss');
    expect(loss).toMatchObject({ count: 3, min: { value: 1.5 }, minStep: 3, max: { value: 2.5 }, maxStep: 1 });
    const tooMany = await server.send('query ($id: ID!) { run(id: $id) { memory(maxPoints: 10001) { unit } } }', {
      id: runId,
    });
    expect(tooMany.errors[0]!.extensions!.problems).toMatchObject([{ code: 'LIMIT_EXCEEDED', path: ['maxPoints'] }]);
  });

  test('the server names the engines of the workers online', async () => {
    const { server: info, workers } = await server.ask(
      '{ server { version schemaVersion engines } workers { online engine devices { name } currentRuns { id } } }',
    );
    expect(info).toEqual({
      version: expect.any(String),
      schemaVersion: migrationNames().length,
      engines: [testWorker.engine],
    });
    expect(workers.length).toBeGreaterThan(0);
  });
});

test('the number of queries does not grow with the number of runs', async () => {
  const query = `query ($first: Int!) { runs(first: $first, filter: "name like counted*") { nodes {
    experiment { name runCount dataset { name trainCount } bestRun { name } }
    attempts { worker { host } } epochs { index } metrics { name } predictions { id } sweep { name }
  } } }`;
  for (let i = 0; i < 12; i++) {
    const runId = await queuedRun(server.context, experimentId, `counted ${i}`);
    const attempt = await attemptAt(server.context, runId);
    await attempt.tell([epoch(0, 0.5), points(1, { 'train/loss': 1 })]);
  }
  const queries = vi.spyOn(server.context.db.pool, 'query');
  const count = async (first: number) => {
    queries.mockClear();
    const { runs } = await server.ask(query, { first });
    expect(runs.nodes.length).toBe(first);
    // The wake-ups of the runs made above may still be on their way.
    return queries.mock.calls.map(textOf).filter((text) => !text.includes('pg_notify')).length;
  };
  const forTwo = await count(2);
  expect(forTwo).toBeGreaterThan(8);
  expect(await count(12)).toBe(forTwo);
  queries.mockRestore();
});

function textOf([query]: readonly unknown[]): string {
  return typeof query === 'string' ? query : (query as { text: string }).text;
}
