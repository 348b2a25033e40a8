/** Every way a step can run on this machine. */

import { openEager } from '../../src/engine/eager.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { openOnnxRuntime } from '../../src/engine/onnxruntime/engine.ts';
import { loadTensorFlow, openTensorFlow } from '../../src/engine/tensorflow.ts';

const tensorflow = loadTensorFlow({}, 2);
export const engines: Record<string, () => Promise<Engine>> = {
  onnxruntime: () => openOnnxRuntime({ computeThreads: 2 }),
  'onnxruntime, the binding copying': () => openOnnxRuntime({ computeThreads: 2, avoidCopies: false }),
  'onnxruntime, grouped convolutions': () =>
    openOnnxRuntime({ computeThreads: 2, target: { nchwcBlock: 0, contrib: false } }),
  // Only where its native binding is installed.
  ...(typeof tensorflow === 'string' ? {} : { tensorflow: () => openTensorFlow(tensorflow) }),
  eager: async () => openEager('cpu', { name: 'tfjs-cpu', device: 'cpu', precision: 'FP32', versions: {} }),
};
