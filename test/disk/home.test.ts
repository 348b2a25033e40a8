/** A whole installation whose home, with its PostgreSQL, is on a file system that becomes full, or read-only. */

import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../../src/db/embeddedPostgres.ts';
import { tarBytes } from '../support/archiveFiles.ts';
import { jpegBytes, writeFolder } from '../support/imageFiles.ts';
import { type RunningProcess, spawnTypeScript } from '../support/processes.ts';
import { noSmallDisk, type SmallDisk, smallDisk } from '../support/smallDisk.ts';

const patience = { timeout: 110_000, interval: 100 };

describe.skipIf(noSmallDisk !== undefined)(`a home on a file system of its own ${noSmallDisk ?? ''}`, () => {
  let disk: SmallDisk;
  let home: string;
  let images: string;
  let server: RunningProcess | undefined;
  let url: string;
  beforeEach(async () => {
    disk = smallDisk(320);
    home = path.join(disk.path, 'home');
    await mkdir(home);
    images = await mkdtemp(path.join(os.tmpdir(), 'rungraph-images-'));
  });
  afterEach(async () => {
    disk.setReadOnly(false);
    await disk.free();
    server?.child.kill('SIGKILL');
    server = undefined;
    await (await startEmbeddedPostgres(home)).stop().catch(() => {});
    await disk.remove();
    await rm(images, { recursive: true, force: true });
  });

  const settings = () => ({ RUNGRAPH_HOME: home, PORT: '0', RUNGRAPH_LOG: 'warn', DEVICE: 'cpu', HF_HUB_OFFLINE: '1' });

  const launch = () => {
    server = spawnTypeScript('src/bin/cli.ts', ['start'], settings());
    return server;
  };

  async function start() {
    url = (await launch().until(/(http:\/\/[\d.]+:\d+)/))[1]!;
  }

  /** What the server answers; errors instead of data where it could not work. */
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
  async function send(query: string, variables: object = {}): Promise<any> {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ query, variables });
    const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body });
    return response.json();
  }

  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
  async function ask(query: string, variables: object = {}): Promise<any> {
    const { data, errors } = await send(query, variables);
    expect(errors).toBeUndefined();
    return data;
  }

  const createExperiment = (input: object) =>
    send(
      'mutation ($input: CreateExperimentInput!) { createExperiment(input: $input) { experiment { id } userErrors { code message } } }',
      { input },
    );
  const importDataset = (input: object) =>
    ask(
      'mutation ($input: ImportDatasetInput!) { importDataset(input: $input) { dataset { id } userErrors { code message } } }',
      {
        input,
      },
    );
  const dataset = async (id: string) =>
    (await ask('query ($id: ID!) { dataset(id: $id) { status failure } }', { id })).dataset;
  const upload = (bytes: Buffer) =>
    fetch(`${url}/uploads`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-tar' },
      body: new Uint8Array(bytes),
    });

  async function pictures(): Promise<Record<string, Buffer>> {
    const files: Record<string, Buffer> = {};
    for (let i = 0; i < 24; i++) {
      files[`train_images/${i % 2 ? 'blast' : 'hispa'}/${i}.jpg`] = await jpegBytes({ width: 40, height: 40, seed: i });
    }
    return files;
  }

  test('full while a run trains: everything is refused with a reason, nothing falls, and it goes on when there is space', async () => {
    await start();
    const files = await pictures();
    await writeFolder(images, files);
    const { id: datasetId } = (await importDataset({ name: 'leaves', path: images })).importDataset.dataset;
    await expect.poll(async () => (await dataset(datasetId)).status, patience).toBe('READY');
    const created = await createExperiment({ name: 'leaves', datasetId });
    const size = { height: 32, width: 32 };
    const config = {
      architecture: 'convnext_atto',
      pretrained: false,
      itemTransform: { size },
      size,
      effectiveBatchSize: 4,
      epochs: 3,
    };
    const { startRun } = await ask(
      'mutation ($input: StartRunInput!) { startRun(input: $input) { run { id } userErrors { message } } }',
      { input: { experimentId: created.data.createExperiment.experiment.id, config } },
    );
    const status = async () =>
      (await send('query ($id: ID!) { run(id: $id) { status } }', { id: startRun.run.id })).data?.run?.status;
    await expect.poll(status, patience).toMatch(/RUNNING|SUCCEEDED/);

    const archive = tarBytes(Object.entries(files).map(([name, data]) => ({ name, data })));
    const { id: uploadId } = (await (await upload(archive)).json()) as { id: string };
    // An import is in the middle of it, too: its files are larger than what is left.
    const large = tarBytes([
      ...Object.entries(files).map(([name, data]) => ({ name, data })),
      ...Array.from({ length: 40 }, (_, i) => ({ name: `test_images/${i}.jpg`, data: randomBytes(500_000) })),
    ]);
    const { id: largeId } = (await (await upload(large)).json()) as { id: string };
    await disk.fill(10_000_000);
    const half = (await importDataset({ name: 'half', uploadId: largeId })).importDataset.dataset.id;
    await expect.poll(async () => (await dataset(half)).status, patience).toBe('FAILED');
    expect((await dataset(half)).failure).toMatch(/disk.* full/);
    expect(await readdir(path.join(home, 'datasets')).catch(() => [])).not.toContain(half);
    await disk.fill();
    const refused = await upload(archive);
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect(await refused.text()).toContain(`The disk that holds ${path.join(home, 'blobs')} is full`);
    expect(await readdir(path.join(home, 'blobs', 'drafts')).catch(() => [])).toEqual([]);

    const answers: string[] = [];
    const healthy: boolean[] = [];
    for (let i = 0; i < 60; i++) {
      const { data, errors } = await createExperiment({ name: `more ${i}`, description: 'x'.repeat(50_000) });
      answers.push(
        data?.createExperiment ? (data.createExperiment.userErrors[0]?.message ?? 'made') : errors[0].message,
      );
      healthy.push((await fetch(`${url}/healthz`)).ok);
    }
    expect(healthy.every(Boolean)).toBe(true);
    expect(server!.child.exitCode).toBeNull();

    await disk.free();
    await expect
      .poll(async () => (await createExperiment({ name: 'after' })).data?.createExperiment?.experiment?.id, patience)
      .toMatch(/^exp_/);
    const made = answers.flatMap((answer, i) => (answer === 'made' ? [`more ${i}`] : []));
    const { experiments } = await ask('{ experiments(first: 100, search: "more") { nodes { name } } }');
    expect(experiments.nodes.map(({ name }: { name: string }) => name).sort()).toEqual(made.sort());
    await expect.poll(status, patience).toBe('SUCCEEDED');
    const second = (await importDataset({ name: 'again', uploadId })).importDataset.dataset.id;
    await ask('mutation ($id: ID!) { retryImport(id: $id) { userErrors { message } } }', { id: half });
    for (const id of [second, half]) {
      await expect.poll(async () => (await dataset(id)).status, patience).toBe('READY');
    }
  }, 300_000);

  test('read-only at the start: one sentence, and nothing runs', async () => {
    disk.setReadOnly(true);
    const others = [['gc'], ['keys', 'list'], ['backup', path.join(images, 'backup.tar')]];
    for (const command of [launch(), ...others.map((args) => spawnTypeScript('src/bin/cli.ts', args, settings()))]) {
      const { status, stderr, stdout } = await command.finished;
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toMatch(
        /^RUNGRAPH_HOME: .*home cannot be written to \(EROFS\); set it to a folder of your own\n$/,
      );
    }
    // A home that is to be made there.
    const fresh = path.join(disk.path, 'new/home');
    const command = spawnTypeScript('src/bin/cli.ts', ['start'], { ...settings(), RUNGRAPH_HOME: fresh });
    const { status, stderr } = await command.finished;
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: `RUNGRAPH_HOME: ${fresh} cannot be written to (EROFS); set it to a folder of your own\n`,
    });
  });

  test('blobs that become read-only while it runs: uploads are refused with the reason, and taken when they are writable', async () => {
    await start();
    const archive = tarBytes([{ name: 'note.txt', data: 'no pictures' }]);
    expect((await upload(archive)).status).toBe(201);
    const blobs = path.join(home, 'blobs');
    // PostgreSQL keeps the rest busy.
    expect(spawnSync('mount', ['--bind', blobs, blobs]).status).toBe(0);
    expect(spawnSync('mount', ['-o', 'remount,bind,ro', blobs]).status).toBe(0);
    const refused = await upload(tarBytes([{ name: 'note.txt', data: 'more' }]));
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect(await refused.text()).toMatch(/blobs cannot be written to .*EROFS.*make it writable/);
    expect((await createExperiment({ name: 'meanwhile' })).data.createExperiment.userErrors).toEqual([]);
    expect(spawnSync('umount', [blobs]).status).toBe(0);
    expect((await upload(archive)).status).toBe(201);
  });

  test('an embedded PostgreSQL that is killed comes back while the server runs', async () => {
    await start();
    expect((await createExperiment({ name: 'before' })).data.createExperiment.userErrors).toEqual([]);
    process.kill(
      Number((await readFile(path.join(home, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0]),
      'SIGKILL',
    );
    const names = async () =>
      (await send('{ experiments { nodes { name } } }')).data?.experiments.nodes.map(
        ({ name }: { name: string }) => name,
      );
    await expect.poll(names, patience).toEqual(['before']);
    await expect
      .poll(async () => (await createExperiment({ name: 'after' })).data?.createExperiment?.experiment?.id, patience)
      .toMatch(/^exp_/);
  });
});
