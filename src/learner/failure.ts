/** How an attempt that ends badly is reported. */

import type { RunFailure, RunFailureCode } from '../domain/run.ts';
import { messageOf, UserInputError } from '../errors.ts';
import { WeightsError } from '../models/weights.ts';

/** Thrown inside the learner where the cause is known. */
export class TrainingFailure extends Error {
  readonly code: RunFailureCode;

  constructor(code: RunFailureCode, message: string) {
    super(message);
    this.name = 'TrainingFailure';
    this.code = code;
  }
}

/**
 * What V8, the C++ runtime, onnxruntime, TensorFlow (BFC and CUDA allocators), CUDA's libraries and WebGPU say when memory of the process or
 * of the device runs out.
 */
const outOfMemory =
  /out[ _-]of[ _-]memory|OutOfMemory|bad_alloc|bad allocation|allocation failed|ALLOC_FAILED|fail(ed|ure) to allocate|unable to allocate|cannot allocate|not enough memory|ResourceExhausted|RESOURCE_EXHAUSTED|ENOMEM|\bOOM\b/i;

/** Another attempt would meet the same end, so none of these is retryable; crashes and lost workers are the worker's to report. */
export function failureOf(error: unknown): RunFailure {
  return { code: codeOf(error), message: messageOf(error), retryable: false };
}

function codeOf(error: unknown): RunFailureCode {
  if (error instanceof TrainingFailure) return error.code;
  if (error instanceof UserInputError) return 'INVALID_INPUT';
  if (error instanceof WeightsError) return 'WEIGHTS_UNAVAILABLE';
  return outOfMemory.test(messageOf(error)) ? 'OUT_OF_MEMORY' : 'INTERNAL';
}
