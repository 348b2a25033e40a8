/** Runs a function of tensors once, on the recording backend, and returns the graph of what it computed. */

import * as tf from '@tensorflow/tfjs-core';
import type { TensorSpec, Tensors } from '../engine.ts';
import { activate } from '../tfjs.ts';
import { graphBackend, graphBackendName, randomProblem } from './backend.ts';
import type { Graph } from './ir.ts';
import type { Target } from './kernels/lowering.ts';

/**
 * The graph of `fn`, its inputs and outputs named as in the records. Throws when `fn` reads a value, draws random numbers, calls
 * a tfjs kernel that has no lowering, or is asynchronous.
 */
export function trace(
  fn: (inputs: Tensors) => Tensors,
  inputs: Readonly<Record<string, TensorSpec>>,
  target: Target,
): Graph {
  const previous = tf.getBackend() ?? 'cpu';
  const { random } = Math;
  activate(graphBackendName);
  Math.random = () => {
    throw randomProblem();
  };
  try {
    return graphBackend.record(target, (graph) => {
      tf.tidy(() => {
        const tensors: Tensors = {};
        for (const [name, { shape, dtype = 'float32' }] of Object.entries(inputs)) {
          const value = graph.input(name, dtype, shape);
          tensors[name] = tf.engine().makeTensorFromTensorInfo(graphBackend.tensorInfo(value));
        }
        for (const [name, tensor] of Object.entries(fn(tensors))) graph.output(name, graphBackend.valueBehind(tensor));
      });
    });
  } catch (error) {
    throw missingKernel(error) ?? error;
  } finally {
    Math.random = random;
    activate(previous);
  }
}

/** tfjs' complaint about an unknown kernel, said for who wrote the function. */
function missingKernel(error: unknown): Error | null {
  const kernel = error instanceof Error && /[Kk]ernel '(\w+)' not registered/.exec(error.message)?.[1];
  if (!kernel) return null;
  return new Error(
    `The tfjs kernel ${kernel} cannot be compiled: express it by other ops, or add its lowering to engine/graph/kernels.`,
    { cause: error },
  );
}
