import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { requireWeights } from '../../src/bin/demo/weights.ts';
import { parseHubReference } from '../../src/domain/hubReference.ts';
import { StartupError } from '../../src/errors.ts';
import { createHub, type HubOptions } from '../../src/hub/hub.ts';
import { type HubServer, ruleOf, startHub } from '../support/hubServer.ts';

let folder: string;
let server: HubServer;
const signal = new AbortController().signal;

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-demo-weights-'));
  server = await startHub({
    'timm/convnext_atto.d2_in1k/model.safetensors': Buffer.from('atto'),
    'timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k/pytorch_model.bin': Buffer.from('tiny'),
  });
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

function openHub(options: Partial<HubOptions> = {}) {
  const tokenFile = path.join(folder, 'token');
  return createHub({
    ...{ endpoint: server.url, token: undefined, tokenFile, cacheDirectory: folder, offline: false },
    hosts: [ruleOf(server)],
    ...options,
  });
}

test('weights that the hub has are enough, under either name; nothing is downloaded', async () => {
  await requireWeights(openHub(), ['convnext_atto', 'vit_tiny_patch16_224', 'convnext_atto'], signal);
  expect(new Set(server.seen.map(({ method }) => method))).toEqual(new Set(['HEAD']));
  expect(await readdir(folder)).toEqual([]);
});

test('each architecture whose weights are missing is named, with what to do', async () => {
  const refused = requireWeights(openHub(), ['convnext_atto', 'swin_tiny_patch4_window7_224'], signal);
  await expect(refused).rejects.toBeInstanceOf(StartupError);
  await expect(refused).rejects.toThrow(/^ {2}swin_tiny_patch4_window7_224: .*swin_tiny_patch4_window7_224\.ms_in1k/m);
  await expect(refused).rejects.not.toThrow(/convnext_atto/);
  for (const help of [/--random-weights/, /HF_ENDPOINT/, /HF_HOME/]) await expect(refused).rejects.toThrow(help);
});

test('a hub that cannot be reached is asked once', async () => {
  const gone = await startHub({});
  await gone.close();
  await expect(requireWeights(openHub({ endpoint: gone.url }), ['convnext_atto'], signal)).rejects.toThrow(
    new URL(gone.url).host,
  );
});

test('weights in the cache are enough without the hub', async () => {
  const reference = parseHubReference('hf://timm/convnext_atto.d2_in1k')!;
  await openHub().fetch(reference, { signal });
  const asked = server.seen.length;
  await requireWeights(openHub({ offline: true }), ['convnext_atto'], signal);
  await requireWeights(openHub(), ['convnext_atto'], signal);
  expect(server.seen).toHaveLength(asked);
  await expect(requireWeights(openHub({ offline: true }), ['vit_tiny_patch16_224'], signal)).rejects.toThrow(
    /HF_HUB_OFFLINE/,
  );
});
