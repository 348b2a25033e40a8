/** One small member of each family, ours and PyTorch's, run in turn: what trainingStep.ts and inference.ts measure. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findArchitecture } from '../src/domain/architecture.ts';
import { createRandom } from '../src/domain/random.ts';
import { sizeOf } from '../src/domain/shape.ts';
import { openEngine } from '../src/engine/openEngine.ts';
import type { Model } from '../src/models/model.ts';
import { createModel } from '../src/models/registry.ts';
import { type InitialWeights, initialWeights } from '../src/models/weights.ts';

const python = '/usr/bin/python3';
const peerScript = fileURLToPath(new URL('./peers/models.py', import.meta.url));
export const threads = Math.min(4, availableParallelism());
/** Long enough for the threads of the one before to stop spinning. */
const restMilliseconds = 150;
const heatRounds = 3;

export interface Case {
  readonly name: string;
  readonly architecture: string;
  /** timm's name of the same network. */
  readonly peer: string;
  readonly batch: number;
  readonly side: number;
  /** Of the images that augmentation starts from. */
  readonly itemSide: number;
}

const convnext = { architecture: 'convnext_tiny_in22k', peer: 'convnext_tiny' };
const [vit, swin, swinv2] = ['vit_small_patch16_224', 'swin_tiny_patch4_window7_224', 'swinv2_tiny_window8_256'];
const cases: readonly Case[] = [
  { name: 'ConvNeXt-Tiny, 16 at 128x128', ...convnext, batch: 16, side: 128, itemSide: 192 },
  { name: 'ConvNeXt-Tiny, 8 at 224x224', ...convnext, batch: 8, side: 224, itemSide: 480 },
  { name: 'ViT-Small, 8 at 224x224', architecture: vit, peer: vit, batch: 8, side: 224, itemSide: 480 },
  { name: 'Swin-Tiny, 8 at 224x224', architecture: swin, peer: swin, batch: 8, side: 224, itemSide: 480 },
  { name: 'SwinV2-Tiny, 8 at 256x256', architecture: swinv2, peer: swinv2, batch: 8, side: 256, itemSide: 480 },
];

/** Cases whose name begins with `prefix`. */
export const casesOf = (prefix = ''): readonly Case[] => cases.filter(({ name }) => name.startsWith(prefix));

export interface Contender {
  readonly name: string;
  /** Milliseconds of the parts of one pass over a batch. */
  run(): Promise<number[]>;
}

/** A PyTorch process with variants of one network: timm's and torchvision's code, for convolutions also in channels_last. */
export interface Peer {
  readonly contenders: readonly PeerContender[];
  close(): Promise<void>;
}

export interface PeerContender extends Contender {
  /** Milliseconds of 4 augmented passes and a plain one over `images` images in memory. */
  tta(images: number): Promise<number>;
}

/** The network with drawn weights on an engine of its own, and a batch of drawn inputs. */
export async function openOurs({ architecture: name, batch, side }: Case) {
  const architecture = findArchitecture(name)!;
  const size = { height: side, width: side };
  const engine = await openEngine({ engine: 'onnxruntime', device: 'cpu', computeThreads: threads });
  const model: Model = createModel(architecture, size, 10);
  const weights: InitialWeights = await initialWeights(model, architecture, size, null, 1);
  const random = createRandom(1, 'bench');
  const inputs = Float32Array.from({ length: batch * sizeOf(model.inputShape) }, () => random.normal());
  return { engine, model, weights, random, inputs };
}

/**
 * OpenBLAS as it sets itself up, and where the processor has AVX-512 also told to use it: releases that do not know the
 * processor fall back to AVX2.
 */
export async function openPeers(mode: 'train' | 'infer', c: Case): Promise<Peer[]> {
  const settings: Record<string, string>[] = [{}];
  if (readFileSync('/proc/cpuinfo', 'utf8').includes('avx512f')) settings.push({ OPENBLAS_CORETYPE: 'SkylakeX' });
  const peers: Peer[] = [];
  for (const setting of settings) {
    const peer = await openPeer(mode, c, setting);
    if (peer) peers.push(peer);
  }
  return peers;
}

/** Null, and a line that says so, where PyTorch or its models are not installed. */
async function openPeer(mode: string, c: Case, setting: Record<string, string>): Promise<Peer | null> {
  const args = [peerScript, mode, c.peer, ...[c.batch, c.side, threads, c.itemSide].map(String)];
  const child: ChildProcessWithoutNullStreams = spawn(python, args, { env: { ...process.env, ...setting } });
  child.stderr.resume();
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ready = await Promise.race([lines.next(), once(child, 'error').then(() => null)]);
  const line = ready?.value as string | undefined;
  const { versions, variants } = JSON.parse(line ?? '{"variants":[]}') as { versions: string; variants: string[] };
  if (variants.length === 0) {
    console.log(
      `${c.name}: PyTorch skipped, ${python} has no torch with timm or torchvision (Debian: python3-torchvision)`,
    );
    child.kill();
    return null;
  }
  const blas = setting.OPENBLAS_CORETYPE ? `OpenBLAS as ${setting.OPENBLAS_CORETYPE}` : 'OpenBLAS';
  const ask = async (command: string): Promise<number[]> => {
    child.stdin.write(`${command}\n`);
    return JSON.parse((await lines.next()).value as string) as number[];
  };
  return {
    contenders: variants.map((variant, i) => ({
      name: `${versions}, ${variant}, ${blas}`,
      run: () => ask(`run ${i}`),
      tta: async (images) => (await ask(`tta ${i} ${images}`))[0]!,
    })),
    async close() {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}

/** A contender with the medians of each part of its passes, in milliseconds. */
export interface Result<C extends Contender = Contender> {
  readonly contender: C;
  readonly times: readonly number[];
}

/** Passes in turns: three of every contender of each group, then `rounds` of ours and of the fastest of each group. */
export async function race<C extends Contender>(
  ours: Contender,
  groups: readonly (readonly C[])[],
  rounds: number,
): Promise<{ ours: Result; others: Result<C>[] }> {
  const finalists: C[] = [];
  for (const group of groups) {
    const totals = (await takeTurns(group, heatRounds)).map(sum);
    finalists.push(group[totals.indexOf(Math.min(...totals))]!);
  }
  const [own, ...rest] = await takeTurns([ours, ...finalists], rounds);
  return {
    ours: { contender: ours, times: own! },
    others: finalists.map((contender, i) => ({ contender, times: rest[i]! })),
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

async function takeTurns(contenders: readonly Contender[], rounds: number): Promise<number[][]> {
  const times = contenders.map((): number[][] => []);
  for (let round = 0; round < rounds; round++)
    for (const [i, contender] of contenders.entries()) {
      await pause(restMilliseconds);
      times[i]!.push(await contender.run());
    }
  return times.map((runs) => runs[0]!.map((_, part) => median(runs.map((run) => run[part]!))));
}

export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;
