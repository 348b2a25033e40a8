/** Every engine that models and the learner are tested on. */

import { openEager } from '../../src/engine/eager.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { openOnnxRuntime } from '../../src/engine/onnxruntime/engine.ts';

export const engines: readonly { readonly name: string; readonly create: () => Promise<Engine> }[] = [
  { name: 'onnxruntime', create: () => openOnnxRuntime({ computeThreads: 2 }) },
  {
    name: 'tfjs-cpu',
    create: async () => openEager('cpu', { name: 'tfjs-cpu', device: 'cpu', precision: 'FP32', versions: {} }),
  },
];
