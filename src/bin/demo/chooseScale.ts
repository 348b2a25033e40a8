/** Which scale of the notebook a machine is given when nobody says. */

import type { WorkerState } from './operations.ts';
import type { ScaleName } from './scales.ts';

/** GiB of GPU memory from which a scale is taken, largest first: twice the notebook's, since the GPU engine computes in FP32. */
const needed: readonly (readonly [ScaleName, number])[] = [
  ['full', 30],
  ['base', 15],
  ['small', 7],
];

/** By the memory of the largest GPU of the workers; `mini` without one. The reason is a sentence for people. */
export function chooseScale(workers: readonly WorkerState[]): { readonly scale: ScaleName; readonly reason: string } {
  const gpus = workers
    .filter((worker) => worker.online)
    .flatMap((worker) => worker.devices)
    .filter((device) => device.kind !== 'CPU');
  const rule = needed.map(([name, gibibytes]) => `${name} from ${gibibytes} GiB`).join(', ');
  if (!gpus.length) return { scale: 'mini', reason: `there is no GPU (${rule} of its memory)` };
  const gibibytes = Math.max(...gpus.map(({ memoryTotal }) => memoryTotal ?? 0)) / 2 ** 30;
  const [scale] = needed.find(([, least]) => gibibytes >= least) ?? (['mini'] as const);
  return { scale, reason: `the largest GPU has ${gibibytes.toFixed(1)} GiB (${rule})` };
}
