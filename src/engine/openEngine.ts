/** Chooses and opens the engine a trainer computes with. */

import type { Precision } from '../domain/precision.ts';
import { StartupError } from '../errors.ts';
import type { Engine } from './engine.ts';
import { openOnnxRuntime } from './onnxruntime/engine.ts';
import { type Environment, loadTensorFlow, openTensorFlow } from './tensorflow.ts';

export interface EngineOptions {
  /** `auto`: tensorflow where it loads and sees a GPU, else onnxruntime. */
  readonly engine: 'auto' | 'tensorflow' | 'onnxruntime';
  /** `auto`: a GPU if the engine sees one, else the CPU. */
  readonly device: 'auto' | 'cuda' | 'webgpu' | 'cpu';
  readonly computeThreads: number;
  /** What to compute in where the engine can; `AUTO`, the default: its fastest that trains every network, FP32 on a CPU. */
  readonly precision?: Precision | 'AUTO';
  /** The environment TensorFlow reads while it loads: `process.env`, passed down by who may read it. */
  readonly environment?: Environment;
}

/**
 * Throws a StartupError, saying what to do, when what was asked for by name is not to be had. Only the precision may be another one than
 * was asked for (tensorflow has FP32 alone): `info.precision` of the engine tells it.
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { engine, device, computeThreads, environment = {} } = options;
  const openOnCpu = () =>
    openOnnxRuntime({ computeThreads, precision: options.precision === 'AUTO' ? 'FP32' : options.precision });
  if (device === 'webgpu')
    throw new StartupError('DEVICE=webgpu is not supported by any engine of this version: use cuda, cpu or auto.');
  if (engine === 'onnxruntime' || (engine === 'auto' && device === 'cpu')) {
    if (device === 'cuda')
      throw new StartupError('ENGINE=onnxruntime computes on the CPU: for DEVICE=cuda use ENGINE=tensorflow or auto.');
    return openOnCpu();
  }
  const tensorflow = loadTensorFlow(environment, computeThreads);
  if (typeof tensorflow === 'string') {
    if (engine === 'auto' && device === 'auto') return openOnCpu();
    throw new StartupError(
      `${engine === 'tensorflow' ? 'ENGINE=tensorflow' : `DEVICE=${device}`} needs TensorFlow, which does not load here (${tensorflow}). ` +
        'Install it with `npm run tensorflow`, or use ENGINE=onnxruntime.',
    );
  }
  if (device === 'cuda' && !tensorflow.seesGpu)
    throw new StartupError(
      'DEVICE=cuda: TensorFlow loads but sees no GPU. Check the driver, CUDA and CUDA_VISIBLE_DEVICES.',
    );
  if (engine === 'auto' && !tensorflow.seesGpu) return openOnCpu();
  return openTensorFlow(tensorflow);
}
