import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/db/embeddedPostgres.ts';
import { isProgram } from '../../src/locks/processes.ts';
import { spawnTypeScript } from '../support/processes.ts';

let home: string;
let postgres: EmbeddedPostgres;
beforeAll(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'rungraph-pg-'));
});
afterAll(async () => {
  await postgres?.stop();
  await rm(home, { recursive: true });
});

async function query(sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function postmasterPid(): Promise<number> {
  return Number((await readFile(path.join(home, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0]);
}

test('several processes that start it at once get one server', async () => {
  const starters = Array.from({ length: 3 }, () => spawnTypeScript('test/support/bin/startPostgres.ts', [home]));
  const answers = (await Promise.all(starters.map((s) => s.finished))).map(({ stdout, stderr }) => {
    expect(stderr).toBe('');
    return JSON.parse(stdout) as { url: string; joined: boolean };
  });
  expect(new Set(answers.map((a) => a.url)).size).toBe(1);
  expect(answers.filter((a) => !a.joined)).toHaveLength(1);
  postgres = await startEmbeddedPostgres(home);
  expect(postgres).toMatchObject({ url: answers[0]!.url, joined: true });
  const [row] = (await query('show server_version')) as { server_version: string }[];
  expect(row!.server_version).toMatch(/^18\./);
});

test('a killed server comes back with everything committed', async () => {
  await query('create table kept (value int)');
  await query('insert into kept select generate_series(1, 1000)');
  const pid = await postmasterPid();
  process.kill(pid, 'SIGKILL');
  await expect.poll(() => isProgram(pid, 'postgres')).toBe(false);
  postgres = await startEmbeddedPostgres(home);
  expect(postgres.joined).toBe(false);
  expect(await query('select count(*)::int as count from kept')).toEqual([{ count: 1000 }]);
});

test('stop ends the server also under connected clients, and it starts again', async () => {
  const client = new pg.Client({ connectionString: postgres.url });
  const ended = new Promise((resolve) => client.on('error', resolve));
  await client.connect();
  const pid = await postmasterPid();
  await postgres.stop();
  expect(await ended).toBeInstanceOf(Error);
  expect(isProgram(pid, 'postgres')).toBe(false);
  postgres = await startEmbeddedPostgres(home);
  expect(await query('select count(*)::int as count from kept')).toEqual([{ count: 1000 }]);
});

test('a home with a very long path works', async () => {
  const deep = path.join(home, 'x'.repeat(100));
  const server = await startEmbeddedPostgres(deep, { settings: { fsync: 'off' } });
  try {
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    await client.end();
  } finally {
    await server.stop();
  }
});
