/**
 * What the dashboard asks a server about an experiment with many runs, over HTTP as a browser does:
 * `node --import tsx bench/dashboardQueries.ts [--runs 10000] [--points 1000000] [--rounds 7]`.
 * Half of the runs have predictions of a hold-out, each has 8 series, one has a series of as many points as asked for.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { createLocalStore } from '../src/blobs/localStore.ts';
import { createCommandContext } from '../src/commands/context.ts';
import { openDatabase } from '../src/db/database.ts';
import { startEmbeddedPostgres } from '../src/db/embeddedPostgres.ts';
import { createListener } from '../src/db/listener.ts';
import { migrate } from '../src/db/migrate.ts';
import { createRunEventHub } from '../src/events/hub.ts';
import { createRunWaker } from '../src/events/waker.ts';
import { createLogger } from '../src/log.ts';
import { openQueue } from '../src/queue/queue.ts';
import { startServer } from '../src/server/server.ts';
import { leaves, vocab } from '../test/api/fixtures.ts';
import { openAccess } from '../test/support/apiServer.ts';
import { experimentOf, image } from '../test/support/catalogue.ts';
import { openFiles } from '../test/support/filePolicy.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10000' },
    points: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '7' },
  },
});
const [runs, points, rounds] = [values.runs, values.points, values.rounds].map(Number) as [number, number, number];

const home = await mkdtemp(join(tmpdir(), 'rungraph-bench-'));
const log = createLogger('bench', 'warn');
const postgres = await startEmbeddedPostgres(join(home, 'postgres'));
await migrate(postgres.url);
const db = await openDatabase(postgres.url);
const queue = await openQueue(postgres.url, { consumes: false, log });
const waker = createRunWaker(db);
const files = openFiles(home);
const commands = createCommandContext({ db, queue, blobs: createLocalStore(join(home, 'blobs')), files, waker });
const listener = createListener(postgres.url);
const hub = createRunEventHub(db, listener);
const server = await startServer({
  config: { host: '127.0.0.1', port: 0, access: openAccess, introspection: undefined, limits: {} },
  ...{ commands, hub, listener, log },
});

const holdout = Array.from({ length: 60 }, (_, i) => image('HOLDOUT', `${500 + i}.jpg`, vocab[i % 3]!));
const experimentId = await experimentOf(db.prisma, await leaves(commands, 'leaves', holdout), { name: 'many runs' });
await db.pool.query(
  `with made as (
    insert into run (id, name, kind, status, experiment_id, config, architecture, tags, created_at, started_at, finished_at,
      objective_value, objective_step, peak_memory, images_per_second, train_seconds)
    select 'run_' || lpad(i::text, 8, '0'), 'run ' || i, 'TRAINED', 'SUCCEEDED', $1,
      jsonb_build_object('architecture', 'convnext_tiny_in22k', 'seed', i % 3, 'validFraction', 0.2, 'labels', null, 'epochs', 12,
        'itemTransform', jsonb_build_object('method', 'SQUISH', 'size', jsonb_build_object('height', 480, 'width', 360))),
      'convnext_tiny_in22k', '{baseline}', now() - i * interval '1 minute', now() - i * interval '1 minute', now() - i * interval '50 seconds',
      random(), 12, (random() * 8e9)::bigint, random() * 100, random() * 1000
    from generate_series(1, $2::int) i returning id, objective_value
  ), names as (
    insert into metric_name (name) select unnest(array['train/loss', 'valid/loss', 'valid/error_rate', 'valid/accuracy', 'lr', 'momentum', 'train/images_per_second', 'train/grad_norm'])
    on conflict do nothing returning id
  ), summaries as (
    insert into metric_summary (run_id, name_id, count, first_step, first, last_step, last, min, min_step, max, max_step)
    select made.id, names.id, 100, 1, 1, 100, 0.5, random(), 90, 1, 1 from made, names
  ), sets as (
    insert into prediction_set (id, run_id, split, kind, row_count, vocab, image_ids, content_hash, rows_hash, passes, error_rate, accuracy, log_loss)
    select 'pred_' || id, id, 'HOLDOUT', 'TTA', 60, '{blast,hispa,normal}', '{}', 'c', 'r', 4, objective_value, 1 - objective_value, objective_value * 2
    from made where right(id, 1) < '5'
  )
  insert into metric_point (run_id, name_id, step, value)
  select (select min(id) from made), (select min(id) from names), step, exp(-step / 1e5) + random() * 0.1 from generate_series(1, $3::int) step`,
  [experimentId, runs, points],
);
await db.pool.query('vacuum analyze');

const entry = `rank node { value { value } predictionValue { value } step split comparable splitHash trainSeconds imagesPerSecond peakMemory
  run { id name status architecture tags createdAt progress { epoch epochs etaSeconds } } ensemble { id name } }`;
const queries: readonly [name: string, query: string, variables?: object][] = [
  [
    'experiments list: 50 with counts, best run, sparkline',
    `{ experiments(first: 50) { nodes { id name eventCursor runCount runCounts { status count } bestRun { id name } bestHistory { at value }
      objective { metric direction } } } }`,
  ],
  [
    'leaderboard: 1000 by rank',
    `{ experiment(name: "many runs") { leaderboard(first: 1000) { totalCount edges { ${entry} } } } }`,
  ],
  [
    'leaderboard: 1000 by rank, VALID',
    `{ experiment(name: "many runs") { leaderboard(split: VALID, first: 1000) { totalCount edges { ${entry} } } } }`,
  ],
  [
    'leaderboard: 1000 by memory',
    `{ experiment(name: "many runs") { leaderboard(first: 1000, orderBy: { field: PEAK_MEMORY }) { totalCount edges { ${entry} } } } }`,
  ],
  [
    'leaderboard: 1000 by predictions',
    `{ experiment(name: "many runs") { leaderboard(first: 1000, orderBy: { field: PREDICTION_VALUE }) { totalCount edges { ${entry} } } } }`,
  ],
  [
    'leaderboard: 100, filtered by metric and architecture',
    `{ experiment(name: "many runs") { leaderboard(first: 100, filter: "arch like convnext* and valid/loss < 0.5") { totalCount edges { ${entry} } } } }`,
  ],
  [
    'points: 10000',
    `{ experiment(name: "many runs") { points(first: 10000) { runId name status value trainSeconds peakMemory imagesPerSecond architecture } } }`,
  ],
  ['metricNames', `{ experiment(name: "many runs") { metricNames } }`],
  [
    'series of a run: 1000 of all points',
    `{ run(id: "run_00000001") { metricHistory(maxPoints: 1000) { name total downsampled points { step value { value nonFinite } } } } }`,
  ],
  [
    'series of a run: 1000 of a tenth',
    `query ($to: Long) { run(id: "run_00000001") { metricHistory(maxPoints: 1000, fromStep: 0, toStep: $to) { total points { step value { value nonFinite } } } } }`,
    { to: Math.floor(points / 10) },
  ],
];

const table = new Table({ head: ['', 'median ms', 'max ms', 'KB', 'cost'] });
for (const [name, query, variables] of queries) {
  const times: number[] = [];
  let bytes = 0;
  let cost = '';
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const text = await response.text();
    times.push(performance.now() - start);
    if (text.includes('"errors"')) throw new Error(`${name}: ${text.slice(0, 500)}`);
    bytes = text.length;
    cost = response.headers.get('x-graphql-cost') ?? '';
  }
  times.sort((a, b) => a - b);
  table.push([
    name,
    times[Math.floor(rounds / 2)]!.toFixed(0),
    times.at(-1)!.toFixed(0),
    (bytes / 1000).toFixed(0),
    cost,
  ]);
}
console.log(`${runs} runs, a series of ${points} points, ${rounds} rounds\n${table.toString()}`);

await server.stop();
hub.close();
await listener.close();
await commands.threads.close();
await waker.close();
await queue.close();
await db.close();
await postgres.stop();
await rm(home, { recursive: true, force: true });
