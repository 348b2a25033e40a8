/** The engine of @tensorflow/tfjs-node-gpu (or @tensorflow/tfjs-node): TensorFlow's own kernels, on CUDA where it sees a GPU. */

import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { messageOf } from '../errors.ts';
import { listCudaDevices } from './devices.ts';
import { openEager } from './eager.ts';
import type { Engine } from './engine.ts';
import { activate } from './tfjs.ts';

/** The variables of a process' environment that TensorFlow reads while it loads. */
export type Environment = Record<string, string | undefined>;

export interface TensorFlow {
  readonly packageName: string;
  readonly version: string;
  readonly seesGpu: boolean;
}

const packages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;
const backend = 'tensorflow';

/**
 * Loads the native binding and registers its backend. A string says why there is none: the package is not installed, its binding
 * was not built or downloaded, or libtensorflow does not load here. In `environment` it sets TF_FORCE_GPU_ALLOW_GROWTH, without which
 * TensorFlow takes all memory of the GPU at once, and the number of threads; what is set there already stays.
 */
export function loadTensorFlow(environment: Environment, computeThreads: number): TensorFlow | string {
  environment.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
  environment.TF_NUM_INTRAOP_THREADS ??= String(computeThreads);
  environment.TF_CPP_MIN_LOG_LEVEL ??= '2';
  restoreIsNullOrUndefined();
  const previous = tf.getBackend();
  const require = createRequire(import.meta.url);
  const reasons: string[] = [];
  for (const packageName of packages) {
    try {
      const { version } = require(packageName) as { version: Record<string, string> };
      const { isUsingGpuDevice } = tf.findBackend(backend) as unknown as { isUsingGpuDevice: boolean };
      return { packageName, version: version['tfjs-node'] ?? 'unknown', seesGpu: isUsingGpuDevice };
    } catch (error) {
      reasons.push(`${packageName}: ${messageOf(error).trim().split('\n', 1)[0]}`);
    } finally {
      if (previous) activate(previous);
    }
  }
  return reasons.join('; ');
}

/** Node 23 removed it; tfjs-node 4.22 calls it. */
function restoreIsNullOrUndefined(): void {
  const old = util as unknown as { isNullOrUndefined?: (value: unknown) => boolean };
  old.isNullOrUndefined ??= (value) => value === null || value === undefined;
}

export async function openTensorFlow({ packageName, version, seesGpu }: TensorFlow): Promise<Engine> {
  const [gpu] = seesGpu ? await listCudaDevices() : [];
  return openEager(backend, {
    name: 'tensorflow',
    device: seesGpu ? (gpu?.name ?? 'CUDA') : (cpus()[0]?.model.trim() ?? 'CPU'),
    precision: 'FP32',
    versions: { [packageName]: version, 'tfjs-core': tf.version_core, node: process.versions.node },
  });
}
