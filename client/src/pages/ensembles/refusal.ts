/** Why something could not be computed, in words. */

import { ApiError } from '../../api/request.ts';
import { type Problem, sentence } from './problems.ts';

/** Of a query's error: the problems of its arguments, else the whole of it. */
export function problemsOf(error: Error | null): readonly Problem[] {
  if (!error) return [];
  if (error instanceof ApiError && error.problems.length) return error.problems;
  return [{ message: error.message, path: [] }];
}

/** One text for people. */
export function refusal(error: Error): string {
  return problemsOf(error)
    .map(({ message }) => sentence(message))
    .join('\n');
}
