import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { experimentOf } from '../support/catalogue.ts';
import { leaves, smallConfig } from './fixtures.ts';

let server: ApiServer;
let experimentId: string;
beforeAll(async () => {
  server = await apiServer();
  experimentId = await experimentOf(server.context.db.prisma, await leaves(server.context, 'leaves'));
});
afterAll(() => server.close());

const startRun = `mutation ($input: StartRunInput!) {
  startRun(input: $input) { run { id name status config tags architecture } userErrors { code message path } }
}`;

async function runCount(): Promise<number> {
  return server.context.db.prisma.run.count();
}

describe('data sets and experiments', () => {
  const importDataset = `mutation ($input: ImportDatasetInput!) {
    importDataset(input: $input) { dataset { id name path status vocab } userErrors { code message path } }
  }`;

  test('an import starts, and comes back by its idempotency key', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-folder-'));
    const input = { name: 'imported', path: folder, idempotencyKey: 'once' };
    const { importDataset: first } = await server.ask(importDataset, { input });
    expect(first).toMatchObject({
      dataset: { name: 'imported', path: folder, status: 'IMPORTING', vocab: [] },
      userErrors: [],
    });
    const { importDataset: again } = await server.ask(importDataset, { input });
    expect(again.dataset.id).toBe(first.dataset.id);
    const { importDataset: other } = await server.ask(importDataset, { input: { ...input, name: 'other' } });
    expect(other).toMatchObject({ dataset: null, userErrors: [{ code: 'CONFLICT', path: ['idempotencyKey'] }] });
    await rm(folder, { recursive: true });
  });

  test('a missing folder is refused by name', async () => {
    const { importDataset: answer } = await server.ask(importDataset, {
      input: { name: 'x', path: '/no/such/folder' },
    });
    expect(answer).toMatchObject({
      dataset: null,
      userErrors: [{ code: 'NOT_FOUND', path: ['path'], message: expect.stringContaining('/no/such/folder') }],
    });
  });

  test('a name is taken once', async () => {
    const { createExperiment } = await server.ask(
      `mutation { createExperiment(input: { name: "paddy" }) { experiment { id } userErrors { code path } } }`,
    );
    expect(createExperiment).toEqual({ experiment: null, userErrors: [{ code: 'ALREADY_EXISTS', path: ['name'] }] });
  });

  test('an objective is kept', async () => {
    const { createExperiment } = await server.ask(`mutation {
      createExperiment(input: { name: "by accuracy", objective: { metric: "valid/accuracy", direction: DESC } }) {
        experiment { objective { metric direction } dataset { id } runCount bestRun { id } } userErrors { code }
      }
    }`);
    expect(createExperiment).toEqual({
      experiment: {
        objective: { metric: 'valid/accuracy', direction: 'DESC' },
        dataset: null,
        runCount: 0,
        bestRun: null,
      },
      userErrors: [],
    });
  });
});

describe('runs', () => {
  test('a run starts with its config completed', async () => {
    const { startRun: answer } = await server.ask(startRun, {
      input: { experimentId, config: smallConfig, tags: ['a'] },
    });
    expect(answer.userErrors).toEqual([]);
    expect(answer.run).toMatchObject({ status: 'QUEUED', architecture: 'convnext_atto', tags: ['a'] });
    expect(answer.run.config).toMatchObject({ epochs: 12, freezeEpochs: 1, accumulation: 1, seed: expect.any(Number) });
  });

  test('every wrong field of a config is reported at once, and nothing is started', async () => {
    const before = await runCount();
    const config = { ...smallConfig, epochs: 0, validFraction: 2, seed: -1 };
    const { startRun: answer } = await server.ask(startRun, { input: { experimentId, config } });
    expect(answer.run).toBeNull();
    const paths = answer.userErrors.map((e: { path: string[] }) => e.path.join('.'));
    expect(paths.sort()).toEqual(['config.epochs', 'config.seed', 'config.validFraction']);
    expect(await runCount()).toBe(before);
  });

  test.for([
    ['an unknown architecture', { architecture: 'resnet_9000' }, 'architecture', 'resnet_9000'],
    [
      'a size its architecture refuses',
      { architecture: 'vit_tiny_patch16_224', size: { height: 65, width: 64 } },
      'size',
      '65x64',
    ],
    ['accumulation that does not divide', { accumulation: 3 }, 'accumulation', 'divide effectiveBatchSize (8)'],
    ['accumulation above the batch', { accumulation: 16 }, 'accumulation', 'exceed effectiveBatchSize (8)'],
  ] as const)('%s is refused on its field', async ([, change, field, words]) => {
    const config = { ...smallConfig, ...change };
    const { startRun: answer } = await server.ask(startRun, { input: { experimentId, config } });
    expect(answer).toMatchObject({
      run: null,
      userErrors: [{ code: 'INVALID', path: ['config', field], message: expect.stringContaining(words) }],
    });
  });

  test('a queued run is canceled at once', async () => {
    const { startRun: started } = await server.ask(startRun, { input: { experimentId, config: smallConfig } });
    const cancel = `mutation ($id: ID!) { cancelRun(id: $id) { run { status finishedAt } userErrors { code path } } }`;
    const { cancelRun } = await server.ask(cancel, { id: started.run.id });
    expect(cancelRun).toEqual({ run: { status: 'CANCELED', finishedAt: expect.any(String) }, userErrors: [] });
    const { cancelRun: unknown } = await server.ask(cancel, { id: 'run_nowhere' });
    expect(unknown).toMatchObject({ run: null, userErrors: [{ code: 'NOT_FOUND' }] });
  });
});

describe('sweeps and probes', () => {
  const startSweep = `mutation ($input: StartSweepInput!) {
    startSweep(input: $input) {
      sweep { id status runCounts { status count } runs(orderBy: { field: CREATED_AT, direction: ASC }) { nodes { architecture config } } }
      userErrors { code message path }
    }
  }`;
  const preprocessings = [
    {
      name: 'squished',
      itemTransform: { size: { height: 64, width: 64 }, method: 'SQUISH' },
      size: { height: 64, width: 64 },
    },
    { name: 'cropped', itemTransform: { size: { height: 96, width: 64 } }, size: { height: 96, width: 64 } },
  ];

  test('a sweep starts a run per architecture and preprocessing, and is canceled whole', async () => {
    const architectures = ['convnext_atto', 'vit_tiny_patch16_224'];
    const config = { effectiveBatchSize: 8, accumulation: 2, epochs: 1, seed: 7 };
    const { startSweep: answer } = await server.ask(startSweep, {
      input: { experimentId, architectures, preprocessings, config },
    });
    expect(answer.userErrors).toEqual([]);
    const { id, status, runCounts, runs } = answer.sweep;
    expect({ status, runCounts }).toEqual({ status: 'QUEUED', runCounts: [{ status: 'QUEUED', count: 4 }] });
    // biome-ignore lint/suspicious/noExplicitAny: JSON
    const made = runs.nodes.map((run: any) => [
      run.architecture,
      run.config.size.height,
      run.config.itemTransform.method,
    ]);
    expect(made).toEqual([
      ['convnext_atto', 64, 'SQUISH'],
      ['convnext_atto', 96, 'CROP'],
      ['vit_tiny_patch16_224', 64, 'SQUISH'],
      ['vit_tiny_patch16_224', 96, 'CROP'],
    ]);
    for (const run of runs.nodes) expect(run.config).toMatchObject({ accumulation: 2, epochs: 1, seed: 7 });

    const { cancelSweep } = await server.ask(
      `mutation ($id: ID!) { cancelSweep(id: $id) { sweep { status } userErrors { code } } }`,
      { id },
    );
    expect(cancelSweep).toEqual({ sweep: { status: 'CANCELED' }, userErrors: [] });
  });

  test('one wrong member and no run of the sweep is started', async () => {
    const before = await runCount();
    const config = { effectiveBatchSize: 8 };
    const input = { experimentId, architectures: ['convnext_atto', 'nonesuch'], preprocessings, config };
    const { startSweep: answer } = await server.ask(startSweep, { input });
    expect(answer).toMatchObject({ sweep: null, userErrors: [{ code: 'INVALID', path: ['architectures', '1'] }] });
    expect(await runCount()).toBe(before);
  });

  test('a probe takes its budget in one unit or the other', async () => {
    const probeMemory = `mutation ($input: ProbeMemoryInput!) {
      probeMemory(input: $input) {
        memoryProbe {
          id budget engine device run { kind status }
          targets {
            architecture precision recommendation size { height width } itemTransform { size { height width } method }
            trials { accumulation cached } failure { code message } equivalence { agrees }
          }
        }
        userErrors { code path }
      }
    }`;
    const size = { height: 64, width: 64 };
    const target = { architecture: 'convnext_atto', size };
    const input = { experimentId, targets: [target], effectiveBatchSize: 8 };
    const { probeMemory: inMebibytes } = await server.ask(probeMemory, {
      // One thing stands for a list of it.
      input: { ...input, targets: target, budget: { mebibytes: 512 } },
    });
    expect(inMebibytes).toMatchObject({
      memoryProbe: {
        ...{ budget: 2 ** 29, engine: null, device: null, run: { kind: 'MEMORY_PROBE', status: 'QUEUED' } },
        targets: [
          {
            ...{ ...target, precision: 'AUTO', itemTransform: { size, method: 'CROP' } },
            ...{ trials: [], recommendation: null, failure: null, equivalence: null },
          },
        ],
      },
      userErrors: [],
    });
    const vit = { architecture: 'vit_tiny_patch16_224', size };
    const { probeMemory: inBytes } = await server.ask(probeMemory, {
      input: { ...input, targets: [vit, target], budget: { bytes: 6e9 } },
    });
    expect(inBytes.memoryProbe.budget).toBe(6e9);
    const both = await server.send(probeMemory, { input: { ...input, budget: { bytes: 1, mebibytes: 1 } } });
    expect(both.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);

    const { memoryProbes } = await server.ask(
      '{ memoryProbes(architecture: "convnext_atto.d2_in1k") { nodes { budget } } }',
    );
    expect(memoryProbes.nodes).toEqual([{ budget: 6e9 }, { budget: 2 ** 29 }]);
  });

  test('a probe with a wrong target is refused, and told which it is', async () => {
    const probeMemory = `mutation ($input: ProbeMemoryInput!) {
      probeMemory(input: $input) { memoryProbe { id } userErrors { code path } }
    }`;
    const size = { height: 64, width: 64 };
    const target = { architecture: 'convnext_atto', size };
    const refused = async (input: object) => {
      const answer = await server.ask(probeMemory, { input: { experimentId, budget: { bytes: 1e9 }, ...input } });
      expect(answer.probeMemory.memoryProbe).toBeNull();
      return answer.probeMemory.userErrors;
    };
    const before = await runCount();
    const targets = [target, { architecture: 'nonesuch', size }, { ...target, size: { height: 0, width: 64 } }];
    expect(await refused({ targets })).toEqual([
      { code: 'INVALID', path: ['targets', '1', 'architecture'] },
      { code: 'INVALID', path: ['targets', '2', 'itemTransform', 'size', 'height'] },
      { code: 'INVALID', path: ['targets', '2', 'size', 'height'] },
    ]);
    expect(await refused({ targets: [target, { ...target, architecture: 'convnext_atto.d2_in1k' }] })).toEqual([
      { code: 'INVALID', path: ['targets', '1'] },
    ]);
    expect(await refused({ targets: [target, { ...target, precision: 'FP32' }], effectiveBatchSize: 1 })).toEqual([
      { code: 'INVALID', path: ['effectiveBatchSize'] },
    ]);
    expect(await refused({ targets: [] })).toEqual([{ code: 'INVALID', path: ['targets'] }]);
    expect(await refused({ targets: Array(51).fill(target) })).toEqual([{ code: 'LIMIT_EXCEEDED', path: ['targets'] }]);
    for (const budget of [{ bytes: 0 }, { mebibytes: 63 }, { mebibytes: -64 }]) {
      expect(await refused({ targets: [target], budget })).toEqual([{ code: 'INVALID', path: ['budget'] }]);
    }
    expect(await runCount()).toBe(before);
  });
});
