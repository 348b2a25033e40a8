/**
 * Milliseconds of one training step (forward, backward, AdamW) of the learner on the compiled engine, against PyTorch eager doing the
 * same network, one step of each in turn: `node --import tsx bench/trainingStep.ts [rounds]`.
 */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findArchitecture } from '../src/domain/architecture.ts';
import { createRandom } from '../src/domain/random.ts';
import { sizeOf } from '../src/domain/shape.ts';
import { openEngine } from '../src/engine/openEngine.ts';
import { createLearner } from '../src/learner/learner.ts';
import { createModel } from '../src/models/registry.ts';
import { initialWeights } from '../src/models/weights.ts';

const python = '/usr/bin/python3';
const peerScript = fileURLToPath(new URL('./peers/training_step.py', import.meta.url));
const threads = Math.min(4, availableParallelism());
const rounds = Number(process.argv[2] ?? 15);
/** Long enough for the threads of the one before to stop spinning. */
const restMilliseconds = 150;

const cases = [
  {
    name: 'ConvNeXt-Tiny, batch 16, 128x128',
    architecture: 'convnext_tiny_in22k',
    peer: 'convnext',
    batch: 16,
    side: 128,
  },
  { name: 'ViT-Small, batch 8, 224x224', architecture: 'vit_small_patch16_224', peer: 'vit', batch: 8, side: 224 },
];
type Case = (typeof cases)[number];

interface Contender {
  readonly name: string;
  /** Milliseconds of one step. */
  step(): Promise<number>;
  close(): Promise<void>;
}

async function openOurs({ architecture: name, batch, side }: Case): Promise<Contender> {
  const architecture = findArchitecture(name)!;
  const size = { height: side, width: side };
  const engine = await openEngine({ engine: 'onnxruntime', device: 'cpu', computeThreads: threads });
  const model = createModel(architecture, size, 10);
  const weights = await initialWeights(model, architecture, size, null, 1);
  const sizes = { batchSize: batch, effectiveBatchSize: batch, weightDecay: 0.01 };
  const learner = await createLearner({ engine, model, weights, ...sizes });
  const fit = await learner.begin(false);
  const random = createRandom(1, 'bench');
  const inputs = Float32Array.from({ length: batch * side * side * 3 }, () => random.normal());
  const labels = Int32Array.from({ length: batch }, () => random.integer(10));
  const masks = Object.fromEntries(
    model.masks.map(({ name, shape, keep }) => [
      name,
      Float32Array.from({ length: batch * sizeOf(shape) }, () => (random.next() < keep ? 1 / keep : 0)),
    ]),
  );
  const step = async () => {
    const start = performance.now();
    await fit.accumulate({ inputs, labels, masks });
    await fit.update({ learningRates: [1e-3, 1e-3], momentum: 0.9 });
    return performance.now() - start;
  };
  await step();
  await step();
  return { name: 'rungraph', step, close: () => engine.dispose() };
}

/** Null where PyTorch is not installed. */
async function openPeer({ peer, batch, side }: Case, variant: string[]): Promise<Contender | null> {
  const args = [peerScript, peer, String(batch), String(side), String(threads), ...variant];
  const child: ChildProcessWithoutNullStreams = spawn(python, args);
  child.stderr.resume();
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ready = await Promise.race([lines.next(), once(child, 'error').then(() => null)]);
  if (ready?.value !== 'ready') return null;
  return {
    name: ['PyTorch', ...variant].join(' '),
    async step() {
      child.stdin.write('\n');
      return Number((await lines.next()).value);
    },
    async close() {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

console.log(`training step, ${threads} threads, medians of ${rounds} interleaved steps`);
for (const c of cases) {
  const ours = await openOurs(c);
  const variants = c.peer === 'convnext' ? [[], ['channels_last']] : [[]];
  const peers = (await Promise.all(variants.map((variant) => openPeer(c, variant)))).filter((p) => p !== null);
  const contenders = [ours, ...peers];
  const times = new Map(contenders.map((contender) => [contender, [] as number[]]));
  for (let round = 0; round < rounds; round++)
    for (const contender of contenders) {
      await pause(restMilliseconds);
      times.get(contender)!.push(await contender.step());
    }
  const base = median(times.get(ours)!);
  for (const [{ name }, ms] of times) {
    const ratio = median(ms) / base;
    const fastest = Math.min(...ms).toFixed(0);
    console.log(`${c.name}: ${name} ${median(ms).toFixed(0)} ms (fastest ${fastest} ms), ${ratio.toFixed(2)}x ours`);
  }
  if (peers.length === 0) console.log(`${c.name}: PyTorch skipped, ${python} has no torch (Debian: python3-torch)`);
  await Promise.all(contenders.map((contender) => contender.close()));
}
process.exit(0);
