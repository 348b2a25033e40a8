/** Secrets are planted wherever the product is given some; then everything that it wrote is looked through for them. */

import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { cancelRun, startRun } from '../../src/commands/run.ts';
import { logIn, openSocket } from '../api/authFixtures.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { type HubServer, startHub } from '../support/hubServer.ts';
import { type RunningProcess, spawnTypeScript } from '../support/processes.ts';
import { endedRun, smallConfig, trainableExperiment } from '../support/runs.ts';
import { type ServerProcess, startServerProcess } from '../support/serverProcess.ts';

/** Every word that must not be found, with what it is. */
const planted = new Map<string, string>();
function plant(what: string): string {
  const secret = `planted${planted.size}x${Math.random().toString(36).slice(2)}`;
  planted.set(secret, what);
  return secret;
}

const databasePassword = plant('the password of DATABASE_URL');
const hubToken = `hf_${plant('HF_TOKEN')}`;
const library = {
  AWS_ACCESS_KEY_ID: plant('AWS_ACCESS_KEY_ID'),
  AWS_SECRET_ACCESS_KEY: plant('AWS_SECRET_ACCESS_KEY'),
  AWS_SESSION_TOKEN: plant('AWS_SESSION_TOKEN'),
  KAGGLE_KEY: plant('KAGGLE_KEY'),
  PGPASSWORD: plant('PGPASSWORD'),
  RUNGRAPH_API_KEY: plant('RUNGRAPH_API_KEY'),
};

let ctx: TestContext;
let hub: HubServer;
let storage: HubServer;
let folder: string;
let server: ServerProcess;
let worker: RunningProcess;
let url: string;
/** All that was written, by where it was found. */
const written = new Map<string, string>();

const environment = () => ({
  ...library,
  DATABASE_URL: url,
  RUNGRAPH_HOME: path.join(folder, 'home'),
  RUNGRAPH_AUTH: 'keys',
  RUNGRAPH_LOG: 'trace',
  HF_ENDPOINT: hub.url,
  HF_TOKEN: hubToken,
  HF_HOME: path.join(folder, 'hf'),
  RUNGRAPH_OUTGOING_HOSTS: new URL(storage.url).host,
  DEVICE: 'cpu',
});

beforeAll(async () => {
  ctx = await testContext();
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-secrets-'));
  url = ctx.url.replace('://rungraph@', `://rungraph:${databasePassword}@`);
  expect(url).not.toBe(ctx.url);
  storage = await startHub({});
  hub = await startHub(
    { 'timm/convnext_atto.d2_in1k/model.safetensors': Buffer.from('weights') },
    { storage, token: hubToken },
  );
  server = await startServerProcess(environment());
  worker = spawnTypeScript('test/support/workerProcess.ts', [], {
    ...environment(),
    TRAINER_MODULE: fileURLToPath(new URL('../support/tellingTrainer.ts', import.meta.url)),
  });
  await worker.until(/ready wrk_/);
});
afterAll(async () => {
  for (const program of [server, worker]) program?.child.kill('SIGKILL');
  await Promise.all([server?.finished, worker?.finished]);
  await storage?.close();
  await hub?.close();
  await ctx?.close();
  await rm(folder, { recursive: true });
});

/** Keeps the answer for the search, and returns it. */
async function ask(where: string, query: string, variables: object, headers: Record<string, string>): Promise<string> {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  });
  const text = `${JSON.stringify([...response.headers])} ${await response.text()}`;
  written.set(where, text);
  return text;
}

test('no secret is in a log, an answer, an error, a table, a file, an argument or the environment of a trainer', async () => {
  // a key, a session, a socket
  const made = await spawnTypeScript(
    'src/bin/cli.ts',
    ['keys', 'create', '--name', 'admin', '--scope', 'ADMIN'],
    environment(),
  ).finished;
  const key = made.stdout.trim();
  planted.set(key.slice('rungraph_'.length), 'the API key');
  written.set('keys create, to people', made.stderr);
  const bearer = { authorization: `Bearer ${key}` };
  const login = await logIn(server.url, key);
  planted.set(login.cookie.split('=')[1]!, 'the session');
  written.set('POST /session', JSON.stringify(login.body));
  const cookie = { cookie: login.cookie, origin: server.url };
  const socket = openSocket(server.url, { payload: bearer });
  expect(await socket.admitted).toBe('open');
  const rejected = plant('a key that is none');
  await ask('a wrong key', '{ viewer { name } }', {}, { authorization: `Bearer ${rejected}` });
  written.set('a wrong login', JSON.stringify((await logIn(server.url, rejected)).body));
  written.set(
    'a wrong socket',
    JSON.stringify(await openSocket(server.url, { payload: { authorization: `Bearer ${rejected}` } }).admitted),
  );

  // a key that GraphQL makes: its answer is where it belongs
  const second = await server.ask(
    'mutation { createApiKey(input: { name: "second", scopes: [READ] }) { apiKey { id } secret } }',
    {},
    bearer,
  );
  planted.set(second.createApiKey.secret.slice('rungraph_'.length), 'the API key that GraphQL made');

  // addresses with credentials, where an address is taken
  const experimentId = await trainableExperiment(ctx);
  const start = 'mutation ($input: StartRunInput!) { startRun(input: $input) { run { id } userErrors { message } } }';
  const run = (weightsUri: string) => ({
    input: { experimentId, config: { ...smallConfig, pretrained: true, weightsUri } },
  });
  for (const [i, uri] of [
    'https://user:PW@host/w.bin',
    'https://host/w.bin?token=PW',
    's3://user:PW@bucket/w',
    'hf://user:PW@owner/name',
    'file://user:PW@host/w',
  ].entries()) {
    const answer = await ask(`weightsUri ${i}`, start, run(uri.replace('PW', plant(`the password of ${uri}`))), bearer);
    expect(answer).toContain('"run":null');
  }
  const importDataset =
    'mutation ($path: String!) { importDataset(input: { name: "x", path: $path }) { userErrors { message } } }';
  const dataUrl = `https://user:${plant('the password of a data set')}@host/data.zip?signature=${plant('its signature')}`;
  expect(await ask('importDataset', importDataset, { path: dataUrl }, cookie)).toContain('is a URL');

  // a bug, with the secrets near it
  await ctx.db.pool.query('alter table experiment rename to experiment_away');
  const bug = await ask('a bug', '{ experiments { nodes { id } } }', {}, { ...bearer, cookie: login.cookie });
  await ctx.db.pool.query('alter table experiment_away rename to experiment');
  expect(bug).toContain('INTERNAL_SERVER_ERROR');

  // a trainer that tells all it has, and crashes
  const told = await startRun(ctx, { experimentId, config: smallConfig });
  // It would be tried again.
  const firstEnd = 'select from attempt where run_id = $1 and finished_at is not null';
  await vi.waitFor(async () => expect((await ctx.db.pool.query(firstEnd, [told])).rowCount).toBeGreaterThan(0), {
    timeout: 60_000,
  });
  await cancelRun(ctx, told);
  const { rows: events } = await ctx.db.pool.query('select line as text from run_log where run_id = $1', [told]);
  const output = events.map(({ text }) => text).join('\n');
  expect(output).toContain('environment {');
  expect(output).toContain('HF_HOME'); // what is no secret it does inherit

  // weights whose download fails behind a signed redirect
  storage.faults.GET.push(...Array.from({ length: 30 }, () => ({ kind: 'status', status: 404 }) as const));
  const download = await startRun(ctx, { experimentId, config: { ...smallConfig, pretrained: true } });
  expect((await endedRun(ctx, download)).failure?.code).toBe('WEIGHTS_UNAVAILABLE');
  expect(hub.seen.some(({ headers }) => headers.authorization === `Bearer ${hubToken}`)).toBe(true);
  expect(storage.seen.length).toBeGreaterThan(0);
  expect(storage.seen.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  planted.set('signature=secret', 'the signature of a redirect');

  // a database that breaks off while server and worker use it
  await ctx.db.pool
    .query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )
    .catch(() => {});
  await vi.waitFor(async () => expect((await server.ready()).status).toBe(200), { timeout: 60_000, interval: 100 });

  // revoked
  await ask(
    'revoke',
    'mutation ($id: ID!) { revokeApiKey(id: $id) { deletedId } }',
    { id: second.createApiKey.apiKey.id },
    bearer,
  );
  for (const query of [
    '{ auditLog(first: 100) { nodes { actor operation ids codes address } } }',
    '{ viewer { apiKeys { id name } } }',
    `{ run(id: "${told}") { config failure { message } logs(first: 100) { nodes { line } } } }`,
    `{ run(id: "${download}") { config failure { message } } }`,
  ])
    await ask(query, query, {}, bearer);

  // programs that cannot start
  const broken: Record<string, Record<string, string>> = {
    'no such database': { DATABASE_URL: url.replace(/\/[\w]+\?/, '/nosuchdatabase?') },
    'nobody listens': { DATABASE_URL: `postgresql://user:${databasePassword}@127.0.0.1:1/x` },
    'no URL': { DATABASE_URL: `postgresql://user:${databasePassword}@[::/x` },
    'no host': { DATABASE_URL: `postgresql://user:${databasePassword}@host.invalid/x` },
    'a token of two words': { HF_TOKEN: `${hubToken} and more` },
    'an endpoint with a password': { HF_ENDPOINT: `https://user:${plant('the password of HF_ENDPOINT')}@mirror` },
    'a key of two words': { RUNGRAPH_API_KEY: `${library.RUNGRAPH_API_KEY} and more` },
  };
  await Promise.all(
    Object.entries(broken).map(async ([what, env]) => {
      const home = { RUNGRAPH_HOME: path.join(folder, what) };
      const { status, stdout, stderr } = await spawnTypeScript('src/bin/server.ts', [], {
        ...environment(),
        ...env,
        ...home,
      }).finished;
      expect([what, status]).toEqual([what, 1]);
      written.set(`server with ${what}`, stdout + stderr);
    }),
  );

  // all of it
  for (const program of [server, worker]) {
    const arguments_ = readFileSync(`/proc/${program.child.pid}/cmdline`, 'utf8');
    written.set(`arguments of ${arguments_}`, arguments_);
  }
  socket.socket.close();
  for (const program of [server, worker]) program.child.kill('SIGTERM');
  await Promise.all([server.finished, worker.finished]);
  written.set('log of the server', server.output());
  written.set('log of the worker', worker.output());
  expect(server.output()).toContain('a login was refused');
  const { rows: tables } = await ctx.db.pool.query(
    `select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  expect(tables.length).toBeGreaterThan(25);
  for (const { name } of tables) {
    const { rows } = await ctx.db.pool.query(`select row_to_json(t)::text as row from ${name} t`);
    written.set(`table ${name}`, rows.map(({ row }) => row).join('\n'));
  }
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    written.set(`file ${file}`, await readFile(file, 'latin1'));
  }

  expect(planted.size).toBeGreaterThan(20);
  const found = [...written].flatMap(([where, text]) =>
    [...planted].filter(([secret]) => text.includes(secret)).map(([, what]) => `${what} is in ${where}`),
  );
  expect(found).toEqual([]);
});
