import { isInputObjectType } from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SweepGrid } from '../../src/domain/sweepGrid.ts';
import { createSchema } from '../../src/graphql/schema.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { experimentOf } from '../support/catalogue.ts';
import { attemptAt, leaves } from './fixtures.ts';
import { type Batch, eventsOf, follow } from './follow.ts';

let server: ApiServer;
let experimentId: string;
beforeAll(async () => {
  server = await apiServer();
  experimentId = await experimentOf(server.context.db.prisma, await leaves(server.context, 'leaves'));
});
afterAll(() => server.close());

const start = `mutation ($input: StartSweepInput!) { startSweep(input: $input) {
  sweep { id name status } userErrors { code message path }
} }`;
const plan = `query ($input: StartSweepInput!) { sweepPlan(input: $input) {
  name runs { name config duplicateOf { id } problems { path } } problems { code message path }
} }`;
const preprocessings = [
  {
    name: 'squish',
    itemTransform: { size: { height: 64, width: 64 }, method: 'SQUISH' },
    size: { height: 64, width: 64 },
  },
];
const inputFields = (type: string) => {
  const input = createSchema().getType(type);
  if (!isInputObjectType(input)) throw new Error(`no input ${type}`);
  return Object.values(input.getFields());
};

test('a sweep takes every field of a config, those that runs may differ in as a list with the same default; its order is the order of the lists', () => {
  const ofRuns = inputFields('TrainingConfigInput').filter(
    ({ name }) => !['architecture', 'itemTransform', 'size'].includes(name),
  );
  const ofSweeps = inputFields('SweepConfigInput');
  expect(ofSweeps.map((field) => field.name)).toEqual(ofRuns.map((field) => field.name));
  const lists = ofSweeps.filter(({ name }) => !['labels', 'checkpoints'].includes(name));
  for (const field of lists) {
    const { defaultValue, type } = ofRuns.find(({ name }) => name === field.name)!;
    expect([field.name, String(field.type)]).toEqual([field.name, `[${type}!]`]);
    expect([field.name, field.defaultValue]).toEqual([
      field.name,
      defaultValue === undefined ? undefined : [defaultValue],
    ]);
  }
  const config = Object.fromEntries(lists.map(({ name }) => [name, [1, 2]]));
  const { name } = new SweepGrid({ architectures: ['a'], preprocessings: [{ itemTransform: {}, size: {} }], config });
  expect(name).toBe(
    ['1 architecture', '1 preprocessing', ...lists.map((field) => `2 values of ${field.name}`)].join(' x '),
  );
});

test('a sweep is planned, started, followed, read in order and canceled; its like is shown, not trained again', async () => {
  const input = {
    experimentId,
    architectures: ['convnext_atto', 'convnext_femto'],
    preprocessings,
    config: { effectiveBatchSize: 8, epochs: 1, baseLearningRate: [0.01, 0.002], seed: 3 },
  };
  const { sweepPlan } = await server.ask(plan, { input });
  const names = ['convnext_atto', 'convnext_femto'].flatMap((name) => [
    `${name} squish lr 0.01`,
    `${name} squish lr 0.002`,
  ]);
  expect(sweepPlan).toMatchObject({
    name: '2 architectures x 1 preprocessing x 2 values of baseLearningRate',
    runs: names.map((name) => ({ name, config: { epochs: 1, seed: 3 }, duplicateOf: null, problems: [] })),
    problems: [],
  });

  const { startSweep: first } = await server.ask(start, { input });
  expect(first).toEqual({ sweep: { id: expect.any(String), name: sweepPlan.name, status: 'QUEUED' }, userErrors: [] });
  const page = `query ($id: ID!, $after: String) { node(id: $id) { ... on Sweep {
    status runCounts { status count }
    runs(first: 3, after: $after) { nodes { id name config sweep { id } } pageInfo { hasNextPage endCursor } }
  } } }`;
  const { node } = await server.ask(page, { id: first.sweep.id });
  const { node: rest } = await server.ask(page, { id: first.sweep.id, after: node.runs.pageInfo.endCursor });
  const runs = [...node.runs.nodes, ...rest.runs.nodes];
  expect([node.runs.pageInfo.hasNextPage, rest.runs.pageInfo.hasNextPage]).toEqual([true, false]);
  expect(runs.map((run) => run.name)).toEqual(names);
  expect(runs.map((run) => run.config)).toEqual(sweepPlan.runs.map((run: { config: object }) => run.config));

  // One of its runs has succeeded when the same sweep is asked for with one more value.
  await (await attemptAt(server.context, runs[1]!.id)).succeed();
  const more = { ...input, skipIdentical: true, config: { ...input.config, baseLearningRate: [0.05, 0.01, 0.002] } };
  const { sweepPlan: next } = await server.ask(plan, { input: more });
  const known = [null, { id: runs[0]!.id }, { id: runs[1]!.id }, null, { id: runs[2]!.id }, { id: runs[3]!.id }];
  expect(next.runs.map((run: { duplicateOf: object }) => run.duplicateOf)).toEqual(known);
  const { startSweep: second } = await server.ask(start, { input: more });
  const query = `query ($id: ID!, $filter: String) {
    node(id: $id) { ... on Sweep { status runCounts { status count }
      runs(filter: "architecture = convnext_atto") { nodes { name sweep { id } } }
      byName: runs(orderBy: { field: NAME, direction: DESC }) { nodes { name } }
    } }
    runs(filter: $filter) { nodes { id } }
  }`;
  const read = async (id: string) => server.ask(query, { id, filter: `sweep = ${id}` });
  const answer = await read(second.sweep.id);
  expect(answer.node).toMatchObject({
    status: 'RUNNING',
    runCounts: [
      { status: 'QUEUED', count: 5 },
      { status: 'SUCCEEDED', count: 1 },
    ],
    runs: {
      nodes: [
        { name: 'convnext_atto squish lr 0.05', sweep: { id: second.sweep.id } },
        { name: 'convnext_atto squish lr 0.01', sweep: { id: first.sweep.id } },
        { name: 'convnext_atto squish lr 0.002', sweep: { id: first.sweep.id } },
      ],
    },
  });
  expect(answer.node.byName.nodes).toHaveLength(6);
  expect(answer.node.byName.nodes[0].name).toBe('convnext_femto squish lr 0.05');
  expect(answer.runs.nodes).toHaveLength(6);

  const stream = follow<Batch>(
    server.connect(),
    `subscription ($id: ID!) { experimentEvents(experimentId: $id) {
      cursor events { __typename cursor runId ... on RunStatusChanged { status } }
    } }`,
    { id: experimentId },
  );
  const cancel = `mutation ($id: ID!) { cancelSweep(id: $id) { sweep { status } userErrors { code path } } }`;
  for (let i = 0; i < 2; i++) {
    const { cancelSweep } = await server.ask(cancel, { id: second.sweep.id });
    expect(cancelSweep).toEqual({ sweep: { status: 'RUNNING' }, userErrors: [] });
  }
  expect((await read(first.sweep.id)).node.status).toBe('RUNNING');
  expect((await server.ask(cancel, { id: first.sweep.id })).cancelSweep).toEqual({
    sweep: { status: 'CANCELED' },
    userErrors: [],
  });
  expect((await read(second.sweep.id)).node.runCounts).toEqual([
    { status: 'SUCCEEDED', count: 1 },
    { status: 'CANCELED', count: 5 },
  ]);
  const canceled = (batches: Batch[]) =>
    (eventsOf(batches) as unknown as { runId: string; status: string }[]).filter(
      (event) => event.status === 'CANCELED',
    );
  await stream.until((batches) => canceled(batches).length >= 5);
  expect(new Set(canceled(stream.values).map((event) => event.runId)).size).toBe(5);
  expect(canceled(stream.values)).toHaveLength(5);
  stream.stop();
  expect((await server.ask(cancel, { id: 'swp_none' })).cancelSweep).toMatchObject({
    sweep: null,
    userErrors: [{ code: 'NOT_FOUND', path: ['id'] }],
  });
});

test('what a plan finds wrong is what the start refuses, at the same paths; nothing is made', async () => {
  const before = await server.context.db.prisma.run.count();
  const input = {
    experimentId,
    architectures: ['convnext_atto', 'nonesuch'],
    preprocessings,
    config: { effectiveBatchSize: [8, 7], accumulation: 2, epochs: [1, 0], labels: ['rust'] },
  };
  const { sweepPlan } = await server.ask(plan, { input });
  const { startSweep } = await server.ask(start, { input });
  expect(startSweep.sweep).toBeNull();
  expect(startSweep.userErrors).toEqual(sweepPlan.problems);
  const paths = sweepPlan.problems.map((problem: { path: string[] }) => problem.path.join('.'));
  for (const path of ['architectures.1', 'config.epochs.1', 'config.accumulation', 'config.labels.0']) {
    expect(paths).toContain(path);
  }
  expect(sweepPlan.runs).toHaveLength(8);
  for (const run of sweepPlan.runs) expect([run.config, run.problems.length > 0]).toEqual([null, true]);
  expect(await server.context.db.prisma.run.count()).toBe(before);

  const nowhere = { ...input, experimentId: 'exp_none' };
  const { sweepPlan: lost } = await server.ask(plan, { input: nowhere });
  expect(lost.problems).toContainEqual(expect.objectContaining({ code: 'NOT_FOUND', path: ['experimentId'] }));
});
