import { ApiError } from '../../api/request.ts';
import { sentences } from '../../format/sentence.ts';

/** What the server has against one argument of a query. */
export function problemOn(argument: string, error: Error | null): string | undefined {
  if (!(error instanceof ApiError)) return undefined;
  return sentences(error.problems.filter(({ path }) => path[0] === argument)) || undefined;
}
