/** Why something could not be computed, in words. */

import { ApiError } from '../../api/request.ts';
import { sentences } from '../../format/sentence.ts';
import type { Problem } from './problems.ts';

/** Of a query's error: the problems of its arguments, else the whole of it. */
export function problemsOf(error: Error | null): readonly Problem[] {
  if (!error) return [];
  if (error instanceof ApiError && error.problems.length) return error.problems;
  return [{ message: error.message, path: [] }];
}

/** Whether the server has something against what it was asked, and will have it again. */
export function isRefused(error: Error): boolean {
  return error instanceof ApiError && error.problems.length > 0;
}

/** One text for people. */
export function refusal(error: Error): string {
  return sentences(problemsOf(error));
}
