/** Access of real processes: where a server may listen, and keys that are made on the command line. */

import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findWeights } from '../../src/bin/predict/server.ts';
import { createTestDatabase, dropTestDatabase } from '../support/database.ts';
import { type Finished, spawnTypeScript } from '../support/processes.ts';
import { type ServerProcess, startServerProcess } from '../support/serverProcess.ts';

let home: string;
let url: string;
beforeAll(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'rungraph-access-'));
  url = await createTestDatabase({ migrated: true });
});
afterAll(async () => {
  await dropTestDatabase(url);
  await rm(home, { recursive: true });
});

const environment = (more: Record<string, string> = {}) => ({
  RUNGRAPH_HOME: home,
  DATABASE_URL: url,
  PORT: '0',
  ...more,
});
const keys = (...args: string[]): Promise<Finished> =>
  spawnTypeScript('src/bin/cli.ts', ['keys', ...args], environment()).finished;

describe('without authentication', () => {
  test('neither a server nor a worker listens where others could reach it', async () => {
    const host = '0.0.0.0';
    const programs = { 'src/bin/server.ts': {}, 'src/bin/worker.ts': { RUNGRAPH_WORKER_PORT: '0' } };
    for (const [program, more] of Object.entries(programs)) {
      const env = environment({ HOST: host, ...more });
      const { status, stdout, stderr } = await spawnTypeScript(program, [], env).finished;
      expect([program, status, stdout]).toEqual([program, 1, '']);
      expect(stderr).toBe(
        `HOST is ${host}, where everybody who reaches this machine could use the server: set RUNGRAPH_AUTH=keys, or HOST to 127.0.0.1\n`,
      );
    }
  });
});

describe('with authentication', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await startServerProcess(environment({ HOST: '0.0.0.0', RUNGRAPH_AUTH: 'keys' }));
  });
  afterAll(async () => {
    server.child.kill();
    await server.finished;
  });
  const viewer = (key?: string) =>
    fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
      body: JSON.stringify({ query: '{ viewer { name scopes apiKeys { id lastUsedAt } } }' }),
    });

  test('a server starts anywhere, and the first key comes from the command line, which shows it once', async () => {
    await server.until(/there is no API key yet, so nobody is let in/);
    expect((await viewer()).status).toBe(401);
    expect((await keys('list')).stdout).toBe('There is no API key yet\n');
    const made = await keys('create', '--name', 'first', '--scope', 'admin', '--expires', '90d');
    expect(made.status).toBe(0);
    expect(made.stdout).toMatch(/^rungraph_[0-9a-f]{64}\n$/);
    const secret = made.stdout.trim();
    const answer = (await (await viewer(secret)).json()) as { data: { viewer: { apiKeys: { id: string }[] } } };
    expect(answer.data.viewer).toMatchObject({ name: 'first', scopes: ['ADMIN'] });
    const [{ id }] = answer.data.viewer.apiKeys as [{ id: string }];
    expect(made.stderr).toContain(id);
    const listed = await keys('list');
    expect(listed.stdout).toMatch(new RegExp(`${id} .* first .* ADMIN .* valid until`));
    expect(listed.stdout + made.stderr).not.toContain(secret.slice(-64));

    const server401 = await findWeights(
      { url: server.url, apiKey: undefined },
      'run_x',
      new AbortController().signal,
    ).catch(String);
    expect(server401).toMatch(/refuses this: This needs an API key.* Set RUNGRAPH_API_KEY to a key of that server/);
    const known = await findWeights({ url: server.url, apiKey: secret }, 'run_x', new AbortController().signal).catch(
      String,
    );
    expect(known).toContain('There is no run run_x');

    const revoked = await keys('revoke', id);
    expect(revoked).toMatchObject({ status: 0, stdout: `${id} is revoked\n` });
    expect((await viewer(secret)).status).toBe(401);
    expect((await keys('list')).stdout).toMatch(/revoked \d{4}-/);
    const wrong = await findWeights({ url: server.url, apiKey: secret }, 'run_x', new AbortController().signal).catch(
      String,
    );
    expect(wrong).toMatch(/The API key "first" is revoked\. RUNGRAPH_API_KEY is not good for it/);
    expect(wrong).not.toContain(secret);
    expect(await keys('revoke', id)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`there is no API key ${id}`),
    });
  });

  test("a worker's metrics need a key, its health does not", async () => {
    const env = environment({
      RUNGRAPH_AUTH: 'keys',
      RUNGRAPH_WORKER_PORT: '0',
      RUNGRAPH_LOG: 'info',
      ENGINE: 'onnxruntime',
    });
    const worker = spawnTypeScript('src/bin/worker.ts', [], env);
    const [, place] = await worker.until(/"url":"(http[^"]+)","msg":"health and metrics"/);
    const status = async (path: string, headers = {}) => (await fetch(place + path, { headers })).status;
    expect([await status('/healthz'), await status('/metrics')]).toEqual([200, 401]);
    const key = (await keys('create', '--name', 'prometheus', '--scope', 'READ')).stdout.trim();
    expect(await status('/metrics', { authorization: `Bearer ${key}` })).toBe(200);
    expect(await status('/metrics', { authorization: 'Bearer wrong' })).toBe(401);
    worker.child.kill();
    await worker.finished;
  });
});
