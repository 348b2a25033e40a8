/** The notebook at its smallest scale on a few drawn images: interrupted, gone on with, looked into, started once more. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { summarize } from '../../src/bin/demo/summary.ts';
import { drawLeafDataset } from '../../src/datasets/leaves.ts';
import { findArchitecture } from '../../src/domain/architecture.ts';
import { type RunningProcess, spawnTypeScript } from '../support/processes.ts';

type Summary = ReturnType<typeof summarize>;

interface Predictions {
  readonly vocab: readonly string[];
  readonly rows: { readonly nodes: readonly { readonly imageId: string; readonly probabilities: readonly number[] }[] };
}

const testImages = 8;
const classes = { healthy: 20, brown_spot: 16, tungro: 12 };

let folder: string;
let data: string;
/** Interrupted when its first run had succeeded. */
let interrupted: { status: number | null; stdout: string };
/** Gone on with to the end; still up while the tests run. */
let server: RunningProcess;
let summary: Summary;

function startDemo(json: string, ...more: string[]): RunningProcess {
  const recipe = ['--preset', 'recipe', '--scale', 'mini', '--random-weights', '--epochs', '1'];
  const args = ['demo', ...recipe, '--data', data, '--json', path.join(folder, json), ...more];
  return spawnTypeScript('src/bin/cli.ts', args, { RUNGRAPH_HOME: path.join(folder, 'home'), PORT: '0' });
}

async function readSummary(json: string): Promise<Summary> {
  return JSON.parse(await readFile(path.join(folder, json), 'utf8'));
}

async function readCsv(file: string): Promise<string[][]> {
  const text = await readFile(file, 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','));
}

/** The stored test predictions of a run. */
async function predictionsOf(runId: string): Promise<Predictions> {
  const query = `{ run(id: "${runId}") { predictions { split vocab rows(first: 100) { nodes { imageId probabilities } } } } }`;
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${summary.server}/graphql`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ query }),
  });
  const { data } = (await response.json()) as {
    data: { run: { predictions: readonly (Predictions & { split: string })[] } };
  };
  return data.run.predictions.find(({ split }) => split === 'TEST')!;
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-recipe-'));
  data = path.join(folder, 'images');
  await drawLeafDataset(data, { seed: 3, classes, testImages });

  const first = startDemo('first.json');
  await first.until(/convnext_atto crop: succeeded/);
  first.child.kill('SIGINT');
  interrupted = await first.finished;

  server = startDemo('second.json');
  await server.until(/The server stays up/);
  summary = await readSummary('second.json');
}, 600_000);
afterAll(async () => {
  server.child.kill('SIGINT');
  await server.finished;
  await rm(folder, { recursive: true, force: true });
});

test('without pretrained weights to be had it ends before it has done anything, and says what helps', async () => {
  const env = { RUNGRAPH_HOME: path.join(folder, 'offline'), PORT: '0', HF_HUB_OFFLINE: '1', HF_HOME: folder };
  const ended = await spawnTypeScript('src/bin/cli.ts', ['demo', '--preset', 'recipe', '--data', data], env).finished;
  expect(ended.status).toBe(1);
  expect(ended.stderr).toMatch(/^The recipe starts from pretrained weights, and these cannot be had:\n {2}convnext_/);
  expect(ended.stderr).toContain('--random-weights');
  expect(ended.stdout).toMatch(/^scale +(mini|small|base|full): .+\n +chosen because .+--scale takes another$/m);
  expect(ended.stdout).not.toContain('importDataset');
});

describe('the recipe at scale mini, one epoch', () => {
  test('goes on after an interruption, and what was trained is not trained again', () => {
    expect(interrupted.status).toBe(130);
    const output = server.output();
    expect(output).toMatch(/imported before, on \d{4}-\d\d-\d\d;/);
    expect(output).toMatch(/trained before: convnext_atto crop(,|$)/m);
    expect(summary.dataset.name).toBe('images');
  });

  test('is eight runs of four families, the frozen epoch first, accumulating two micro-batches', () => {
    const families = summary.runs.map(({ architecture }) => findArchitecture(architecture)!.family);
    expect(families).toEqual(['convnext', 'convnext', 'vit', 'vit', 'swinv2', 'swinv2', 'swin', 'swin']);
    expect(new Set(summary.runs.map((run) => run.id)).size).toBe(8);
    for (const run of summary.runs) {
      expect(run).toMatchObject({ status: 'SUCCEEDED', epochs: 2, accumulation: 2, microBatchSize: 8 });
    }
  });

  test('has probed every network, for which some accumulation was measured', () => {
    const [tight, list] = summary.probes;
    expect(tight!.targets).toHaveLength(1);
    expect(list!.targets).toHaveLength(5);
    for (const { trials } of [...tight!.targets, ...list!.targets]) {
      expect(trials.map(({ accumulation }) => accumulation)).toEqual(trials.map((_, i) => 2 ** i));
      for (const trial of trials) expect(['FITS', 'OVER_BUDGET', 'OUT_OF_MEMORY']).toContain(trial.outcome);
    }
  });

  test('tells what the devices held while the architectures were trained', () => {
    expect(server.output()).toMatch(
      /^ +CPU:0 .+\n +process +\d+ uses +\d+\.\d{3} MB memory {2}(?:convnext|vit|swin)\w+ /m,
    );
  });

  test('counts the two ViTs double: 2 of 10 each', () => {
    const { members } = summary.ensemble;
    expect(members).toHaveLength(8);
    for (const { architecture, weight, share } of members) {
      const isVit = architecture.startsWith('vit');
      expect(weight).toBe(isVit ? 2 : 1);
      expect(share).toBeCloseTo(isVit ? 0.2 : 0.1, 9);
    }
    expect(summary.ensemble.errorRate).not.toBeNull();
  });

  test('submits the most probable label of the ten members’ mean, row by row in the sample’s order', async () => {
    const [header, ...rows] = await readCsv(summary.submission.path);
    const [, ...sample] = await readCsv(path.join(data, 'sample_submission.csv'));
    expect(header).toEqual(['image_id', 'label']);
    expect(rows.map(([id]) => id)).toEqual(sample.map(([id]) => id));
    expect(rows).toHaveLength(testImages);

    const sets = await Promise.all(summary.runs.map((run) => predictionsOf(run.id)));
    const ten = [...sets, ...sets.slice(2, 4)];
    const vocab = Object.keys(classes).sort();
    for (const set of sets) expect(set.vocab).toEqual(vocab);
    const labels = rows.map(([id]) => {
      const probabilities = ten.map((set) => set.rows.nodes.find(({ imageId }) => imageId === id)!.probabilities);
      const mean = vocab.map((_, c) => probabilities.reduce((sum, row) => sum + row[c]! / 10, 0));
      return [id, vocab[mean.indexOf(Math.max(...mean))]];
    });
    expect(rows).toEqual(labels);
  });

  test('started once more, shows the same runs, ensemble and submission', async () => {
    server.child.kill('SIGINT');
    await server.finished;
    const again = await startDemo('third.json', '--exit').finished;
    expect({ status: again.status, stderr: again.stderr }).toEqual({ status: 0, stderr: '' });
    const third = await readSummary('third.json');
    const { runs, ensemble, submission } = summary;
    expect({ runs: third.runs, ensemble: third.ensemble, submission: third.submission }).toEqual({
      runs,
      ensemble,
      submission,
    });
    expect(again.stdout).toContain('trained before: all of them');
    expect(again.stdout).not.toMatch(/: running$/m);
    expect(again.stdout.match(/ensemble all, vit counts double/g)).toHaveLength(1);
  }, 300_000);
});
