/** Subscriptions that outlive their socket. */

import type { TypedDocumentString } from '../generated/operations.ts';
import { connection, socket } from './connection.ts';

export interface SubscriptionHandlers<Data> {
  onData(data: Data): void;
  /** The stream has come to its end. */
  onEnd?(): void;
  /** The server refuses the subscription, or fails at an event of it: it is ended and not tried again. */
  onRefusal?(message: string): void;
}

/** Milliseconds before the first further try; doubled each time up to the longest. */
const firstPause = 250;
const longestPause = 5_000;

/**
 * Subscribes, and again whenever the socket is lost, until the function that it gives is called.
 * @param variables asked for at every try: with the cursor of what has arrived, nothing is missed and nothing comes twice
 */
export function subscribe<Data, Variables>(
  document: TypedDocumentString<Data, Variables>,
  variables: () => Variables,
  { onData, onEnd, onRefusal }: SubscriptionHandlers<Data>,
): () => void {
  let ended = false;
  let tries = 0;
  /** Counts the tries: what an earlier one still has to say concerns nobody. */
  let round = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let unsubscribe = () => {};
  const release = connection.hold();
  const end = () => {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    release();
  };

  const again = () => {
    round++;
    // A subscription whose socket was lost counts as one until it is ended, and would keep the next socket open.
    unsubscribe();
    const pause = Math.min(firstPause * 2 ** tries, longestPause);
    tries++;
    timer = setTimeout(begin, pause * (0.5 + Math.random() / 2));
  };

  /** The server is there and says no, or could not make out what happened; UNAVAILABLE passes. */
  const refused = (errors: readonly Refusal[]) => {
    if (errors.some(({ extensions }) => extensions?.code === 'UNAVAILABLE')) return again();
    end();
    unsubscribe();
    onRefusal?.(errors.map(({ message }) => message).join('\n'));
  };

  const begin = () => {
    const own = round;
    const isOver = () => ended || own !== round;
    unsubscribe = socket.subscribe<Data>(
      { query: document.toString(), variables: variables() as Record<string, unknown> },
      {
        next({ data, errors }) {
          if (isOver()) return;
          if (!data) return refused(errors ?? []);
          tries = 0;
          onData(data);
        },
        error(error) {
          if (isOver()) return;
          if (Array.isArray(error)) refused(error as readonly Refusal[]);
          else again();
        },
        complete() {
          if (isOver()) return;
          end();
          onEnd?.();
        },
      },
    );
  };

  begin();
  return () => {
    end();
    unsubscribe();
  };
}

interface Refusal {
  readonly message: string;
  readonly extensions?: { readonly code?: string };
}
