/** Workers as a stream: the id of each that has reported, as often as its reader can take it. */

import type { Listener } from '../db/listener.ts';
import { workerChannel } from './waker.ts';

export interface WorkerFeed {
  /**
   * `initial` ids first, then that of each worker when it has reported; null: of every worker. A worker that reports again
   * before its reader has come is told once. `return()` settles also while `next()` waits.
   */
  subscribe(workerId: string | null, initial: Iterable<string>): AsyncIterableIterator<string>;
}

export function createWorkerFeed(listener: Pick<Listener, 'listen'>): WorkerFeed {
  return {
    subscribe(workerId, initial) {
      const pending = new Set(initial);
      let ended = false;
      let wake = () => {};
      const stopListening = listener.listen(workerChannel, (id) => {
        if (workerId !== null && id !== workerId) return;
        pending.add(id);
        wake();
      });
      const iterator: AsyncIterableIterator<string> = {
        async next() {
          while (!ended) {
            const [id] = pending;
            if (id !== undefined) {
              pending.delete(id);
              return { done: false, value: id };
            }
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
          return { done: true, value: undefined };
        },
        async return() {
          ended = true;
          stopListening();
          wake();
          return { done: true, value: undefined };
        },
        [Symbol.asyncIterator]: () => iterator,
      };
      return iterator;
    },
  };
}
