import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { experimentOf, image, manifest, readyDataset } from '../support/catalogue.ts';
import { testDatabase } from '../support/database.ts';
import { type RunningProcess, spawnTypeScript } from '../support/processes.ts';
import { scriptedTrainer } from '../support/worker.ts';

const processes: RunningProcess[] = [];
const folders: string[] = [];
afterEach(async () => {
  await killAll();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true, maxRetries: 10 });
});

/** As when the machine loses power. */
async function killAll(): Promise<void> {
  for (const { child } of processes) child.kill('SIGKILL');
  await Promise.all(processes.splice(0).map(({ finished }) => finished));
}

const patience = { timeout: 60_000, interval: 50 };
/** So many that the second run is still at it when everything is killed. */
const points = 150;

test('server and worker killed in the middle of a sweep: after the next start every run succeeds once, in order', async () => {
  const database = await testDatabase();
  const home = await mkdtemp(path.join(os.tmpdir(), 'rungraph-sweep-'));
  folders.push(home);
  const images = ['blast', 'hispa'].flatMap((label) =>
    Array.from({ length: 10 }, (_, i) => image('TRAIN', `${label}${i}.jpg`, label)),
  );
  const experimentId = await experimentOf(
    database.prisma,
    await readyDataset(database.prisma, 'leaves', manifest(images)),
  );

  /** Starts both and gives a function that asks the server. */
  async function start() {
    const env = { DATABASE_URL: database.url, PORT: '0', DEVICE: 'cpu', RUNGRAPH_LOG: 'warn', RUNGRAPH_HOME: home };
    const server = spawnTypeScript('src/bin/server.ts', [], env);
    processes.push(server);
    const [, url] = await server.until(/(http:\/\/[\d.]+:\d+)/);
    const worker = spawnTypeScript('test/support/workerProcess.ts', [], { ...env, TRAINER_MODULE: scriptedTrainer });
    processes.push(worker);
    await worker.until(/ready/);
    return async (query: string, variables: object) => {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${url}/graphql`, {
        ...{ method: 'POST', headers },
        body: JSON.stringify({ query, variables }),
      });
      // biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
      const { data, errors } = (await response.json()) as any;
      expect(errors).toBeUndefined();
      return data;
    };
  }

  let ask = await start();
  const { startSweep } = await ask(
    `mutation ($experimentId: ID!) { startSweep(input: {
      experimentId: $experimentId, architectures: ["convnext_atto"]
      preprocessings: [{ name: "small", itemTransform: { size: { height: 64, width: 64 } }, size: { height: 32, width: 32 } }]
      config: { pretrained: false, weightsUri: "slow ${points}", effectiveBatchSize: 4, seed: [4, 3, 2, 1] }
    }) { sweep { id } userErrors { message } } }`,
    { experimentId },
  );
  expect(startSweep.userErrors).toEqual([]);
  const { id } = startSweep.sweep;
  const read = async () => {
    const { node } = await ask(
      `query ($id: ID!) { node(id: $id) { ... on Sweep { status runCounts { status count } runs { nodes {
        name status startedAt metrics { name count } attempts { number status failure { code } }
      } } } } }`,
      { id },
    );
    return node;
  };
  // The first has ended, the second is training, two wait.
  const told = async () => {
    const { rows } = await database.pool.query(
      `select status::text, exists (select from metric_point p where p.run_id = r.id) as measured from run r order by r.status::text desc`,
    );
    return rows;
  };
  await expect
    .poll(told, patience)
    .toEqual([
      { status: 'SUCCEEDED', measured: true },
      { status: 'RUNNING', measured: true },
      ...Array(2).fill({ status: 'QUEUED', measured: false }),
    ]);
  await killAll();

  ask = await start();
  expect((await read()).status).toBe('RUNNING');
  await expect.poll(async () => (await read()).status, patience).toBe('SUCCEEDED');
  const { runCounts, runs } = await read();
  expect(runCounts).toEqual([{ status: 'SUCCEEDED', count: 4 }]);
  const once = [{ number: 1, status: 'SUCCEEDED', failure: null }];
  const lost = [
    { number: 1, status: 'FAILED', failure: { code: 'LEASE_LOST' } },
    { number: 2, status: 'SUCCEEDED', failure: null },
  ];
  expect(runs.nodes).toEqual(
    [once, lost, once, once].map((attempts, i) => ({
      name: `convnext_atto small seed ${4 - i}`,
      status: 'SUCCEEDED',
      startedAt: expect.any(String),
      metrics: [{ name: 'train/loss', count: points }],
      attempts,
    })),
  );
  const starts = runs.nodes.map((run: { startedAt: string }) => run.startedAt);
  expect(starts.toSorted()).toEqual(starts);
  // Nothing is left to do: no job waits, none is being worked on.
  await expect
    .poll(async () => {
      const { rows } = await database.pool.query(
        `select state::text, count(*)::int from pgboss.job where name = 'run' group by state`,
      );
      return rows;
    }, patience)
    .toEqual([{ state: 'completed', count: 4 }]);
});
