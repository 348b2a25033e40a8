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

/** What onnxruntime, TensorFlow and V8 say when memory runs out. */
const outOfMemory = /out of memory|bad_alloc|allocation failed|failed to allocate|\bOOM\b/i;

/** Another attempt would meet the same end, so none of these is retryable; lost workers are the worker's to report. */
export function failureOf(error: unknown): RunFailure {
  return { code: codeOf(error), message: messageOf(error), retryable: false };
}

function codeOf(error: unknown): RunFailureCode {
  if (error instanceof TrainingFailure) return error.code;
  if (error instanceof UserInputError) return 'INVALID_INPUT';
  if (error instanceof WeightsError) return 'WEIGHTS_UNAVAILABLE';
  return outOfMemory.test(messageOf(error)) ? 'OUT_OF_MEMORY' : 'INTERNAL';
}
