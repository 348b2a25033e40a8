/** Where a run's pretrained weights come from. The hub itself is tested in test/hub. */

import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HubReference } from '../../src/domain/hubReference.ts';
import type { RunFailure } from '../../src/domain/run.ts';
import type { TrainerEvent } from '../../src/domain/trainer.ts';
import { parseTrainingConfig } from '../../src/domain/trainingConfig.ts';
import { HubError } from '../../src/hub/errors.ts';
import type { Hub as WholeHub } from '../../src/hub/hub.ts';
import { provideWeights } from '../../src/worker/weights.ts';
import { smallConfig } from '../support/runs.ts';

type Hub = Pick<WholeHub, 'fetch'>;

let folder: string;
let file: string;
const before = process.cwd();
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-weights-'));
  file = path.join(folder, 'weights.bin');
  await writeFile(file, '');
});
afterEach(async () => {
  process.chdir(before);
  await rm(folder, { recursive: true });
});

let asked: HubReference[] = [];
const hub: Hub = {
  fetch: async (reference) => {
    asked.push(reference);
    return '/cache/model.safetensors';
  },
};

function provide(
  changes: Record<string, unknown>,
  options: { hub?: Hub; signal?: AbortSignal; events?: TrainerEvent[]; weightsRoots?: string[] } = {},
) {
  asked = [];
  const { config, problems } = parseTrainingConfig({ ...smallConfig, pretrained: true, ...changes });
  if (!config) throw new Error(JSON.stringify(problems));
  return provideWeights(config, {
    files: { weightsRoots: options.weightsRoots ?? null },
    hub: options.hub ?? hub,
    signal: options.signal ?? new AbortController().signal,
    tell: (event) => options.events?.push(event),
  });
}

async function failureOf(promise: ReturnType<typeof provide>): Promise<RunFailure> {
  const { outcome } = await promise;
  if (outcome?.status !== 'FAILED') throw new Error(`it ended ${outcome?.status}`);
  expect(outcome.failure.code).toBe('WEIGHTS_UNAVAILABLE');
  // The code says already what is missing.
  expect(outcome.failure.message).not.toMatch(/^no pretrained weights/);
  expect(outcome.failure.message).toMatch(/; set weightsUri to .*, or pretrained: false to start from random weights$/);
  return outcome.failure;
}

test('nothing is looked for unless the run is pretrained', async () => {
  expect(await provide({ pretrained: false, weightsUri: 'hf://a/b' })).toEqual({ weights: null });
  expect(asked).toEqual([]);
});

describe('without weightsUri, timm’s repository of the architecture is asked', () => {
  test.each([
    ['convnext_atto', 'timm/convnext_atto.d2_in1k'],
    ['convnext_tiny_in22k', 'timm/convnext_tiny.fb_in22k'],
    ['vit_tiny_patch16_224', 'timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k'],
    ['swin_tiny_patch4_window7_224', 'timm/swin_tiny_patch4_window7_224.ms_in1k'],
  ])('%s: %s', async (architecture, repository) => {
    const size = { height: 224, width: 224 };
    expect(await provide({ architecture, size })).toEqual({ weights: { path: '/cache/model.safetensors' } });
    expect(asked).toEqual([{ repository, revision: 'main', file: null }]);
  });
});

describe('weightsUri may be', () => {
  test('a path or file: URL', async () => {
    expect(await provide({ weightsUri: file })).toEqual({ weights: { path: file } });
    expect(await provide({ weightsUri: pathToFileURL(file).href })).toEqual({ weights: { path: file } });
    process.chdir(folder);
    expect(await provide({ weightsUri: 'weights.bin' })).toEqual({ weights: { path: file } });
    expect(asked).toEqual([]);
  });

  test('a folder with the usual names, the better one first', async () => {
    expect((await failureOf(provide({ weightsUri: folder }))).message).toMatch(
      /folder .* has neither model\.safetensors nor pytorch_model\.bin/,
    );
    for (const name of ['pytorch_model.bin', 'model.safetensors']) {
      await writeFile(path.join(folder, name), '');
      expect(await provide({ weightsUri: folder })).toEqual({ weights: { path: path.join(folder, name) } });
    }
  });

  test('a file or repository of the hub', async () => {
    await provide({ weightsUri: 'hf://o/n@v1/x.bin' });
    expect(asked).toEqual([{ repository: 'o/n', revision: 'v1', file: 'x.bin' }]);
    process.chdir(folder);
    await provide({ weightsUri: 'o/n' });
    expect(asked).toEqual([{ repository: 'o/n', revision: 'main', file: null }]);
  });
});

describe('weightsUri is refused', () => {
  test('that is neither a file nor a folder', async () => {
    const pipe = path.join(folder, 'pipe.pth');
    execFileSync('mkfifo', [pipe]);
    expect((await failureOf(provide({ weightsUri: pipe }))).message).toContain(
      `${pipe} is neither a file nor a folder`,
    );
  });

  test('that means a folder and a repository', async () => {
    await mkdir(path.join(folder, 'o', 'n'), { recursive: true });
    process.chdir(folder);
    const { message } = await failureOf(provide({ weightsUri: 'o/n' }));
    expect(message).toMatch(/"o\/n" may mean .*\/o\/n or a repository of the hub: write \.\/o\/n or hf:\/\/o\/n/);
    expect(asked).toEqual([]);
  });

  test.each([
    ['/nowhere/weights.pth', /\/nowhere\/weights\.pth does not exist on the worker/],
    ['models/weights.pth', /models\/weights\.pth does not exist/],
  ])('%s', async (weightsUri, message) => {
    const failure = await failureOf(provide({ weightsUri }));
    expect(failure.message).toMatch(message);
    expect(failure.retryable).toBe(false);
    expect(asked).toEqual([]);
  });
});

describe('what the hub does', () => {
  const failing = (error: unknown): Hub => ({ fetch: () => Promise.reject(error) });

  test.each([true, false])('its refusal ends the run; that another try may succeed is said (%s)', async (retryable) => {
    const failure = await failureOf(
      provide({}, { hub: failing(new HubError('the server is on fire', { retryable })) }),
    );
    expect(failure).toMatchObject({ retryable, message: expect.stringContaining('the server is on fire') });
  });

  test('is told to the run: sentences in its log, what is fetched as progress', async () => {
    const events: TrainerEvent[] = [];
    const downloading: Hub = {
      fetch: async (_, { note, onProgress }) => {
        note?.('downloading');
        onProgress?.(1, 2_500_000);
        onProgress?.(2_500_000, 2_500_000);
        return '/x';
      },
    };
    await provide({ epochs: 3, freezeEpochs: 2 }, { hub: downloading, events });
    const source = 'hf://timm/convnext_atto.d2_in1k';
    const progress = { phase: 'PREPARING', epoch: 0, epochs: 5, imagesPerSecond: null, etaSeconds: null };
    const fetching = (batch: number, received: number, size: number | null) => ({
      kind: 'progress',
      progress: { ...progress, batch, batches: size === null ? 0 : 3, weights: { source, received, size } },
    });
    expect(events).toEqual([
      fetching(0, 0, null),
      { kind: 'log', stream: 'trainer', line: 'downloading' },
      fetching(1, 1, 2_500_000),
      fetching(3, 2_500_000, 2_500_000),
      { kind: 'progress', progress: { ...progress, batch: 0, batches: 0 } },
    ]);
  });

  test('is ended by a cancel', async () => {
    const controller = new AbortController();
    const waiting: Hub = {
      fetch: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')));
          controller.abort('cancel');
        }),
    };
    const ended = await provide({}, { hub: waiting, signal: controller.signal });
    expect(ended).toEqual({ outcome: { status: 'CANCELED' } });
  });
});

describe('where runs may name weights below some folders only', () => {
  test('a path outside of them, by whatever way, is refused; one inside is taken', async () => {
    const allowed = path.join(folder, 'allowed');
    await mkdir(allowed);
    const inside = path.join(allowed, 'weights.bin');
    await writeFile(inside, '');
    await symlink(file, path.join(allowed, 'link.bin'));
    await mkdir(path.join(allowed, 'model'));
    await symlink(file, path.join(allowed, 'model/pytorch_model.bin'));
    const weightsRoots = [allowed];
    expect(await provide({ weightsUri: inside }, { weightsRoots })).toEqual({ weights: { path: inside } });
    for (const weightsUri of [
      file,
      pathToFileURL(file).href,
      `${allowed}/../weights.bin`,
      `${allowed}/link.bin`,
      `${allowed}/model`,
    ]) {
      const { message, retryable } = await failureOf(provide({ weightsUri }, { weightsRoots }));
      expect(message, weightsUri).toMatch(/is outside of the folders that may be named here .*RUNGRAPH_WEIGHTS_ROOTS/);
      expect(retryable).toBe(false);
    }
    // What may not be looked for is not there: it is a repository of the hub.
    process.chdir(folder);
    await mkdir('owner');
    await writeFile('owner/name', '');
    expect(await provide({ weightsUri: 'owner/name' }, { weightsRoots })).toEqual({
      weights: { path: '/cache/model.safetensors' },
    });
  });
});
