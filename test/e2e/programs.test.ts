import { mkdtemp, readFile, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isProgram } from '../../src/locks/processes.ts';
import { jpegBytes, writeFolder } from '../support/imageFiles.ts';
import { type RunningProcess, spawnTypeScript } from '../support/processes.ts';

let home: string;
const started: RunningProcess[] = [];

beforeEach(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'rungraph-home-'));
});
afterEach(async () => {
  for (const { child } of started.splice(0)) child.kill('SIGKILL');
  const pid = await postmaster();
  if (pid) process.kill(pid, 'SIGQUIT');
  await rm(home, { recursive: true, force: true, maxRetries: 10 });
});

function run(args: string[], env: Record<string, string> = {}, program = 'cli'): RunningProcess {
  const running = spawnTypeScript(`src/bin/${program}.ts`, args, {
    RUNGRAPH_HOME: home,
    PORT: '0',
    RUNGRAPH_LOG: 'warn',
    ...env,
  });
  started.push(running);
  return running;
}

async function urlOf(server: RunningProcess): Promise<string> {
  return (await server.until(/(http:\/\/[\d.]+:\d+)/))[1]!;
}

/** Process id of the home's PostgreSQL while it runs. */
async function postmaster(): Promise<number | undefined> {
  const text = await readFile(path.join(home, 'postgres', 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number(text.split('\n')[0]);
  return pid && isProgram(pid, 'postgres') ? pid : undefined;
}

test('start serves, stops in order on SIGINT with its database, and starts again', async () => {
  for (let round = 0; round < 2; round++) {
    const server = run(['start']);
    const url = await urlOf(server);
    await expect.poll(async () => (await fetch(`${url}/readyz`)).status).toBe(200);
    expect(await postmaster()).toBeDefined();
    server.child.kill('SIGINT');
    expect((await server.finished).status).toBe(0);
    expect(await postmaster()).toBeUndefined();
    await expect(fetch(url)).rejects.toThrow();
  }
});

test('a second server on the same home is refused and leaves the first alone', async () => {
  const first = run([], {}, 'server');
  const url = await urlOf(first);
  const { status, stderr } = await run(['start']).finished;
  expect(status).toBe(1);
  expect(stderr).toBe(
    `${home} is in use by another Rungraph server (process ${first.child.pid}). Stop it, or set RUNGRAPH_HOME to another folder\n`,
  );
  await expect.poll(async () => (await fetch(`${url}/readyz`)).status).toBe(200);
});

test('after a killed server the next one takes over its home, its database and its data', async () => {
  const first = run([], {}, 'server');
  await createExperiment(await urlOf(first), 'kept');
  first.child.kill('SIGKILL');
  await first.finished;
  const left = await postmaster();
  expect(left).toBeDefined();

  const second = run([], {}, 'server');
  expect(await experimentNames(await urlOf(second))).toEqual(['kept']);
  expect(await postmaster()).toBe(left);
  second.child.kill('SIGTERM');
  expect((await second.finished).status).toBe(0);
  expect(await postmaster()).toBeUndefined();
});

test('a port in use is named, and nothing is left running', async () => {
  const holder = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => holder.once('listening', resolve));
  const { port } = holder.address() as net.AddressInfo;
  const { status, stderr } = await run(['start'], { PORT: String(port) }).finished;
  holder.close();
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringMatching(new RegExp(`^127\\.0\\.0\\.1:${port} is in use\\. .* PORT`)),
  });
  expect(await postmaster()).toBeUndefined();
});

test('an unreachable DATABASE_URL is named', async () => {
  const { status, stderr } = await run(['start'], { DATABASE_URL: 'postgresql://app:secret@127.0.0.1:1/app' }).finished;
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: 'DATABASE_URL: no PostgreSQL answers at 127.0.0.1:1 (ECONNREFUSED); start it or correct host and port\n',
  });
});

test('wrong variables are named together', async () => {
  const { status, stderr } = await run(['start'], { PORT: 'http', DATABASE_URL: 'mysql://x' }).finished;
  expect(status).toBe(1);
  expect(stderr).toMatch(/PORT: [\s\S]*DATABASE_URL: |DATABASE_URL: [\s\S]*PORT: /);
});

test.each([
  ['/dev/null/home', 'ENOTDIR'],
  ['/dev/null', 'EEXIST'],
])('a home that cannot be written to is named: %s', async (home, code) => {
  const { status, stderr } = await run(['start'], { RUNGRAPH_HOME: home }).finished;
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: `RUNGRAPH_HOME: ${home} cannot be written to (${code}); set it to a folder of your own\n`,
  });
});

test.runIf(process.platform === 'linux').each([['start'], ['migrate']])(
  'a home that the system cannot make is named: %s',
  async (program) => {
    const { status, stderr } = await run([program], { RUNGRAPH_HOME: '/proc/none/home' }).finished;
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^RUNGRAPH_HOME: \/proc\/none\/home cannot be written to \(E[A-Z]+\); set it to a folder of your own\n$/,
    );
  },
);

test('migrate brings a new home up to date and leaves nothing running', async () => {
  const first = await run(['migrate']).finished;
  expect(first).toMatchObject({ status: 0, stdout: expect.stringMatching(/^Applied \d{14}_initial/), stderr: '' });
  expect(await run(['migrate']).finished).toMatchObject({ status: 0, stdout: 'The database is up to date\n' });
  expect(await postmaster()).toBeUndefined();
});

test('the demo on a folder without test images says so before it trains, and leaves nothing running', async () => {
  const folder = path.join(home, 'pictures');
  const picture = await jpegBytes({ width: 64, height: 64 });
  await writeFolder(folder, {
    'train_images/blast/1.jpg': picture,
    'train_images/hispa/2.jpg': picture,
    'train_images/hispa/lying.jpg': 'no image',
  });
  const { status, stderr } = await run(['demo', '--data', folder]).finished;
  expect(status).toBe(1);
  expect(stderr).toContain(`${folder} has no usable image in test_images/: there is nothing to submit`);
  expect(stderr).toContain('rejected: train_images/hispa/lying.jpg: ');
  expect(await postmaster()).toBeUndefined();
});

test.each([
  [['nonsense'], /^Unknown command "nonsense"/],
  [['start', '--port'], /^start: Unknown option '--port'/],
  [['migrate', 'now'], /^migrate: Unexpected argument 'now'/],
  [['demo', '--frobnicate'], /^Unknown option '--frobnicate'/],
  [['demo', '--json', '/dev/null/out.json'], /^--json: \/dev\/null\/out\.json cannot be written: ENOTDIR/],
])('%j is refused', async (args, message) => {
  const { status, stderr, stdout } = await run(args).finished;
  expect({ status, stdout, stderr }).toEqual({ status: 1, stdout: '', stderr: expect.stringMatching(message) });
});

async function graphql(url: string, query: string, variables: object = {}): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data: Record<string, unknown>; errors?: unknown };
  expect(errors).toBeUndefined();
  return data;
}

async function createExperiment(url: string, name: string): Promise<void> {
  const data = await graphql(
    url,
    'mutation ($input: CreateExperimentInput!) { createExperiment(input: $input) { experiment { name } userErrors { message } } }',
    { input: { name } },
  );
  expect(data).toEqual({ createExperiment: { experiment: { name }, userErrors: [] } });
}

async function experimentNames(url: string): Promise<string[]> {
  const data = await graphql(url, '{ experiments { nodes { name } } }');
  return (data.experiments as { nodes: { name: string }[] }).nodes.map(({ name }) => name);
}
