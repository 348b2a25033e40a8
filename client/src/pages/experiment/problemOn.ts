import { ApiError } from '../../api/request.ts';

/** What the server has against one argument of a query. */
export function problemOn(argument: string, error: Error | null): string | undefined {
  if (!(error instanceof ApiError)) return undefined;
  return error.problems.find(({ path }) => path[0] === argument)?.message;
}
