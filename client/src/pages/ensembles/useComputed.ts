import { useRef } from 'react';
import { useApiQuery } from '../../api/hooks.ts';
import type { TypedDocumentString } from '../../generated/operations.ts';
import { isRefused } from './refusal.ts';

export interface Computed<Data> {
  readonly data: Data | undefined;
  readonly error: Error | null;
  /** `data` is of what was asked for before. */
  readonly outdated: boolean;
  readonly retry: () => void;
}

/** What the server computes of an ensemble. While it is on its way, and when there is no answer, the last stays; a refusal takes it away. */
export function useComputed<Data, Variables>(
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
): Computed<Data> {
  const { data, error, isPlaceholderData, refetch } = useApiQuery(document, variables);
  const last = useRef(data);
  if (data) last.current = data;
  const kept = error && !isRefused(error) ? last.current : undefined;
  return {
    data: error && isRefused(error) ? undefined : (data ?? kept),
    error,
    outdated: isPlaceholderData || (!data && kept !== undefined),
    retry: () => void refetch(),
  };
}
