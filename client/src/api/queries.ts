/** The same question about several things at once. */

import { type UseQueryResult, useQueries } from '@tanstack/react-query';
import type { TypedDocumentString } from '../generated/operations.ts';
import { nameOf, useNotedOperation } from './hooks.ts';
import { request } from './request.ts';

/**
 * An answer for each of the variables, in their order. Equal variables are asked once.
 * @param every milliseconds after which an answer is asked for again; false: it will not change
 */
export function useApiQueries<Data, Variables>(
  document: TypedDocumentString<Data, Variables>,
  variables: readonly Variables[],
  every: (answer: Data | undefined) => number | false = () => false,
): readonly UseQueryResult<Data>[] {
  useNotedOperation(document, variables[0] ?? {}, variables.length > 0);
  return useQueries({
    queries: variables.map((each) => ({
      queryKey: [nameOf(document), each],
      queryFn: ({ signal }: { readonly signal: AbortSignal }) => request(document, each, signal),
      refetchInterval: ({ state }: { readonly state: { readonly data: Data | undefined } }) => every(state.data),
    })),
  }) as readonly UseQueryResult<Data>[];
}
