/**
 * Images a second of forward and backward, with and without the optimiser step, for one small member of each family against
 * PyTorch eager running timm's and torchvision's model, in turns: `node --import tsx bench/trainingStep.ts [rounds] [case]`.
 */

import { sizeOf } from '../src/domain/shape.ts';
import { createLearner } from '../src/learner/learner.ts';
import { type Case, type Contender, casesOf, openOurs, openPeers, race, threads } from './contenders.ts';

const [rounds = '11', wanted] = process.argv.slice(2);

/** One step of the learner: [forward and backward, Adam]. */
async function openLearner(c: Case): Promise<Contender & { close(): Promise<void> }> {
  const { engine, model, weights, random, inputs } = await openOurs(c);
  const sizes = { batchSize: c.batch, effectiveBatchSize: c.batch, weightDecay: 0.01 };
  const learner = await createLearner({ engine, model, weights, ...sizes });
  const fit = await learner.begin(false);
  const labels = Int32Array.from({ length: c.batch }, () => random.integer(10));
  const masks = Object.fromEntries(
    model.masks.map(({ name, shape, keep }) => [
      name,
      Float32Array.from({ length: c.batch * sizeOf(shape) }, () => (random.next() < keep ? 1 / keep : 0)),
    ]),
  );
  const run = async () => {
    const start = performance.now();
    await fit.accumulate({ inputs, labels, masks });
    const middle = performance.now();
    await fit.update({ learningRates: [1e-5, 1e-5], momentum: 0.9 });
    return [middle - start, performance.now() - middle];
  };
  await run();
  await run();
  return { name: 'Rungraph', run, close: () => engine.dispose() };
}

console.log(`training, float32, ${threads} threads, images/s from medians of ${rounds} steps taken in turns`);
for (const c of casesOf(wanted)) {
  const ours = await openLearner(c);
  const peers = await openPeers('train', c);
  const groups = peers.map((peer) => peer.contenders);
  const result = await race(ours, groups, Number(rounds));
  const rates = [result.ours, ...result.others].map(({ contender: { name }, times: [compute, update] }) => ({
    name,
    compute: (c.batch / compute!) * 1000,
    step: (c.batch / (compute! + update!)) * 1000,
  }));
  console.log(`${c.name}\n  forward+backward   with optimiser`);
  for (const { name, compute, step } of rates)
    console.log(`${compute.toFixed(1).padStart(18)}${step.toFixed(1).padStart(17)}   ${name}`);
  const [first, ...others] = rates;
  for (const other of others) {
    const against = (part: 'compute' | 'step') => `${(first![part] / other[part]).toFixed(2)}x`;
    console.log(`${against('compute').padStart(18)}${against('step').padStart(17)}   Rungraph against ${other.name}`);
  }
  await Promise.all([ours, ...peers].map((contender) => contender.close()));
}
process.exit(0);
