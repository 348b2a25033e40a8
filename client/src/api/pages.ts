/** Long lists: one page after the other, by cursor. */

import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useCallback, useMemo, useRef } from 'react';
import type { TypedDocumentString } from '../generated/operations.ts';
import { nameOf, type QueryOptions, useNotedOperation } from './hooks.ts';
import { request } from './request.ts';

/** One page of a connection, as operations ask for it. */
export interface ConnectionPage<Row> {
  readonly nodes: readonly Row[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

export interface Pages<Data, Row> {
  /** Of all pages that have been loaded. */
  readonly rows: readonly Row[];
  /** The answer with the first page; undefined before it is there. */
  readonly first: Data | undefined;
  readonly hasMore: boolean;
  /** Loads the next page, if there is one, it is not on its way, and nothing has failed: what has failed is asked for by `refetch`. */
  readonly loadMore: () => void;
  readonly error: Error | null;
  /** What is shown was answered to other variables: the new answer is on its way, or an error. */
  readonly outdated: boolean;
  /** An answer is on its way, and may have been read before what is told now. */
  readonly fetching: boolean;
  readonly refetch: () => void;
}

/**
 * Asks for the first page, and for the next ones when `loadMore` is called; all loaded pages are asked for again together.
 * @param pageOf where the connection stands in an answer; null where what it belongs to does not exist. Give a function that stays the same.
 */
export function useApiPages<Data, Variables extends { readonly after?: string | null }, Row>(
  document: TypedDocumentString<Data, Variables>,
  variables: Omit<Variables, 'after'>,
  pageOf: (data: Data) => ConnectionPage<Row> | null | undefined,
  { enabled = true, every }: QueryOptions = {},
): Pages<Data, Row> {
  useNotedOperation(document as TypedDocumentString<unknown, never>, variables, enabled);
  const query = useInfiniteQuery({
    queryKey: [nameOf(document as TypedDocumentString<unknown, never>), variables],
    queryFn: ({ pageParam, signal }) => request(document, { ...variables, after: pageParam } as Variables, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => {
      const page = pageOf(last);
      return page?.pageInfo.hasNextPage ? page.pageInfo.endCursor : undefined;
    },
    placeholderData: keepPreviousData,
    enabled,
    // All loaded pages are asked for: of a long list less often.
    refetchInterval: ({ state: { data } }) => every !== undefined && every * (data?.pages.length ?? 1),
  });
  const { error, isError, hasNextPage, isFetching, isPlaceholderData, fetchNextPage, refetch } = query;
  // A refused filter takes away nothing: the rows that were there stay while it is being mended.
  const last = useRef(query.data);
  if (query.data) last.current = query.data;
  const data = query.data ?? (error ? last.current : undefined);
  const rows = useMemo(() => data?.pages.flatMap((page) => pageOf(page)?.nodes ?? []) ?? [], [data, pageOf]);
  const loadMore = useCallback(() => {
    if (hasNextPage && !isFetching && !isError) void fetchNextPage();
  }, [hasNextPage, isFetching, isError, fetchNextPage]);
  return {
    rows,
    first: data?.pages[0],
    hasMore: hasNextPage,
    loadMore,
    error,
    outdated: isPlaceholderData || (query.data === undefined && data !== undefined),
    fetching: isFetching,
    refetch: useCallback(() => void refetch(), [refetch]),
  };
}
