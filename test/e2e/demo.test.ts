import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { summarize } from '../../src/bin/demo/summary.ts';
import { drawLeafDataset } from '../../src/datasets/leaves.ts';
import { type Finished, spawnTypeScript } from '../support/processes.ts';

type Summary = ReturnType<typeof summarize>;

let folder: string;
let data: string;
let first: { summary: Summary; finished: Finished };

async function runDemo(json: string): Promise<{ summary: Summary; finished: Finished }> {
  const file = path.join(folder, json);
  const { finished } = spawnTypeScript(
    'src/bin/cli.ts',
    ['demo', '--data', data, '--epochs', '1', '--exit', '--json', file],
    { RUNGRAPH_HOME: path.join(folder, 'home'), PORT: '0' },
  );
  const ended = await finished;
  expect({ status: ended.status, stderr: ended.stderr }).toEqual({ status: 0, stderr: '' });
  return { summary: JSON.parse(await readFile(file, 'utf8')), finished: ended };
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-demo-'));
  data = path.join(folder, 'images');
  await drawLeafDataset(data, { seed: 1, classes: { healthy: 24, brown_spot: 16, tungro: 14 }, testImages: 9 });
  first = await runDemo('first.json');
}, 600_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the demo on a small folder, one epoch', () => {
  test('trains two architectures with two preprocessings, accumulating two micro-batches', () => {
    const { runs } = first.summary;
    expect(new Set(runs.map((run) => run.status))).toEqual(new Set(['SUCCEEDED']));
    const made = runs.map((run) => `${run.architecture} ${run.itemTransform.method}`).sort();
    const architectures = [...new Set(runs.map((run) => run.architecture))].sort();
    const methods = [...new Set(runs.map((run) => run.itemTransform.method))].sort();
    expect(architectures.length).toBeGreaterThanOrEqual(2);
    expect(methods.length).toBeGreaterThanOrEqual(2);
    expect(made).toEqual(architectures.flatMap((a) => methods.map((m) => `${a} ${m}`)));
    for (const run of runs) {
      expect(run).toMatchObject({ accumulation: 2, epochs: 1 });
      expect(run.errorRate).toBeGreaterThanOrEqual(0);
      expect(run.errorRate).toBeLessThanOrEqual(1);
      expect(run.validLoss).toBeGreaterThan(0);
      expect(run.peakMemoryBytes).toBeGreaterThan(2 ** 26);
      expect(run.imagesPerSecond).toBeGreaterThan(0);
    }
  });

  test('probes until a trial fits the budget', () => {
    const { budgetBytes, targets } = first.summary.probes[0]!;
    const { trials, recommendation } = targets[0]!;
    expect(trials[0]!.accumulation).toBe(1);
    const fits = trials.filter((trial) => trial.outcome === 'FITS');
    expect(recommendation).toBe(fits[0]?.accumulation ?? null);
    for (const trial of fits) expect(trial.peakMemoryBytes!).toBeLessThanOrEqual(budgetBytes);
  });

  test('counts one family double', () => {
    const { members, errorRate } = first.summary.ensemble;
    expect(members).toHaveLength(first.summary.runs.length);
    for (const { architecture, weight } of members) expect(weight).toBe(architecture.startsWith('vit') ? 2 : 1);
    expect(members.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
    expect(errorRate).not.toBeNull();
  });

  test('writes a submission with the rows of the sample, in its order, and labels of the folder', async () => {
    const rows = async (file: string) =>
      (await readFile(file, 'utf8'))
        .trimEnd()
        .split('\n')
        .map((line) => line.split(','));
    const { path: file, rows: count } = first.summary.submission;
    const [header, ...labelled] = await rows(file);
    const [, ...sample] = await rows(path.join(data, 'sample_submission.csv'));
    expect(header).toEqual(['image_id', 'label']);
    expect(count).toBe(9);
    expect(labelled.map(([id]) => id)).toEqual(sample.map(([id]) => id));
    for (const [, label] of labelled) expect(['healthy', 'brown_spot', 'tungro']).toContain(label);
  });

  test('ends with the leaderboard, the members and their weights, the CSV and the server', () => {
    const { stdout } = first.finished;
    const end = stdout.slice(stdout.indexOf('Leaderboard of'));
    const { runs, submission, server } = first.summary;
    for (const { name } of runs) expect(end.split(name)).toHaveLength(3); // once in the leaderboard, once as a member
    expect(end).toContain(submission.path);
    expect(end).toContain(server);
  });

  test('gives the seconds of every stage', () => {
    const { total, ...stages } = first.summary.seconds;
    expect(Object.keys(stages)).toEqual(['start', 'import', 'probe', 'train', 'ensemble', 'submit', 'leaderboard']);
    expect(Object.values(stages).reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(total! + 0.01);
  });

  test('works again on the same home, and the same seed trains the same networks', async () => {
    const second = await runDemo('second.json');
    const essence = ({ runs }: Summary) =>
      runs.map(({ name, errorRate, validLoss }) => ({ name, errorRate, validLoss }));
    expect(essence(second.summary)).toEqual(essence(first.summary));
    expect(second.summary.dataset.name).toBe('images 2');
    expect(second.summary.submission.path).not.toBe(first.summary.submission.path);
  }, 600_000);

  test('stops in order when interrupted while it trains', async () => {
    const home = path.join(folder, 'home');
    const interrupted = spawnTypeScript('src/bin/cli.ts', ['demo', '--data', data], { RUNGRAPH_HOME: home, PORT: '0' });
    await interrupted.until(/: running/);
    interrupted.child.kill('SIGINT');
    const { status, stderr } = await interrupted.finished;
    expect({ status, stderr }).toEqual({ status: 130, stderr: '' });
    // A lock would be held by a living process, a pid file by a living PostgreSQL.
    expect(existsSync(path.join(home, 'server.lock'))).toBe(false);
    expect(existsSync(path.join(home, 'postgres', 'postmaster.pid'))).toBe(false);
  }, 300_000);
});
