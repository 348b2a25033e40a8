/** What a worker knows of a device before a trainer has started on it. */

import { createRequire } from 'node:module';
import type { Config } from '../config.ts';
import type { TrainerResources } from '../domain/trainer.ts';
import type { MeasuredSetup } from '../store/memoryMeasurement.ts';
import { version } from '../version.ts';
import type { TrainingDevice } from './deviceReadings.ts';
import { type MemoryLimit, workerMemoryLimit } from './memoryLimit.ts';

/** Whatever, besides the network, decides the memory of a trainer; and its limit, null where it is not watched: on a GPU. */
export type Machine = Pick<MeasuredSetup, 'engine' | 'device' | 'computeThreads' | 'loaderThreads' | 'versions'> & {
  readonly memoryLimit: MemoryLimit | null;
};

/** @param engine the one that trainers will open */
export function machineOf(
  config: Config,
  engine: string,
  device: TrainingDevice,
  { computeThreads, loaderThreads }: TrainerResources,
): Machine {
  return {
    engine,
    device: device.name,
    computeThreads,
    loaderThreads,
    versions: versionsOf(engine),
    memoryLimit: device.kind === 'CPU' ? workerMemoryLimit(config) : null,
  };
}

/** `rungraph 0.1.0, node 22.12.0, onnxruntime-node 1.30.0` */
function versionsOf(engine: string): string {
  const packageName = engine === 'tensorflow' ? '@tensorflow/tfjs-node-gpu' : 'onnxruntime-node';
  const library = `${packageName} ${installedVersion(packageName) ?? 'unknown'}`;
  return [`rungraph ${version}`, `node ${process.versions.node}`, library].join(', ');
}

/** Of a package that can be imported; undefined when it is not installed. Loads nothing but its package.json. */
function installedVersion(packageName: string): string | undefined {
  try {
    return (createRequire(import.meta.url)(`${packageName}/package.json`) as { version: string }).version;
  } catch {
    return undefined;
  }
}
