/** How pages ask, write and listen. */

import {
  keepPreviousData,
  type UseMutationResult,
  type UseQueryResult,
  useMutation,
  useQuery,
} from '@tanstack/react-query';
import { useEffect, useRef, useSyncExternalStore } from 'react';
import type { TypedDocumentString } from '../generated/operations.ts';
import { type ConnectionState, connection } from './connection.ts';
import { noteOperation } from './operations.ts';
import { noteRefusal, type RefusedSubscription, refusals } from './refusals.ts';
import { request } from './request.ts';
import { subscribe } from './subscribe.ts';

export interface QueryOptions {
  /** False: not asked (yet). */
  readonly enabled?: boolean;
  /** Asks again every so many milliseconds, while the page is looked at. */
  readonly every?: number;
}

/** The name of an operation, by which its answers are kept and forgotten (`queryClient.invalidateQueries({ queryKey: ['RunPage'] })`). */
export function nameOf(document: TypedDocumentString<unknown, never>): string {
  return /\b(?:query|mutation|subscription)\s+(\w+)/.exec(document.toString())?.[1] ?? document.toString();
}

/** Asks once and keeps the answer by operation and variables; what other variables were answered is shown until the new answer is there. */
export function useApiQuery<Data, Variables>(
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
  { enabled = true, every }: QueryOptions = {},
): UseQueryResult<Data> {
  useNotedOperation(document, variables, enabled);
  return useQuery({
    queryKey: [nameOf(document), variables],
    queryFn: ({ signal }) => request(document, variables, signal),
    placeholderData: keepPreviousData,
    enabled,
    ...(every !== undefined && { refetchInterval: every }),
  });
}

/** A write: `mutateAsync(variables)` gives the payload, whose `userErrors` are for the form. */
export function useApiMutation<Data, Variables>(
  document: TypedDocumentString<Data, Variables>,
): UseMutationResult<Data, Error, Variables> {
  const forget = useRef(() => {});
  useEffect(() => () => forget.current(), []);
  return useMutation({
    mutationFn: (variables: Variables) => {
      forget.current();
      forget.current = noteOperation({ document: document.toString(), variables });
      return request(document, variables);
    },
  });
}

/**
 * Listens while the component is there and `enabled`. `variables` is asked for at every try, see `subscribe`; `key`: begins anew when it
 * changes. What the server refuses is said above the view (`useRefusals`).
 */
export function useSubscription<Data, Variables>(
  document: TypedDocumentString<Data, Variables>,
  variables: () => Variables,
  onData: (data: Data) => void,
  options: { readonly enabled?: boolean; readonly key: string; readonly onEnd?: () => void },
): void {
  const { enabled = true, key, onEnd } = options;
  const latest = useRef({ variables, onData, onEnd });
  latest.current = { variables, onData, onEnd };
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says when to begin anew
  useEffect(() => {
    if (!enabled) return;
    const forget = noteOperation({ document: document.toString(), variables: latest.current.variables() });
    let forgetRefusal = () => {};
    const stop = subscribe(document, () => latest.current.variables(), {
      onData: (data) => latest.current.onData(data),
      onEnd: () => latest.current.onEnd?.(),
      onRefusal: (message) => {
        forgetRefusal = noteRefusal(message);
      },
    });
    return () => {
      forget();
      forgetRefusal();
      stop();
    };
  }, [document, enabled, key]);
}

export function useConnection(): ConnectionState {
  return useSyncExternalStore(connection.listen, connection.get);
}

/** What the server has against the subscriptions of the view. */
export function useRefusals(): readonly RefusedSubscription[] {
  return useSyncExternalStore(refusals.listen, refusals.get);
}

/** Shows an operation among those that the page was made of, while the component is there. */
export function useNotedOperation(
  document: TypedDocumentString<unknown, never>,
  variables: unknown,
  enabled: boolean,
): void {
  const text = document.toString();
  const serialized = JSON.stringify(variables);
  useEffect(() => {
    if (enabled) return noteOperation({ document: text, variables: JSON.parse(serialized ?? '{}') as unknown });
    return undefined;
  }, [text, serialized, enabled]);
}
